// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package options

import (
	"fmt"
	"net/http"
	"sync"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
)

// awaitFrontProxyCA keeps requests that present a certificate waiting until the CA of the hub's front proxy is known. The CA
// is read from the hub while the server already listens; a request that came in between would be taken for an anonymous one,
// and refused with an answer that is wrong, whoever sent it.
func awaitFrontProxyCA(c *server.AuthenticationInfo) {
	if c.RequestHeaderConfig == nil {
		return
	}
	gate := &frontProxyGate{next: c.Authenticator, ca: c.RequestHeaderConfig.CAContentProvider, known: make(chan struct{})}
	gate.ca.AddListener(gate)
	gate.Enqueue()
	c.Authenticator = gate
}

type frontProxyGate struct {
	next  authenticator.Request
	ca    dynamiccertificates.CAContentProvider
	once  sync.Once
	known chan struct{}
}

// Enqueue is called whenever the CA changes.
func (g *frontProxyGate) Enqueue() {
	if _, known := g.ca.VerifyOptions(); known {
		g.once.Do(func() { close(g.known) })
	}
}

// AuthenticateRequest tells who sent a request.
func (g *frontProxyGate) AuthenticateRequest(req *http.Request) (*authenticator.Response, bool, error) {
	if req.TLS != nil && len(req.TLS.PeerCertificates) > 0 {
		select {
		case <-g.known:
		case <-req.Context().Done():
			return nil, false, fmt.Errorf("the CA of the hub's front proxy is not known yet: %w", req.Context().Err())
		}
	}
	return g.next.AuthenticateRequest(req)
}
