// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package network is the network between the clusters of the playground: ports on the loopback interface and
// proxies that can be cut.
package network

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Mode is what a proxy does with connections.
type Mode string

const (
	// Pass forwards.
	Pass Mode = "Pass"
	// BlackHole loses what is sent: established connections and new ones hang, as when a cable is cut.
	BlackHole Mode = "BlackHole"
	// Forbid answers every HTTP request with the refusal of an object store.
	Forbid Mode = "Forbid"
	// Full answers HTTP requests that write as an object store does that has no room, and forwards the others.
	Full Mode = "Full"
	// Slow forwards, each piece after a while.
	Slow Mode = "Slow"
	// Truncate forwards, and ends connections in the middle of what the target answers.
	Truncate Mode = "Truncate"
)

const (
	// slowPause is how long each piece of at most slowPiece bytes takes, either way, in mode Slow.
	slowPause = 150 * time.Millisecond
	slowPiece = 8 << 10
	// truncateAfter is how many bytes of answers pass on a connection in mode Truncate: enough for the head of one.
	truncateAfter = 700
)

// Proxy forwards TCP connections to a target as long as it is told to.
type Proxy struct {
	listener net.Listener
	target   string
	refusers map[Mode]*refuser

	mu    sync.Mutex
	mode  Mode
	conns map[*connection]struct{}
}

// connection is one client's connection and, once it is forwarded, the one to the target.
type connection struct {
	client, target net.Conn
	// lost is set when the connection is black-holed; it then carries nothing any more, not even its end.
	lost atomic.Bool
	once sync.Once
}

func (c *connection) close() {
	c.once.Do(func() {
		_ = c.client.Close()
		if c.target != nil {
			_ = c.target.Close()
		}
	})
}

// Listen starts a proxy in mode Pass.
func Listen(address, target string) (*Proxy, error) {
	listener, err := net.Listen("tcp4", address)
	if err != nil {
		return nil, fmt.Errorf("listen for the proxy to %s: %w", target, err)
	}
	p := &Proxy{
		listener: listener, target: target,
		refusers: map[Mode]*refuser{Forbid: newRefuser(http.HandlerFunc(forbid)), Full: newRefuser(full(target))},
		mode:     Pass, conns: map[*connection]struct{}{},
	}
	go p.accept()
	return p, nil
}

// Address that the proxy listens on.
func (p *Proxy) Address() string {
	return p.listener.Addr().String()
}

// SetMode changes what is done with connections. Those that were lost in a black hole never come back to life: they
// end when the mode changes.
func (p *Proxy) SetMode(mode Mode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if mode == p.mode {
		return
	}
	p.mode = mode
	for c := range p.conns {
		if mode == BlackHole {
			c.lost.Store(true)
		} else {
			delete(p.conns, c)
			c.close()
		}
	}
}

// Close ends the proxy and all its connections.
func (p *Proxy) Close() {
	_ = p.listener.Close()
	for _, refuser := range p.refusers {
		refuser.close()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.close()
	}
	clear(p.conns)
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.serve(&connection{client: client})
	}
}

func (p *Proxy) serve(c *connection) {
	switch mode := p.add(c); mode {
	case BlackHole:
		c.lost.Store(true)
	case Forbid, Full:
		p.refusers[mode].serve(refusedConn{Conn: c.client, closed: func() { p.remove(c) }})
	default:
		target, err := net.Dial("tcp4", p.target)
		if err != nil || !p.connect(c, target) {
			p.remove(c)
			return
		}
		there, back := flow{}, flow{}
		if mode == Slow {
			there, back = flow{pause: slowPause}, flow{pause: slowPause}
		}
		if mode == Truncate {
			back.limit = truncateAfter
		}
		go p.copy(c, target, c.client, there)
		p.copy(c, c.client, target, back)
	}
}

// flow is what becomes of the bytes that are carried one way.
type flow struct {
	// pause before each piece.
	pause time.Duration
	// limit is after how many bytes the connection ends; 0 means never.
	limit int
}

// add registers a new connection and returns the mode it came in.
func (p *Proxy) add(c *connection) Mode {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[c] = struct{}{}
	return p.mode
}

// connect gives a connection its target, unless the mode has changed meanwhile.
func (p *Proxy) connect(c *connection, target net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, registered := p.conns[c]; !registered {
		_ = target.Close()
		return false
	}
	c.target = target
	return true
}

// remove ends a connection, unless it is lost: then neither side learns of it.
func (p *Proxy) remove(c *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.lost.Load() {
		return
	}
	delete(p.conns, c)
	c.close()
}

// copy carries bytes one way until either side ends, the connection is lost, or its limit is reached.
func (p *Proxy) copy(c *connection, to, from net.Conn, f flow) {
	defer p.remove(c)
	buffer := make([]byte, 32<<10)
	if f.pause > 0 {
		buffer = buffer[:slowPiece]
	}
	for {
		n, err := from.Read(buffer)
		if c.lost.Load() {
			return
		}
		if n > 0 {
			time.Sleep(f.pause)
			if f.limit > 0 {
				if f.limit -= n; f.limit <= 0 {
					_, _ = to.Write(buffer[:n+f.limit])
					return
				}
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
