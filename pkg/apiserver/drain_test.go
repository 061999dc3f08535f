// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

func TestAClientLeavesTheConnectionOnlyOnceItIsTo(t *testing.T) {
	leave := &atomic.Bool{}
	server := httptest.NewUnstartedServer(withLeave(http.NotFoundHandler(), leave))
	server.EnableHTTP2 = true
	connections := 0
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections++
		}
	}
	server.StartTLS()
	defer server.Close()
	ask := func() {
		t.Helper()
		response, err := server.Client().Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.ProtoMajor != 2 || response.TLS.Version < tls.VersionTLS12 {
			t.Fatalf("answered by %s", response.Proto)
		}
	}
	ask()
	ask()
	if connections != 1 {
		t.Fatalf("%d connections for two requests", connections)
	}
	leave.Store(true)
	ask() // answered, and told to leave
	ask()
	if connections != 2 {
		t.Errorf("%d connections; one is to be left for another", connections)
	}
}
