// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package options

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/authenticatorfactory"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
)

// lateCA is a CA that becomes known at some time.
type lateCA struct {
	dynamiccertificates.CAContentProvider
	known    bool
	listener dynamiccertificates.Listener
}

func (c *lateCA) VerifyOptions() (x509.VerifyOptions, bool)         { return x509.VerifyOptions{}, c.known }
func (c *lateCA) AddListener(listener dynamiccertificates.Listener) { c.listener = listener }

// gated is an authenticator that knows a user once the CA is known, and nobody before.
func gated(ca *lateCA) authenticator.Request {
	info := &server.AuthenticationInfo{
		RequestHeaderConfig: &authenticatorfactory.RequestHeaderConfig{CAContentProvider: ca},
		Authenticator: authenticator.RequestFunc(func(*http.Request) (*authenticator.Response, bool, error) {
			return &authenticator.Response{User: &user.DefaultInfo{Name: "alice"}}, ca.known, nil
		}),
	}
	awaitFrontProxyCA(info)
	return info.Authenticator
}

func withCertificate(ctx context.Context) *http.Request {
	request := httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx)
	request.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{}}}
	return request
}

func TestARequestWithACertificateWaitsForTheFrontProxysCA(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := &lateCA{}
		gate := gated(ca)
		answered := make(chan bool, 1)
		go func() {
			_, known, _ := gate.AuthenticateRequest(withCertificate(t.Context()))
			answered <- known
		}()
		synctest.Wait()
		if len(answered) > 0 {
			t.Fatal("it was answered before the CA was known")
		}
		ca.known = true
		ca.listener.Enqueue()
		ca.listener.Enqueue()
		if !<-answered {
			t.Error("it was taken for anonymous")
		}
	})
}

func TestARequestThatWaitsForTheFrontProxysCAEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, known, err := gated(&lateCA{}).AuthenticateRequest(withCertificate(ctx)); known || err == nil {
		t.Errorf("it should fail, not be taken for anonymous: %v", err)
	}
}

func TestARequestWithoutACertificateDoesNotWait(t *testing.T) {
	if _, _, err := gated(&lateCA{}).AuthenticateRequest(httptest.NewRequest(http.MethodGet, "/livez", nil)); err != nil {
		t.Error(err)
	}
}

func TestNobodyWaitsForACAThatIsKnownFromTheStart(t *testing.T) {
	if _, known, err := gated(&lateCA{known: true}).AuthenticateRequest(withCertificate(t.Context())); !known || err != nil {
		t.Errorf("known: %v, %v", known, err)
	}
}
