// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// Service is one address for all pods that are ready, as a Service's is.
type Service struct {
	listener net.Listener
	ready    func() []string
	next     atomic.Uint64
}

// NewService listens on a loopback address. Ready tells where the pods are.
func NewService(address string, ready func() []string) (*Service, error) {
	listener, err := net.Listen("tcp4", address)
	if err != nil {
		return nil, err
	}
	s := &Service{listener: listener, ready: ready}
	go s.accept()
	return s, nil
}

// Close ends the service for new connections.
func (s *Service) Close() error { return s.listener.Close() }

func (s *Service) accept() {
	for {
		client, err := s.listener.Accept()
		if err != nil {
			return
		}
		go s.forward(client)
	}
}

// forward passes a connection on to the next pod. Where no pod is ready it is closed.
func (s *Service) forward(client net.Conn) {
	defer client.Close()
	pods := s.ready()
	if len(pods) == 0 {
		return
	}
	server, err := net.Dial("tcp4", pods[int(s.next.Add(1))%len(pods)])
	if err != nil {
		return
	}
	defer server.Close()
	var both sync.WaitGroup
	both.Go(func() { pass(server, client) })
	both.Go(func() { pass(client, server) })
	both.Wait()
}

// pass hands on what one side sends, and that it has ended.
func pass(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	_ = to.(*net.TCPConn).CloseWrite()
}
