// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// beSupervisor makes the test program start a process and wait to be killed.
const beSupervisor = "PLAYGROUND_TEST_SUPERVISOR"

func TestMain(m *testing.M) {
	if log := os.Getenv(beSupervisor); log != "" {
		p := New(Spec{Cluster: "dr1", Name: "child", Path: "/bin/sh", Args: []string{"-c", "exec sleep 1000"}, Log: log})
		if err := p.Start(context.Background()); err != nil {
			panic(err)
		}
		fmt.Println(p.Status().PID)
		select {}
	}
	os.Exit(m.Run())
}

// shell returns the spec of a process that runs a script.
func shell(t *testing.T, script string) Spec {
	t.Helper()
	return Spec{
		Cluster: "dr1", Name: "test", Path: "/bin/sh", Args: []string{"-c", script},
		Log: filepath.Join(t.TempDir(), "log", "test.log"),
	}
}

// eventually fails the test if a condition does not come true.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatal("not in time: " + what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func alive(pid int) bool {
	return syscall.Kill(pid, 0) == nil
}

func TestAProcessRunsUntilItIsStopped(t *testing.T) {
	p := New(shell(t, "exec sleep 1000"))
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	pid := p.Status().PID
	if p.Status().State != Running || !alive(pid) {
		t.Fatalf("got %+v", p.Status())
	}
	p.Stop()
	if p.Status().State != Stopped || alive(pid) {
		t.Fatalf("got %+v", p.Status())
	}
}

func TestAProcessThatEndsByItselfComesBack(t *testing.T) {
	p := New(shell(t, "exec sleep 1000"))
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	first := p.Status().PID
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the process runs again", func() bool {
		s := p.Status()
		return s.State == Running && s.PID != first && s.Restarts == 1
	})
}

func TestStartingWhatRunsChangesNothing(t *testing.T) {
	p := New(shell(t, "exec sleep 1000"))
	defer p.Stop()
	for range 2 {
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if p.Status().Restarts != 0 {
		t.Fatalf("got %+v", p.Status())
	}
}

func TestAProcessThatDiesOnceBeforeItIsReadyIsStartedAgain(t *testing.T) {
	directory := t.TempDir()
	spec := shell(t, fmt.Sprintf("cd %s; [ -e died ] && touch ready && exec sleep 1000; touch died; exit 2", directory))
	spec.Ready = func(context.Context) error {
		_, err := os.Stat(filepath.Join(directory, "ready"))
		return err
	}
	p := New(spec)
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Stop()
}

func TestAProcessThatEndsBeforeItIsReadyIsNamedWithItsLog(t *testing.T) {
	spec := shell(t, "echo no such bucket; exit 3")
	spec.Ready = func(context.Context) error { return errors.New("not yet") }
	p := New(spec)
	err := p.Start(t.Context())
	if err == nil {
		t.Fatal("it started")
	}
	for _, part := range []string{"dr1 test", "exit status 3", "no such bucket", spec.Log} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	if p.Status().State != Stopped {
		t.Errorf("got %+v", p.Status())
	}
}

func TestAMissingProgramIsNamed(t *testing.T) {
	spec := shell(t, "")
	spec.Path = "/no/such/etcd"
	if err := New(spec).Start(t.Context()); err == nil || !strings.Contains(err.Error(), "/no/such/etcd") {
		t.Fatalf("got %v", err)
	}
}

func TestATakenPortIsNamed(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	spec := shell(t, "exec sleep 1000")
	spec.Ports = []int{listener.Addr().(*net.TCPAddr).Port}
	if err := New(spec).Start(t.Context()); err == nil || !strings.Contains(err.Error(), strconv.Itoa(spec.Ports[0])) {
		t.Fatalf("got %v", err)
	}
}

func TestStoppingInterruptsAStart(t *testing.T) {
	spec := shell(t, "exec sleep 1000")
	probed := make(chan struct{}, 1)
	spec.Ready = func(context.Context) error {
		select {
		case probed <- struct{}{}:
		default:
		}
		return errors.New("not yet")
	}
	p := New(spec)
	started := make(chan error)
	go func() { started <- p.Start(t.Context()) }()
	<-probed
	p.Stop()
	if err := <-started; !errors.Is(err, ErrStopped) {
		t.Fatalf("got %v", err)
	}
}

func TestAProcessDiesWithTheProgramThatStartedIt(t *testing.T) {
	supervisor := exec.Command(os.Args[0])
	supervisor.Env = append(os.Environ(), beSupervisor+"="+filepath.Join(t.TempDir(), "log"))
	output, err := supervisor.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := supervisor.Start(); err != nil {
		t.Fatal(err)
	}
	var child int
	if _, err := fmt.Fscan(output, &child); err != nil {
		t.Fatal(err)
	}
	if !alive(child) {
		t.Fatal("the process does not run")
	}
	_ = supervisor.Process.Kill()
	_ = supervisor.Wait()
	eventually(t, "the process is gone", func() bool { return !running(child) })
}

// running says whether a process exists and is not a zombie that nobody has waited for.
func running(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}
