// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"net/http"
	"sync/atomic"
	"time"

	"k8s.io/apiserver/pkg/server"
)

// Who is asked to leave, as the shutdown delay passes.
const (
	nobody int32 = iota
	// writers leave with the answer to their request. A request that is on its way when its connection is left is sent again over
	// another one by the client's HTTP/2 transport, but for one that has a body which a kube-apiserver passes on: that fails. With an
	// answer to a write, another write is hardly on its way; when one client writes at a time, none is.
	writers
	everybody
)

// drainingHandlerChain is the chain of every API server with one more handler around it, which has clients leave in the
// second half of the shutdown delay. By then whoever sends them here knows that this server is going; and a kube-apiserver,
// which keeps its connections and would go on using them until they break, connects to another replica instead.
func drainingHandlerChain(handler http.Handler, c *server.Config) http.Handler {
	leave := &atomic.Int32{}
	go func() {
		<-c.ShutdownInitiatedNotify()
		time.AfterFunc(c.ShutdownDelayDuration/2, func() { leave.Store(writers) })
		time.AfterFunc(c.ShutdownDelayDuration*3/4, func() { leave.Store(everybody) })
	}()
	return withLeave(server.DefaultBuildHandlerChain(handler, c), leave)
}

// withLeave answers as ever; once they are to leave, it asks clients to close the connection when their requests under way are
// done, which on HTTP/2 is a GOAWAY.
func withLeave(handler http.Handler, leave *atomic.Int32) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		reads := req.Method == http.MethodGet || req.Method == http.MethodHead
		if who := leave.Load(); who == everybody || who == writers && !reads {
			w.Header().Set("Connection", "close")
		}
		handler.ServeHTTP(w, req)
	})
}
