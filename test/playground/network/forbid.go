// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// forbidden is what an object store answers to a request that its policy does not allow.
const forbidden = `<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>`

// forbidder answers HTTP requests on connections it is given with 403.
type forbidder struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

// forbiddenConn tells its proxy when it is closed.
type forbiddenConn struct {
	net.Conn
	closed func()
}

// Close ends the connection.
func (c forbiddenConn) Close() error {
	c.closed()
	return nil
}

func newForbidder() *forbidder {
	f := &forbidder{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: http.HandlerFunc(refuse), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(f) }()
	return f
}

func refuse(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusForbidden)
	_, _ = io.WriteString(w, forbidden)
}

func (f *forbidder) serve(conn net.Conn) {
	select {
	case f.conns <- conn:
	case <-f.closed:
		_ = conn.Close()
	}
}

func (f *forbidder) close() {
	f.once.Do(func() { close(f.closed) })
}

// Accept makes a forbidder, together with Close and Addr, the listener of its own server.
func (f *forbidder) Accept() (net.Conn, error) {
	select {
	case conn := <-f.conns:
		return conn, nil
	case <-f.closed:
		return nil, net.ErrClosed
	}
}

// Close ends the listening.
func (f *forbidder) Close() error {
	f.close()
	return nil
}

// Addr is where the connections seem to come in.
func (f *forbidder) Addr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}
}
