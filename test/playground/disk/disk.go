// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package disk gives programs of the playground small disks of their own, in memory, that can be full. Making one takes the
// right to mount, which is root's.
package disk

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// fillAttempts at filling a disk that is being written to.
const fillAttempts = 20

// Make mounts a disk of a size in bytes on a directory, which is made and must be empty.
func Make(directory string, size int64) error {
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return err
	}
	if entries, err := os.ReadDir(directory); err != nil || len(entries) > 0 {
		return errors.Join(err, fmt.Errorf("%s is in use already", directory))
	}
	if err := syscall.Mount("playground", directory, "tmpfs", 0, options(size)); err != nil {
		return fmt.Errorf("mounting a disk on %s, which takes root: %w", directory, err)
	}
	return nil
}

func options(size int64) string { return fmt.Sprintf("size=%d,mode=0700", size) }

// Fill makes a disk have no room for anything more.
func Fill(directory string) error {
	var err error
	for range fillAttempts {
		var stat syscall.Statfs_t
		if err = syscall.Statfs(directory, &stat); err != nil {
			return fmt.Errorf("looking at the disk on %s: %w", directory, err)
		}
		used := (int64(stat.Blocks) - int64(stat.Bfree)) * stat.Bsize //nolint:gosec // far less than that
		// A disk can't be made smaller than what is on it, and no size at all would be no limit.
		if err = resize(directory, max(used, stat.Bsize)); !errors.Is(err, syscall.EINVAL) {
			return err
		}
	}
	return err
}

// Empty gives a full disk its size back.
func Empty(directory string, size int64) error { return resize(directory, size) }

func resize(directory string, size int64) error {
	if err := syscall.Mount("playground", directory, "tmpfs", syscall.MS_REMOUNT, options(size)); err != nil {
		return fmt.Errorf("giving the disk on %s a size of %d: %w", directory, size, err)
	}
	return nil
}

// Mounted tells whether there is a disk on the directory.
func Mounted(directory string) bool {
	mounts, err := below(directory)
	return err == nil && len(mounts) == 1 && mounts[0] == directory
}

// RemoveAll unmounts every disk below a directory. What is on them is gone.
func RemoveAll(directory string) error {
	mounts, err := below(directory)
	if err != nil {
		return err
	}
	var errs []error
	for _, mount := range mounts {
		if err := syscall.Unmount(mount, syscall.MNT_DETACH); err != nil {
			errs = append(errs, fmt.Errorf("unmounting %s: %w", mount, err))
		}
	}
	return errors.Join(errs...)
}

// escapes are how the kernel writes what would break its table.
var escapes = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// below lists what is mounted on a directory or below it.
func below(directory string) ([]string, error) {
	directory, err := filepath.Abs(directory)
	if err != nil {
		return nil, err
	}
	if real, err := filepath.EvalSymlinks(directory); err == nil {
		directory = real
	}
	table, err := os.Open("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	defer table.Close()
	var mounts []string
	for lines := bufio.NewScanner(table); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		mount := escapes.Replace(fields[1])
		if mount == directory || strings.HasPrefix(mount, directory+"/") {
			mounts = append(mounts, mount)
		}
	}
	return mounts, nil
}
