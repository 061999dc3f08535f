// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

const size = 1 << 20

// made is a disk that goes when the test ends; without the right to mount there is no test.
func made(t *testing.T) string {
	t.Helper()
	directory := filepath.Join(t.TempDir(), "a disk")
	if err := Make(directory, size); err != nil {
		if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := RemoveAll(filepath.Dir(directory)); err != nil {
			t.Error(err)
		}
	})
	return directory
}

func TestAFullDiskTakesNothingMoreUntilItIsEmptied(t *testing.T) {
	directory := made(t)
	file, content := filepath.Join(directory, "file"), make([]byte, 64<<10)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Fill(directory); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(directory, "other"), content, 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("writing to a full disk: %v, want %v", err, syscall.ENOSPC)
	}
	if read, err := os.ReadFile(file); err != nil || len(read) != len(content) {
		t.Errorf("reading from a full disk: %d bytes, %v", len(read), err)
	}
	if err := Empty(directory, size); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(directory, "other"), content, 0o600); err != nil {
		t.Error(err)
	}
}

func TestADiskIsMadeOnceAndRemoved(t *testing.T) {
	directory := made(t)
	if !Mounted(directory) {
		t.Error("the disk is not there")
	}
	if err := os.WriteFile(filepath.Join(directory, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Make(directory, size); err == nil {
		t.Error("a disk that is in use was made again")
	}
	if err := RemoveAll(filepath.Dir(directory)); err != nil {
		t.Fatal(err)
	}
	if Mounted(directory) {
		t.Error("the disk is still there")
	}
}
