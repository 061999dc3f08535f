// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/ramendr/dr-apiserver/test/storagesim/engine"
	"github.com/ramendr/dr-apiserver/test/storagesim/faults"
	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
	"github.com/ramendr/dr-apiserver/test/storagesim/replication"
)

const (
	handle   = "pvc-1"
	patience = 20 * time.Second
	interval = 20 * time.Millisecond
	never    = time.Hour
)

var claim = layout.Claim{Namespace: "shop", Name: "data"}

// wire is a TCP proxy to an array. Cut, it hangs as a network partition does.
type wire struct {
	listener net.Listener

	mu     sync.Mutex
	target string
	cut    chan struct{} // closed when healed; nil while whole
	conns  []net.Conn
}

func newWire(t *testing.T) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: l}
	t.Cleanup(func() { _ = l.Close(); w.heal() })
	go w.accept()
	return w
}

func (w *wire) accept() {
	for {
		c, err := w.listener.Accept()
		if err != nil {
			return
		}
		go w.serve(c)
	}
}

func (w *wire) serve(client net.Conn) {
	w.mu.Lock()
	target := w.target
	w.conns = append(w.conns, client)
	w.mu.Unlock()
	array, err := net.Dial("tcp", target)
	if err != nil {
		_ = client.Close()
		return
	}
	w.mu.Lock()
	w.conns = append(w.conns, array)
	w.mu.Unlock()
	go w.pump(array, client)
	w.pump(client, array)
}

func (w *wire) pump(to, from net.Conn) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil || !w.pass() {
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

// pass waits while the wire is cut; bytes that waited are lost with their connection.
func (w *wire) pass() bool {
	w.mu.Lock()
	cut := w.cut
	w.mu.Unlock()
	if cut == nil {
		return true
	}
	<-cut
	return false
}

func (w *wire) sever() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut == nil {
		w.cut = make(chan struct{})
	}
}

func (w *wire) heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut != nil {
		close(w.cut)
		w.cut = nil
		for _, c := range w.conns {
			_ = c.Close()
		}
		w.conns = nil
	}
}

// site is one cluster's array, which can be killed and started again.
type site struct {
	t      *testing.T
	name   string
	dir    string
	toPeer *wire // what this array sends to
	from   *wire // what its peer sends to

	*engine.Engine
	faults  *faults.Injector
	crashed chan string
	stop    func()
}

// newPair starts two arrays that mirror each other.
func newPair(t *testing.T) (a, b *site) {
	t.Helper()
	ab, ba := newWire(t), newWire(t)
	a = &site{t: t, name: "dr1", dir: t.TempDir(), toPeer: ab, from: ba}
	b = &site{t: t, name: "dr2", dir: t.TempDir(), toPeer: ba, from: ab}
	a.start()
	b.start()
	t.Cleanup(func() { a.stop(); b.stop() })
	return a, b
}

func (s *site) start() {
	s.t.Helper()
	s.crashed = make(chan string, 1)
	s.faults = &faults.Injector{}
	e, err := engine.Open(engine.Options{
		Cluster: s.name, Dir: s.dir, Faults: s.faults, Peer: replication.NewClient(s.toPeer.listener.Addr().String()),
		Timeouts: engine.Timeouts{
			Attach: time.Second, Ask: time.Second, Ship: time.Second, Settle: 3 * time.Second, Probe: 10 * time.Millisecond,
		},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.Engine = e
	s.faults.Die = func(point string) {
		e.Kill()
		s.crashed <- point
		runtime.Goexit()
	}
	s.serve()
}

func (s *site) serve() {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	mux := http.NewServeMux()
	replication.Register(mux, s.Engine)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { s.Run(ctx) })
	running.Go(func() { _ = server.Serve(l) })
	s.from.mu.Lock()
	s.from.target = l.Addr().String()
	s.from.mu.Unlock()
	s.stop = sync.OnceFunc(func() {
		s.Kill()
		cancel()
		_ = server.Close()
		s.faults.Clear(faults.Fault{})
		running.Wait()
		if err := s.Close(); err != nil {
			s.t.Error(err)
		}
	})
}

// restart kills the array and starts it again.
func (s *site) restart() {
	s.t.Helper()
	s.stop()
	s.start()
}

func sever(a, b *site) { a.toPeer.sever(); b.toPeer.sever() }
func heal(a, b *site)  { a.toPeer.heal(); b.toPeer.heal() }

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("%s: %v", s.name, err)
	}
}

// write appends records and returns them.
func (s *site) write(n int) []layout.Record {
	s.t.Helper()
	records := make([]layout.Record, 0, n)
	for range n {
		r, err := s.Append(s.t.Context(), handle, "pod")
		s.must(err)
		records = append(records, r)
	}
	return records
}

func (s *site) state() engine.State {
	for _, v := range s.List() {
		if v.Handle == handle {
			return v
		}
	}
	return engine.State{}
}

func (s *site) mustRefuseWrites() {
	s.t.Helper()
	if _, err := s.Append(s.t.Context(), handle, "pod"); !errors.Is(err, engine.ErrReadOnly) {
		s.t.Fatalf("%s: a write to a read-only volume returned %v", s.name, err)
	}
}

// records returns what the copy here holds.
func (s *site) records() []layout.Record {
	s.t.Helper()
	state := s.state()
	records, err := layout.ReadRecords(layout.RecordsPath(s.dir, &state.Meta), state.Size)
	s.must(err)
	return records
}

func (s *site) mustHold(want []layout.Record) {
	s.t.Helper()
	have := map[layout.Key]bool{}
	for _, r := range s.records() {
		if have[r.Key()] {
			s.t.Fatalf("%s holds record %v twice", s.name, r.Key())
		}
		have[r.Key()] = true
	}
	for _, r := range want {
		if !have[r.Key()] {
			s.t.Fatalf("%s lost record %v; it holds %d records", s.name, r.Key(), len(have))
		}
	}
}

func (s *site) eventually(what string, done func(engine.State) bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); !done(s.state()); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: not %s after %s: %+v", s.name, what, patience, s.state())
		}
	}
}

func (s *site) awaitWritable() {
	s.t.Helper()
	s.eventually("writable", func(v engine.State) bool { return v.Writable })
}

// awaitSynced waits until the peer has everything written here up to now.
func (s *site) awaitSynced() {
	s.t.Helper()
	now := time.Now()
	s.eventually("synced", func(v engine.State) bool { return v.LastSync != nil && v.LastSync.Time.After(now) })
}

// protected makes a volume on a, replicated to b, with some records that b has.
func protected(t *testing.T, every time.Duration) (a, b *site, acked []layout.Record) {
	t.Helper()
	a, b = newPair(t)
	a.must(a.Create(t.Context(), handle, 1<<20, claim))
	acked = a.write(10)
	a.must(a.Enable(t.Context(), handle, every))
	a.eventually("synced", func(v engine.State) bool { return v.LastSync != nil })
	return a, b, acked
}

// handOver demotes a volume on one array and promotes it on the other, as a relocate does.
func handOver(from, to *site) {
	from.t.Helper()
	from.must(from.Demote(from.t.Context(), handle))
	ready, err := from.Resync(from.t.Context(), handle, false)
	from.must(err)
	if !ready {
		from.t.Fatal("the last snapshot did not arrive")
	}
	to.must(to.Promote(to.t.Context(), handle, false))
}

func generations(v engine.State) []int64 {
	var g []int64
	for _, t := range v.History {
		g = append(g, t.Generation)
	}
	return g
}
