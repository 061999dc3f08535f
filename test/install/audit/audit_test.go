// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
)

const log = `{"verb":"get","user":{"username":"server"},"requestURI":"/livez?verbose","responseStatus":{"code":200}}
{"verb":"update","user":{"username":"server"},"objectRef":{"resource":"leases","apiGroup":"coordination.k8s.io","namespace":"dr-system","name":"a"},"responseStatus":{"code":200}}
{"verb":"list","user":{"username":"server"},"objectRef":{"resource":"secrets","namespace":"dr-system"},"responseStatus":{"code":403}}
{"verb":"list","user":{"username":"server"},"objectRef":{"resource":"secrets","namespace":"dr-system"},"responseStatus":{"code":403}}
{"verb":"patch","user":{"username":"server"},"impersonatedUser":{"username":"agent"},"objectRef":{"resource":"groups","subresource":"status","apiGroup":"dr","namespace":"shop","name":"g"},"responseStatus":{"code":200}}
`

func read(t *testing.T) []Request {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(path, []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	requests, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return requests
}

func TestRequestsAreTheirsWhoMadeThemOrWhomTheyWereMadeAs(t *testing.T) {
	requests := read(t)
	var did []string
	for _, r := range Of(requests, "server") {
		did = append(did, r.Action.String())
	}
	want := "get /livez; update leases.coordination.k8s.io a in dr-system; list secrets in dr-system; list secrets in dr-system"
	if got := strings.Join(did, "; "); got != want {
		t.Errorf("the server did %s", got)
	}
	if as := Of(requests, "agent"); len(as) != 1 || as[0].Action.String() != "patch groups/status.dr g in shop" {
		t.Errorf("as the agent: %v", as)
	}
}

func TestADenialIsToldOnce(t *testing.T) {
	if diff := cmp.Diff([]string{"server: list secrets in dr-system"}, Denied(read(t))); diff != "" {
		t.Error(diff)
	}
}

func TestUnusedIsWhatNobodyDid(t *testing.T) {
	requests := read(t)
	rules := []rbacv1.PolicyRule{
		{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"get", "update"}},
		{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"list"}, ResourceNames: []string{"one"}},
		{NonResourceURLs: []string{"/livez", "/metrics"}, Verbs: []string{"get"}},
		{APIGroups: []string{"dr"}, Resources: []string{"groups/status"}, Verbs: []string{"*"}},
	}
	for name, test := range map[string]struct {
		namespace string
		want      []string
	}{
		"everywhere":           {"", []string{"/metrics: get", "leases.coordination.k8s.io: get", "secrets: list"}},
		"in another namespace": {"shop", []string{"/metrics: get", "leases.coordination.k8s.io: get, update", "secrets: list"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Role{Namespace: test.namespace, Rules: rules}.Unused(requests)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
