// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package lifetime

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// service does what a Service does where there are a kubelet and a kube-proxy: it asks each endpoint whether it is ready, and
// gives new connections to those that are. Connections that are there stay where they are.
type service struct {
	listener net.Listener

	mu        sync.Mutex
	endpoints []*endpoint
	turn      int
}

type endpoint struct {
	address string
	ready   bool
	stop    context.CancelFunc
}

func newService(address string) (*service, error) {
	listener, err := net.Listen("tcp4", address)
	if err != nil {
		return nil, err
	}
	s := &service{listener: listener}
	go s.accept()
	return s, nil
}

// add has an endpoint probed until the function that is returned is called.
func (s *service) add(address string) (remove func()) {
	ctx, cancel := context.WithCancel(context.Background())
	e := &endpoint{address: address, stop: cancel}
	s.mu.Lock()
	s.endpoints = append(s.endpoints, e)
	s.mu.Unlock()
	go s.probe(ctx, e)
	return func() {
		cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		for i := range s.endpoints {
			if s.endpoints[i] == e {
				s.endpoints = append(s.endpoints[:i:i], s.endpoints[i+1:]...)
				return
			}
		}
	}
}

func (s *service) probe(ctx context.Context, e *endpoint) {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		ready := isReady(ctx, e.address)
		s.mu.Lock()
		e.ready = ready
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// leadsTo is whether requests may get there.
func (s *service) leadsTo(address string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.endpoints, func(e *endpoint) bool { return e.address == address && e.ready })
}

// pick returns the next endpoint that is ready.
func (s *service) pick() (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range s.endpoints {
		s.turn++
		if e := s.endpoints[s.turn%len(s.endpoints)]; e.ready {
			return e.address, true
		}
	}
	return "", false
}

func (s *service) accept() {
	for {
		client, err := s.listener.Accept()
		if err != nil {
			return
		}
		go s.forward(client)
	}
}

func (s *service) forward(client net.Conn) {
	defer client.Close()
	address, found := s.pick()
	if !found {
		return
	}
	server, err := net.Dial("tcp4", address)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	}()
	_, _ = io.Copy(client, server)
}

func (s *service) close() { _ = s.listener.Close() }

// prober asks as a kubelet does, which does not verify.
var prober = &http.Client{
	Timeout:   5 * time.Second,
	Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true},
}

// probe asks a server a question of health and returns the answer.
func probe(ctx context.Context, address, path string) (code int, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+path, nil)
	if err != nil {
		return 0, "", err
	}
	response, err := prober.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	return response.StatusCode, string(content), err
}

func isReady(ctx context.Context, address string) bool {
	code, _, err := probe(ctx, address, "/readyz")
	return err == nil && code == http.StatusOK
}
