// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package process keeps the programs of the playground running. They die with the program that started them,
// however that ends, and come back when they end by themselves.
package process

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"
)

// Spec says how a process is run.
type Spec struct {
	// Cluster and Name identify the process.
	Cluster, Name string
	// Path of the program, its arguments, and what is added to the environment.
	Path string
	Args []string
	Env  []string
	// Log is the file that its output is appended to.
	Log string
	// Ports on 127.0.0.1 that it listens on, the one clients use first.
	Ports []int
	// Ready returns nil once the process does its work. Nil means at once.
	Ready func(context.Context) error
}

// State of a process.
type State string

// The states.
const (
	Stopped    State = "Stopped"
	Starting   State = "Starting"
	Running    State = "Running"
	Restarting State = "Restarting"
)

// Status of a process.
type Status struct {
	Cluster  string    `json:"cluster"`
	Name     string    `json:"name"`
	State    State     `json:"state"`
	PID      int       `json:"pid,omitempty"`
	Port     int       `json:"port,omitempty"`
	Since    time.Time `json:"since"`
	Restarts int       `json:"restarts"`
	Log      string    `json:"log"`
}

const (
	readyTimeout  = 90 * time.Second
	probeInterval = 40 * time.Millisecond
	probeTimeout  = 2 * time.Second
	firstBackoff  = 100 * time.Millisecond
	maxBackoff    = 5 * time.Second
	// steadyAfter is how long a process must have run for its next end to count as the first.
	steadyAfter = 30 * time.Second
)

// startAttempts is how often a program may be tried that ends by itself before it is ready: kwok does now and then, two of
// its goroutines writing to one map, and so does what is killed in that moment.
const startAttempts = 3

// errEnded means that the program ended by itself before it was ready.
var errEnded = errors.New("ended")

// ErrStopped is what Start returns if the process was stopped before it was ready.
var ErrStopped = errors.New("stopped while it was starting")

// Process is one program that is kept running.
type Process struct {
	Spec

	mu       sync.Mutex
	wanted   bool // false: nobody has started it, or it was stopped
	run      *run
	state    State
	since    time.Time
	restarts int
}

// New returns a process that is not running yet.
func New(spec Spec) *Process {
	return &Process{Spec: spec, state: Stopped, since: time.Now()}
}

// Start runs the program, unless it runs, and returns when it is ready. An error says which program or port failed and
// ends with the last lines of its log; what this call started is then stopped.
func (p *Process) Start(ctx context.Context) error {
	err := p.start(ctx)
	for attempt := 1; attempt < startAttempts && errors.Is(err, errEnded); attempt++ {
		err = p.start(ctx)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", p.Cluster, p.Name, err)
	}
	return nil
}

func (p *Process) start(ctx context.Context) error {
	current, launched, err := p.launch()
	if err != nil {
		return err
	}
	err = p.awaitReady(ctx, current)
	if err != nil && launched {
		p.Stop()
	}
	return err
}

// Stop kills the process and returns when it is gone. It stays stopped until Start.
func (p *Process) Stop() {
	p.mu.Lock()
	current := p.run
	p.wanted, p.run = false, nil
	p.setState(Stopped)
	p.mu.Unlock()
	if current != nil {
		current.kill()
		<-current.done
	}
}

// Status reports the process.
func (p *Process) Status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	status := Status{
		Cluster: p.Cluster, Name: p.Name, State: p.state,
		Since: p.since, Restarts: p.restarts, Log: p.Log,
	}
	if p.run != nil {
		status.PID = p.run.cmd.Process.Pid
	}
	if len(p.Ports) > 0 {
		status.Port = p.Ports[0]
	}
	return status
}

// Outdated says whether the program has been replaced since the process was started.
func (p *Process) Outdated() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.run != nil && Replaced(p.run.cmd.Process.Pid)
}

// launch starts the program, or returns the run there is. Of one that ends again and again it does not await the next try.
func (p *Process) launch() (current *run, launched bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run != nil && !p.run.ended() {
		return p.run, false, nil
	}
	if current, err = p.execute(); err != nil {
		return nil, false, err
	}
	p.wanted, p.run, p.restarts = true, current, 0
	p.setState(Starting)
	return current, true, nil
}

// awaitReady returns when the run is ready, has ended, or was given up. It then hands it over to keep.
func (p *Process) awaitReady(ctx context.Context, current *run) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	err := p.probe(ctx, current)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !p.wanted || p.run != current:
		return ErrStopped
	case err != nil:
		return p.explain(current, err)
	}
	if p.state == Starting {
		p.setState(Running)
		go p.keep(current)
	}
	return nil
}

func (p *Process) probe(ctx context.Context, current *run) error {
	if p.Ready == nil {
		return nil
	}
	ticker := time.NewTicker(probeInterval)
	defer ticker.Stop()
	for {
		probeCtx, cancel := context.WithTimeout(ctx, probeTimeout)
		err := p.Ready(probeCtx)
		cancel()
		if err == nil && !current.ended() {
			return nil
		}
		select {
		case <-current.done:
			return fmt.Errorf("%s %w: %s", p.Path, errEnded, current.cmd.ProcessState)
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w", p.Path, err)
		case <-ticker.C:
		}
	}
}

// explain adds the ports and the last lines of the log to an error.
func (p *Process) explain(current *run, err error) error {
	ports := ""
	for _, port := range p.Ports {
		ports += " 127.0.0.1:" + strconv.Itoa(port)
	}
	if ports != "" {
		ports = " (it listens on" + ports + ")"
	}
	return fmt.Errorf("%w%s; the end of %s:\n%s", err, ports, p.Log, tail(p.Log, current.logOffset))
}

func (p *Process) setState(state State) {
	if p.state != state {
		p.state, p.since = state, time.Now()
	}
}
