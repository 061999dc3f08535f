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
	leave := &atomic.Int32{}
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
	ask := func(method string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.ProtoMajor != 2 || response.TLS.Version < tls.VersionTLS12 {
			t.Fatalf("answered by %s", response.Proto)
		}
	}
	expect := func(want int, when string) {
		t.Helper()
		if connections != want {
			t.Fatalf("%d connections, not %d, %s", connections, want, when)
		}
	}
	ask(http.MethodGet)
	ask(http.MethodPost)
	expect(1, "for two requests")
	leave.Store(writers)
	ask(http.MethodGet)
	ask(http.MethodPost) // answered, and told to leave
	expect(1, "before the one that was left is missed")
	ask(http.MethodGet)
	ask(http.MethodGet)
	expect(2, "after a write")
	leave.Store(everybody)
	ask(http.MethodGet)
	ask(http.MethodGet)
	expect(3, "after a read")
}
