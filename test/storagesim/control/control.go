// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package control lets people and tests look into a simulator and make it go wrong, over HTTP.
package control

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"k8s.io/klog/v2"

	"github.com/ramendr/dr-apiserver/test/storagesim/engine"
	"github.com/ramendr/dr-apiserver/test/storagesim/faults"
)

// Register serves
//
//	GET    /fault    the faults in place, as a JSON array of strings
//	POST   /fault    a JSON array of words (faults.Usage): puts faults in place and returns all that are
//	DELETE /fault    takes all faults back
//	GET    /points   the points faults can be put at
//	GET    /volumes  the volumes and what is known of them
//	GET    /healthz  200 once it serves
func Register(mux *http.ServeMux, cluster string, e *engine.Engine, injector *faults.Injector) {
	mux.HandleFunc("GET /fault", func(w http.ResponseWriter, _ *http.Request) { list(w, injector) })
	mux.HandleFunc("POST /fault", func(w http.ResponseWriter, r *http.Request) {
		if err := put(r, cluster, injector); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		list(w, injector)
	})
	mux.HandleFunc("DELETE /fault", func(w http.ResponseWriter, _ *http.Request) {
		injector.Clear(faults.Fault{})
		list(w, injector)
	})
	mux.HandleFunc("GET /points", func(w http.ResponseWriter, _ *http.Request) { answer(w, faults.Points()) })
	mux.HandleFunc("GET /volumes", func(w http.ResponseWriter, _ *http.Request) { answer(w, e.List()) })
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, "ok") })
}

func put(r *http.Request, cluster string, injector *faults.Injector) error {
	var words []string
	if err := json.NewDecoder(r.Body).Decode(&words); err != nil {
		return fmt.Errorf("want a JSON array of words: %w", err)
	}
	request, err := faults.Parse(words)
	if err != nil {
		return err
	}
	here := slices.DeleteFunc(request.Faults, func(f faults.Fault) bool { return f.Cluster != "" && f.Cluster != cluster })
	if request.Clear {
		injector.Replace(request.Scope, here...)
	} else {
		injector.Add(here...)
	}
	for _, f := range here {
		klog.InfoS("Fault put in place", "fault", f.String())
	}
	return nil
}

func list(w http.ResponseWriter, injector *faults.Injector) {
	inPlace := []string{}
	for _, f := range injector.List() {
		inPlace = append(inPlace, f.String())
	}
	answer(w, inPlace)
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(body); err != nil {
		klog.V(2).InfoS("Answer not sent", "err", err)
	}
}
