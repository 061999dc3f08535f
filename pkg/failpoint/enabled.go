// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

//go:build failpoints

package failpoint

import (
	"os"
	"path/filepath"
	"syscall"
)

// Hit kills the process if the point is armed for the namespace, once.
func (p *Point) Hit(namespace string) {
	directory := os.Getenv(Environment)
	if directory == "" {
		return
	}
	// Of several goroutines that get here at once, the one that removes the file is the one that dies.
	if os.Remove(filepath.Join(directory, file(p.Name, namespace))) != nil {
		return
	}
	_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
	select {}
}
