// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"net/http"
	"sync/atomic"
	"time"

	"k8s.io/apiserver/pkg/server"
)

// drainingHandlerChain is the chain of every API server with one more handler around it, which has clients leave in the
// second half of the shutdown delay. By then whoever sends them here knows that this server is going; and a kube-apiserver,
// which keeps its connections and would go on using them until they break, connects to another replica instead.
func drainingHandlerChain(handler http.Handler, c *server.Config) http.Handler {
	leave := &atomic.Bool{}
	go func() {
		<-c.ShutdownInitiatedNotify()
		time.AfterFunc(c.ShutdownDelayDuration/2, func() { leave.Store(true) })
	}()
	return withLeave(server.DefaultBuildHandlerChain(handler, c), leave)
}

// withLeave answers as ever; once it is to, it asks clients to close the connection when their requests under way are done,
// which on HTTP/2 is a GOAWAY.
func withLeave(handler http.Handler, leave *atomic.Bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if leave.Load() {
			w.Header().Set("Connection", "close")
		}
		handler.ServeHTTP(w, req)
	})
}
