// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package replication

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"k8s.io/klog/v2"

	"github.com/ramendr/dr-apiserver/test/storagesim/engine"
)

// requestTimeout is how long a peer's request may take to arrive, and more for more bytes: a peer that hangs must not
// hold a volume up for longer.
const (
	requestTimeout = 10 * time.Second
	bytesPerSecond = 1 << 20
)

// Register serves the peer's array.
func Register(mux *http.ServeMux, e *engine.Engine) {
	mux.HandleFunc("POST "+helloPath, func(w http.ResponseWriter, r *http.Request) { answer(w, r, serveHello(e, w, r)) })
	mux.HandleFunc("POST "+snapshotPath, func(w http.ResponseWriter, r *http.Request) { answer(w, r, serveSnapshot(e, w, r)) })
	mux.HandleFunc("POST "+fetchPath, func(w http.ResponseWriter, r *http.Request) { answer(w, r, serveFetch(e, w, r)) })
	mux.HandleFunc("POST "+groupSnapshotPath, func(w http.ResponseWriter, r *http.Request) { answer(w, r, serveGroupSnapshot(e, w, r)) })
	mux.HandleFunc("POST "+groupFetchPath, func(w http.ResponseWriter, r *http.Request) { answer(w, r, serveGroupFetch(e, w, r)) })
}

func answer(w http.ResponseWriter, r *http.Request, err error) {
	if err == nil {
		return
	}
	code := http.StatusInternalServerError
	switch {
	case errors.Is(err, engine.ErrRefused):
		code = http.StatusConflict
	case errors.Is(err, engine.ErrNotFound):
		code = http.StatusNotFound
	case errors.Is(err, engine.ErrInvalid):
		code = http.StatusBadRequest
	}
	http.Error(w, err.Error(), code)
	klog.V(2).InfoS("Refused the peer", "path", r.URL.Path, "err", err)
}

// limit makes a request fail that does not arrive in time.
func limit(w http.ResponseWriter, r *http.Request) error {
	timeout := requestTimeout + time.Duration(max(0, r.ContentLength)/bytesPerSecond)*time.Second
	return http.NewResponseController(w).SetReadDeadline(time.Now().Add(timeout))
}

func serveHello(e *engine.Engine, w http.ResponseWriter, r *http.Request) error {
	var states []engine.PeerState
	if err := errors.Join(limit(w, r), json.NewDecoder(r.Body).Decode(&states)); err != nil {
		return err
	}
	answers, err := e.Hello(r.Context(), states)
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(answers)
}

func serveSnapshot(e *engine.Engine, w http.ResponseWriter, r *http.Request) error {
	if err := limit(w, r); err != nil {
		return err
	}
	body := bufio.NewReader(r.Body)
	s, err := readHead(body)
	if err != nil {
		return err
	}
	return e.Receive(r.Context(), s, body)
}

func serveFetch(e *engine.Engine, w http.ResponseWriter, r *http.Request) error {
	var have engine.PeerState
	if err := errors.Join(limit(w, r), json.NewDecoder(r.Body).Decode(&have)); err != nil {
		return err
	}
	s, path, err := e.Snapshot(have)
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := json.NewEncoder(w).Encode(s); err != nil {
		return err
	}
	_, err = io.Copy(w, io.NewSectionReader(f, s.Base, s.Size-s.Base))
	return err
}
