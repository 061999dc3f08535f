// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// forks carries the starts of all processes to one OS thread. The kernel sends a child its parent-death
// signal when the thread that forked it ends, not the program; so that thread must last as long as the program.
var forks = make(chan fork)

type fork struct {
	cmd  *exec.Cmd
	done chan error
}

func init() {
	go func() {
		runtime.LockOSThread()
		for f := range forks {
			f.done <- f.cmd.Start()
		}
	}()
}

func start(cmd *exec.Cmd) error {
	f := fork{cmd: cmd, done: make(chan error)}
	forks <- f
	return <-f.done
}

// Replaced says whether the file that a process was started from has been replaced.
func Replaced(pid int) bool {
	program, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	return err == nil && strings.HasSuffix(program, " (deleted)")
}
