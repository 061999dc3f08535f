// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// What an object store answers to a request that its policy does not allow, and to a write that it has no room for.
const (
	forbidden = `<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>`
	storageFull = `<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>XMinioStorageFull</Code><Message>Storage backend has reached its minimum free drive threshold.</Message></Error>`
)

// refuser answers HTTP requests on connections it is given.
type refuser struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

// refusedConn tells its proxy when it is closed.
type refusedConn struct {
	net.Conn
	closed func()
}

// Close ends the connection.
func (c refusedConn) Close() error {
	c.closed()
	return nil
}

func newRefuser(handler http.Handler) *refuser {
	r := &refuser{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(r) }()
	return r
}

func forbid(w http.ResponseWriter, r *http.Request) {
	answer(w, r, http.StatusForbidden, forbidden)
}

// full lets through to the target what does not write.
func full(target string) http.Handler {
	through := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: target})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut || r.Method == http.MethodPost {
			answer(w, r, http.StatusInsufficientStorage, storageFull)
			return
		}
		through.ServeHTTP(w, r)
	})
}

func answer(w http.ResponseWriter, r *http.Request, status int, body string) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func (r *refuser) serve(conn net.Conn) {
	select {
	case r.conns <- conn:
	case <-r.closed:
		_ = conn.Close()
	}
}

func (r *refuser) close() {
	r.once.Do(func() { close(r.closed) })
}

// Accept makes a refuser, together with Close and Addr, the listener of its own server.
func (r *refuser) Accept() (net.Conn, error) {
	select {
	case conn := <-r.conns:
		return conn, nil
	case <-r.closed:
		return nil, net.ErrClosed
	}
}

// Close ends the listening.
func (r *refuser) Close() error {
	r.close()
	return nil
}

// Addr is where the connections seem to come in.
func (r *refuser) Addr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}
}
