// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package framework is what end-to-end tests and the benchmark do to a playground: boot it, break it, put applications
// into it, wait for them, and count their records. Its functions return errors that say what was seen.
package framework

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/ramendr/dr-apiserver/test/playground/layout"
	"github.com/ramendr/dr-apiserver/test/playground/supervisor"
)

// Playground gives commands to bin/playground and, once connected, has clients of its clusters.
type Playground struct {
	Root layout.Root
	*Clusters
}

// Find returns the playground of the source tree that the working directory is in, or of the one that the environment
// variable PLAYGROUND_ROOT names.
func Find() (*Playground, error) {
	if root := os.Getenv("PLAYGROUND_ROOT"); root != "" {
		return &Playground{Root: layout.Root(root)}, nil
	}
	directory, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for ; ; directory = filepath.Dir(directory) {
		if _, err := os.Stat(filepath.Join(directory, "go.mod")); err == nil {
			return &Playground{Root: layout.Root(directory)}, nil
		}
		if directory == filepath.Dir(directory) {
			return nil, fmt.Errorf("the working directory is not in the source tree; set PLAYGROUND_ROOT to it")
		}
	}
}

// Do has bin/playground carry out a command. The error holds what the program printed.
func (p *Playground) Do(ctx context.Context, words ...string) error {
	_, err := p.Output(ctx, words...)
	return err
}

// Fault has the storage go wrong as bin/playground fault does, but at once: starting a program takes a while on a busy machine.
func (p *Playground) Fault(ctx context.Context, words ...string) error {
	command := supervisor.Command{Verb: supervisor.VerbFault, Words: words}
	return supervisor.NewClientOf(p.Root).Do(ctx, func(string, ...any) {}, command)
}

// Output has bin/playground carry out a command and returns what it printed on its standard output.
func (p *Playground) Output(ctx context.Context, words ...string) ([]byte, error) {
	return p.Run(ctx, "playground", words...)
}

// Run runs one of this project's programs, or bin/kubectl, and returns what it printed on its standard output.
func (p *Playground) Run(ctx context.Context, program string, words ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, p.Root.Program(program), words...)
	command.Dir = string(p.Root)
	command.Env = append(os.Environ(),
		"PLAYGROUND_ROOT="+string(p.Root), "PATH="+p.Root.Path("bin")+":"+os.Getenv("PATH"))
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return stdout.Bytes(), fmt.Errorf("%s %s: %w\n%s%s", program, strings.Join(words, " "), err, stdout.String(), stderr.String())
	}
	return stdout.Bytes(), nil
}

// Status asks how everything is.
func (p *Playground) Status(ctx context.Context) (supervisor.Status, error) {
	var status supervisor.Status
	output, err := p.Output(ctx, "status", "-o", "json")
	if err != nil {
		return status, err
	}
	if err := json.Unmarshal(output, &status); err != nil {
		return status, fmt.Errorf("playground status printed no status: %w\n%s", err, output)
	}
	return status, nil
}

// Boot makes sure that the playground is up and connects to it. It says whether it was not up before.
func (p *Playground) Boot(ctx context.Context, flags ...string) (booted bool, err error) {
	status, err := p.Status(ctx)
	booted = err != nil || len(status.Processes) == 0
	if err := p.Do(ctx, append([]string{"up"}, flags...)...); err != nil {
		return booted, err
	}
	return booted, p.Connect()
}

// Connect makes the clients of a playground that is up.
func (p *Playground) Connect() error {
	var err error
	p.Clusters, err = connect(p.Root)
	return err
}

// ClearFaults takes back all that was made to go wrong in the storage.
func (p *Playground) ClearFaults(ctx context.Context) error {
	return p.Do(ctx, "fault", "clear")
}
