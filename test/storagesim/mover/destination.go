// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package mover

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"k8s.io/klog/v2"

	"github.com/ramendr/dr-apiserver/test/storagesim/engine"
)

const (
	connectPath  = "/mover/connect"
	sessionPath  = "/mover/sessions/"
	finishSuffix = "/finish"
)

// greeting is how a source begins.
type greeting struct {
	// From is the source's cluster.
	From string `json:"from"`
	// Address and Port it was given. Local sources reach every Service, others those of type LoadBalancer.
	Address string `json:"address"`
	Port    int    `json:"port"`
	Local   bool   `json:"local"`
	// Proof shows that it knows the key.
	Nonce string `json:"nonce"`
	Proof string `json:"proof"`
}

// greeted is the answer: what the destination's volume holds already.
type greeted struct {
	Session string         `json:"session"`
	Content engine.Content `json:"content"`
}

func proof(key []byte, nonce string) string {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write([]byte(nonce))
	return hex.EncodeToString(h.Sum(nil))
}

// listener is a destination that runs.
type listener struct {
	task
	// busy is held by the source that writes.
	busy sync.Mutex
	// done is closed once a source has finished.
	done chan struct{}
}

// session is a source that has shown that it knows the key.
type session struct {
	*listener
	from string
}

// listen takes what sources bring until one has finished.
func (m *Movers) listen(ctx context.Context, t task) error {
	l := &listener{task: t, done: make(chan struct{})}
	m.mu.Lock()
	m.listeners[t.pod.UID] = l
	m.mu.Unlock()
	defer m.unlisten(l)
	select {
	case <-l.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m *Movers) unlisten(l *listener) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.listeners, l.pod.UID)
	for name, s := range m.sessions {
		if s.listener == l {
			delete(m.sessions, name)
		}
	}
}

// Register serves sources of this cluster and of the peer.
func (m *Movers) Register(mux *http.ServeMux) {
	mux.HandleFunc("POST "+connectPath, m.serveConnect)
	mux.HandleFunc("PUT "+sessionPath+"{session}", m.servePiece)
	mux.HandleFunc("POST "+sessionPath+"{session}"+finishSuffix, m.serveFinish)
}

func (m *Movers) serveConnect(w http.ResponseWriter, r *http.Request) {
	var hello greeting
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxErrorBytes)).Decode(&hello); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	l, err := m.behind(r.Context(), hello)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	if !hmac.Equal([]byte(proof(l.key, hello.Nonce)), []byte(hello.Proof)) {
		klog.InfoS("Source has another key", "from", hello.From, "pod", klog.KObj(l.pod))
		http.Error(w, "the keys of source and destination differ", http.StatusForbidden)
		return
	}
	content, err := m.Engine.Content(l.handle)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer := greeted{Session: rand.Text(), Content: content}
	m.mu.Lock()
	m.sessions[answer.Session] = &session{listener: l, from: hello.From}
	m.mu.Unlock()
	_ = json.NewEncoder(w).Encode(answer)
}

func (m *Movers) servePiece(w http.ResponseWriter, r *http.Request) {
	m.inSession(w, r, func(ctx context.Context, s *session) error {
		offset, err := strconv.ParseInt(r.URL.Query().Get("offset"), 10, 64)
		if err != nil {
			return err
		}
		raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPiece))
		if err != nil {
			return err
		}
		return m.Engine.WriteContent(ctx, s.handle, offset, raw)
	})
}

func (m *Movers) serveFinish(w http.ResponseWriter, r *http.Request) {
	m.inSession(w, r, func(ctx context.Context, s *session) error {
		var of engine.Content
		if err := json.NewDecoder(r.Body).Decode(&of); err != nil {
			return err
		}
		if err := m.Engine.FinishContent(ctx, s.handle, s.from, of); err != nil {
			return err
		}
		close(s.done)
		return nil
	})
}

// inSession does something for a source, if its session lasts and the destination is not done.
func (m *Movers) inSession(w http.ResponseWriter, r *http.Request, do func(context.Context, *session) error) {
	if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(requestTimeout)); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	m.mu.Lock()
	s := m.sessions[r.PathValue("session")]
	m.mu.Unlock()
	err := errors.New("connection reset: the destination does not run any more")
	if s != nil {
		s.busy.Lock()
		defer s.busy.Unlock()
		select {
		case <-s.done:
		default:
			err = do(r.Context(), s)
		}
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
	}
}
