// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package supervisor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatIsRememberedIsThereForTheNextSupervisor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	first, err := loadState(path)
	if err != nil {
		t.Fatal(err)
	}
	err = first.update(func(r *remembered) {
		r.InstantStorage, r.Ports = true, map[string]int{"hub/etcd": 20001}
	})
	if err != nil {
		t.Fatal(err)
	}
	second, err := loadState(path)
	if err != nil {
		t.Fatal(err)
	}
	if !second.instantStorage() || second.Ports["hub/etcd"] != 20001 {
		t.Errorf("got %+v", second.remembered)
	}
}

func TestADamagedStateIsNamedWithARemedy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := loadState(path)
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "make down") {
		t.Errorf("got %v", err)
	}
}

func TestWordsOfKillAndStartAreUnderstood(t *testing.T) {
	s := &Supervisor{clusters: map[string]*cluster{}}
	for _, name := range allClusters {
		c := &cluster{}
		c.Name = name
		s.clusters[name] = c
	}
	cases := map[string]struct{ cluster, process string }{
		"dr1":         {cluster: "dr1"},
		"hub":         {cluster: "hub"},
		"agent dr2":   {cluster: "dr2", process: "dr-agent"},
		"etcd hub":    {cluster: "hub", process: "etcd"},
		"etcd dr1":    {cluster: "dr1", process: "etcd"},
		"apiserver":   {cluster: "hub", process: "dr-apiserver"},
		"dr3":         {},
		"agent hub":   {},
		"agent":       {},
		"dr1 dr2":     {},
		"":            {},
		"etcd nobody": {},
	}
	for words, want := range cases {
		t.Run(words, func(t *testing.T) {
			c, process, err := s.find(strings.Fields(words))
			switch {
			case want.cluster == "" && err == nil:
				t.Errorf("got %s %s, want a refusal", c.Name, process)
			case want.cluster != "" && (err != nil || c.Name != want.cluster || process != want.process):
				t.Errorf("got %v %s %v", c, process, err)
			}
		})
	}
}

func TestAPlaygroundKeepsItsObjectsWhereItDidFromTheBeginning(t *testing.T) {
	s, err := loadState(filepath.Join(t.TempDir(), "state.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, choice := range []struct{ storage, refused string }{
		{"sqlite", "choose embedded or host"}, {"host", ""}, {"host", ""}, {"embedded", "--storage=host"},
	} {
		err := s.chooseAPIStorage(choice.storage)
		if choice.refused == "" && err != nil || choice.refused != "" && (err == nil || !strings.Contains(err.Error(), choice.refused)) {
			t.Errorf("%s: the answer is %v, wanted %q", choice.storage, err, choice.refused)
		}
	}
}
