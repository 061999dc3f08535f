// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/ramendr/dr-apiserver/test/playground/layout"
)

// actor is somebody with credentials: admin of a cluster, or the tenant.
type actor string

const (
	admin  actor = "hub"
	tenant actor = "tenant"
	atDR1  actor = "dr1"
	atDR2  actor = "dr2"
)

// prompts tell who types a command.
var prompts = map[actor]string{admin: "admin$", tenant: "tenant$", atDR1: "dr1$", atDR2: "dr2$"}

// act is a part of the story and how long it took.
type act struct {
	title string
	took  time.Duration
}

// stage shows the story as it happens: titles, commands and what they print.
type stage struct {
	root  layout.Root
	out   io.Writer
	began time.Time
	acts  []act
}

func newStage(root layout.Root, out io.Writer) *stage {
	return &stage{root: root, out: out, began: time.Now()}
}

// play shows the title, does the act and notes how long it took.
func (s *stage) play(ctx context.Context, title string, timeout time.Duration, do func(context.Context) error) error {
	fmt.Fprintf(s.out, "\n%s  +%s  ── %s\n", time.Now().Format(time.TimeOnly), short(time.Since(s.began)), title)
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("%q took longer than %s", title, timeout))
	defer cancel()
	began := time.Now()
	err := do(ctx)
	s.acts = append(s.acts, act{title, time.Since(began)})
	if err != nil {
		return fmt.Errorf("%s: %w", title, err)
	}
	return nil
}

// say tells something that no command printed.
func (s *stage) say(format string, args ...any) {
	fmt.Fprintf(s.out, "  "+format+"\n", args...)
}

func (s *stage) failed(err error) {
	fmt.Fprintf(s.out, "\nFAILED: %v\n", err)
}

// kubectl types a kubectl command with somebody's credentials and fails unless it ends well.
func (s *stage) kubectl(ctx context.Context, who actor, input string, args ...string) (string, error) {
	output, code, err := s.try(ctx, who, input, args...)
	if err == nil && code != 0 {
		err = fmt.Errorf("kubectl %s ended with exit code %d", strings.Join(args, " "), code)
	}
	return output, err
}

// try types a kubectl command and tells how it ended.
func (s *stage) try(ctx context.Context, who actor, input string, args ...string) (output string, code int, err error) {
	fmt.Fprintf(s.out, "%s kubectl %s\n", prompts[who], shown(args))
	cmd := exec.CommandContext(ctx, s.root.Program("kubectl"), args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+s.root.Kubeconfig(string(who)), "PATH="+s.root.Path("bin")+":"+os.Getenv("PATH"))
	cmd.Stdin = strings.NewReader(input)
	return s.run(ctx, cmd)
}

// playground gives the playground a command.
func (s *stage) playground(ctx context.Context, args ...string) error {
	fmt.Fprintf(s.out, "$ bin/playground %s\n", shown(args))
	_, code, err := s.run(ctx, exec.CommandContext(ctx, s.root.Program("playground"), args...))
	if err == nil && code != 0 {
		err = fmt.Errorf("bin/playground %s ended with exit code %d", strings.Join(args, " "), code)
	}
	return err
}

// make runs a target of the Makefile.
func (s *stage) make(ctx context.Context, timeout time.Duration, target string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("make %s took longer than %s", target, timeout))
	defer cancel()
	fmt.Fprintf(s.out, "$ make %s\n", target)
	cmd := exec.CommandContext(ctx, "make", "--no-print-directory", "-C", string(s.root), target)
	// A make below a make would share its parent's jobs and flags.
	cmd.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=0")
	_, code, err := s.run(ctx, cmd)
	if err == nil && code != 0 {
		err = fmt.Errorf("make %s ended with exit code %d", target, code)
	}
	return err
}

// run shows what a command prints while it runs. Ctrl-C reaches only the demo, which then ends the command.
func (s *stage) run(ctx context.Context, cmd *exec.Cmd) (output string, code int, err error) {
	var kept bytes.Buffer
	lines := newIndenter(s.out)
	cmd.Stdout = io.MultiWriter(lines, &kept)
	cmd.Stderr = cmd.Stdout
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	err = cmd.Run()
	lines.flush()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return kept.String(), -1, context.Cause(ctx)
	case errors.As(err, &exit):
		return kept.String(), exit.ExitCode(), nil
	default:
		return kept.String(), 0, err
	}
}

// showState prints what is known when something went wrong.
func (s *stage) showState(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	fmt.Fprintln(s.out, "\nThe state it was in:")
	_ = s.playground(ctx, "status")
	_, _, _ = s.try(ctx, tenant, "", "drpc", "status", app, "-n", app)
	_, _, _ = s.try(ctx, tenant, "", "drpc", "history", app, "-n", app)
}

// shown is a command line as a person would type it.
func shown(args []string) string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		if quoted[i] = arg; strings.ContainsAny(arg, " '\"{}$") {
			quoted[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

func short(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// indenter puts two spaces in front of each line as soon as the line is whole.
type indenter struct {
	out    io.Writer
	buffer bytes.Buffer
}

func newIndenter(out io.Writer) *indenter { return &indenter{out: out} }

func (i *indenter) Write(p []byte) (int, error) {
	i.buffer.Write(p)
	for {
		line, err := i.buffer.ReadBytes('\n')
		if err != nil {
			i.buffer.Write(line)
			return len(p), nil
		}
		if _, err := fmt.Fprintln(i.out, indented(line)); err != nil {
			return 0, err
		}
	}
}

func (i *indenter) flush() {
	scanner := bufio.NewScanner(&i.buffer)
	for scanner.Scan() {
		fmt.Fprintln(i.out, indented(scanner.Bytes()))
	}
}

func indented(line []byte) string { return strings.TrimRight("  "+string(line), " \n") }

// show prints a manifest that is about to be used.
func (s *stage) show(manifest string) {
	for line := range strings.Lines(manifest) {
		fmt.Fprint(s.out, "  | "+line)
	}
}
