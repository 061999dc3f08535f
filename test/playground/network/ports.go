// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
)

// firstPort and lastPort bound the ports handed out. They lie below those that the kernel gives to outgoing
// connections, one of which could otherwise take the port of a process while it is stopped.
const (
	firstPort = 20000
	portCount = 12000
	// blockSize is more than a playground needs.
	blockSize = 120
)

// Ports hands out ports on 127.0.0.1 by name and always the same one for a name.
type Ports struct {
	mu     sync.Mutex
	byName map[string]int
	save   func(map[string]int) error
}

// NewPorts returns Ports that begin with what is known and save what is added.
func NewPorts(known map[string]int, save func(map[string]int) error) *Ports {
	byName := map[string]int{}
	for name, port := range known {
		byName[name] = port
	}
	return &Ports{byName: byName, save: save}
}

// Reserve makes sure that there is a port for each of the names; the new ones are free now.
func (p *Ports) Reserve(names ...string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken := map[int]bool{}
	for _, port := range p.byName {
		taken[port] = true
	}
	next := p.next()
	for _, name := range names {
		if p.byName[name] != 0 {
			continue
		}
		port, err := free(taken, next)
		if err != nil {
			return fmt.Errorf("find a port for %s: %w", name, err)
		}
		p.byName[name], taken[port], next = port, true, port+1
	}
	return p.save(p.byName)
}

// Get returns the port of a name that was reserved.
func (p *Ports) Get(name string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	port, reserved := p.byName[name]
	if !reserved {
		panic("no port reserved for " + name)
	}
	return port
}

// next is where to look for a further port: behind those that are known, or at the beginning of some block. Playgrounds that boot at
// once, and listen on their last ports much later than on their first, so have hardly a chance to choose the same.
func (p *Ports) next() int {
	if len(p.byName) == 0 {
		return firstPort + blockSize*rand.IntN(portCount/blockSize)
	}
	return slices.Max(slices.Collect(maps.Values(p.byName))) + 1
}

// free finds the first port at or behind start that is free.
func free(taken map[int]bool, start int) (int, error) {
	for i := range portCount {
		port := firstPort + (start-firstPort+i)%portCount
		if taken[port] {
			continue
		}
		if listener, err := net.Listen("tcp4", Address(port)); err == nil {
			return port, listener.Close()
		} else if errors.Is(err, os.ErrPermission) {
			return 0, err
		}
	}
	return 0, fmt.Errorf("none of 127.0.0.1:%d to %d is free", firstPort, firstPort+portCount-1)
}

// Address returns the loopback address with a port.
func Address(port int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}
