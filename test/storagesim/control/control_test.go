// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package control

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ramendr/dr-apiserver/test/storagesim/engine"
	"github.com/ramendr/dr-apiserver/test/storagesim/faults"
	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

func TestControl(t *testing.T) {
	array, err := engine.Open(engine.Options{Cluster: "dr1", Dir: t.TempDir(), Faults: &faults.Injector{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = array.Close() })
	if err := array.Create(t.Context(), "pvc-1", 1<<20, layout.Claim{Namespace: "shop", Name: "data"}); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	Register(mux, "dr1", array, &faults.Injector{})

	for _, c := range []struct {
		method, path, body string
		code               int
		want               string
	}{
		{"GET", "/healthz", "", http.StatusOK, `"ok"`},
		{"GET", "/points", "", http.StatusOK, `"promote.before"`},
		{"GET", "/volumes", "", http.StatusOK, `"role":"Standalone"`},
		{"GET", "/fault", "", http.StatusOK, `[]`},
		{"POST", "/fault", `["lag=30s","namespace=shop"]`, http.StatusOK, `["lag=30s namespace=shop"]`},
		{"POST", "/fault", `["hang=ship","cluster=dr2"]`, http.StatusOK, `["lag=30s namespace=shop"]`},
		{"POST", "/fault", `["hang=ship","cluster=dr1"]`, http.StatusOK, `["lag=30s namespace=shop","hang=ship.before cluster=dr1"]`},
		{"POST", "/fault", `["fail=nowhere"]`, http.StatusBadRequest, "unknown point"},
		{"POST", "/fault", `lag=30s`, http.StatusBadRequest, "JSON array of words"},
		{"POST", "/fault", `["clear"]`, http.StatusOK, `[]`},
		{"POST", "/fault", `["fail=ship:3"]`, http.StatusOK, `["fail=ship.before:3"]`},
		{"DELETE", "/fault", "", http.StatusOK, `[]`},
	} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(c.method, c.path, strings.NewReader(c.body)))
		got := strings.TrimSpace(w.Body.String())
		exact := strings.HasPrefix(c.want, "[")
		if w.Code != c.code || (exact && got != c.want) || !strings.Contains(got, c.want) {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, w.Code, got)
		}
	}
}
