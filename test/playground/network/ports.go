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
	"strconv"
	"sync"
)

// firstPort and portCount bound the ports handed out. They lie below those that the kernel gives to outgoing connections, one of which
// could otherwise take the port of a process while it is stopped.
const (
	firstPort = 20000
	portCount = 12000
	// blockSize divides portCount. It is more than a playground needs.
	blockSize = 120
)

// Ports hands out ports on 127.0.0.1 by name and always the same one for a name. It takes them from blocks that are its own while it lives,
// so that nobody else takes a port of which the process is stopped, or has not been started yet: whoever listens on the first port of a
// block owns it. That ends with the program, however it ends.
type Ports struct {
	mu     sync.Mutex
	byName map[string]int
	save   func(map[string]int) error
	blocks map[int]net.Listener // by their first port
}

// NewPorts returns Ports that begin with what is known and save what is added.
func NewPorts(known map[string]int, save func(map[string]int) error) *Ports {
	return &Ports{byName: maps.Clone(known), save: save, blocks: map[int]net.Listener{}}
}

// Reserve makes sure that there is a port for each of the names; the new ones are free now. It fails if somebody else has taken the block
// of a port that was known.
func (p *Ports) Reserve(names ...string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byName == nil {
		p.byName = map[string]int{}
	}
	taken := map[int]bool{}
	for name, port := range p.byName {
		taken[port] = true
		if err := p.own(port - (port-firstPort)%blockSize); err != nil {
			return fmt.Errorf("port %d of %s belongs to somebody else now: %w", port, name, err)
		}
	}
	for _, name := range names {
		if p.byName[name] != 0 {
			continue
		}
		port, err := p.free(taken)
		if err != nil {
			return fmt.Errorf("find a port for %s: %w", name, err)
		}
		p.byName[name], taken[port] = port, true
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

// Close gives the ports up.
func (p *Ports) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, listener := range p.blocks {
		_ = listener.Close()
	}
	clear(p.blocks)
}

// own makes the block its own, unless it is.
func (p *Ports) own(block int) error {
	if p.blocks[block] != nil {
		return nil
	}
	listener, err := net.Listen("tcp4", Address(block))
	if err == nil {
		p.blocks[block] = listener
	}
	return err
}

// free finds a port that is not taken, in a block that is owned or in a further one.
func (p *Ports) free(taken map[int]bool) (int, error) {
	for block := range p.blocks {
		if port, found := freeIn(block, taken); found {
			return port, nil
		}
	}
	const blocks = portCount / blockSize
	start := rand.IntN(blocks)
	for i := range blocks {
		block := firstPort + blockSize*((start+i)%blocks)
		if p.blocks[block] != nil {
			continue
		}
		if err := p.own(block); errors.Is(err, os.ErrPermission) {
			return 0, err
		} else if err != nil {
			continue
		}
		if port, found := freeIn(block, taken); found {
			return port, nil
		}
	}
	return 0, fmt.Errorf("none of 127.0.0.1:%d to %d is free", firstPort, firstPort+portCount-1)
}

// freeIn finds the first port of the block that is free and not taken.
func freeIn(block int, taken map[int]bool) (port int, found bool) {
	for port := block + 1; port < block+blockSize; port++ {
		if taken[port] {
			continue
		}
		if listener, err := net.Listen("tcp4", Address(port)); err == nil {
			_ = listener.Close()
			return port, true
		}
	}
	return 0, false
}

// Address returns the loopback address with a port.
func Address(port int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}
