// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// run is one execution of the program.
type run struct {
	cmd       *exec.Cmd
	logOffset int64
	done      chan struct{} // closed when it has ended
	err       error         // how; to be read after done
}

// execute starts the program, if its ports are free.
func (p *Process) execute() (*run, error) {
	for _, port := range p.Ports {
		if err := checkFree(port); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(filepath.Dir(p.Log), 0o755); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	offset, err := log.Seek(0, 2)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(p.Path, p.Args...)
	cmd.Env = append(os.Environ(), p.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := start(cmd); err != nil {
		return nil, fmt.Errorf("cannot run the program: %w", err)
	}
	current := &run{cmd: cmd, logOffset: offset, done: make(chan struct{})}
	go func() {
		current.err = cmd.Wait()
		close(current.done)
	}()
	return current, nil
}

func (r *run) ended() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// kill ends the program and whatever it has started.
func (r *run) kill() {
	if !r.ended() {
		_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
		_ = r.cmd.Process.Kill()
	}
}

func checkFree(port int) error {
	listener, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("its port is taken by another program: %w", err)
	}
	return listener.Close()
}
