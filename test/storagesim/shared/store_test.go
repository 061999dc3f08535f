// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package shared

import (
	"errors"
	"net/netip"
	"sync"
	"testing"

	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

func pair(t *testing.T) (dr1, dr2 *Store) {
	t.Helper()
	dir := t.TempDir()
	open := func(cluster, own string) *Store {
		s, err := Open(dir, cluster, netip.MustParsePrefix(own))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	return open("dr1", "198.18.0.0/24"), open("dr2", "198.18.1.0/24")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestBothClustersWriteToOneVolumeAndFindWhatTheOtherWrote(t *testing.T) {
	dr1, dr2 := pair(t)
	claim := layout.Claim{Namespace: "shop", Name: "data"}
	must(t, dr1.Create("vol", 1, claim))
	must(t, dr2.Create("vol", 1, claim))
	must(t, dr1.Claim("vol", claim))
	must(t, dr2.Claim("vol", claim))
	var all sync.WaitGroup
	for _, s := range []*Store{dr1, dr2} {
		all.Go(func() {
			for range 50 {
				if _, err := s.Append("vol", "pod"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	last, err := dr1.Append("vol", "pod")
	must(t, err)
	if last.Seq != 101 || last.Cluster != "dr1" || last.Generation != 2 {
		t.Errorf("the last record is %+v, want the 101st, by dr1 in generation 2", last)
	}
}

func TestFencedClusterCannotWriteAndTheOtherCan(t *testing.T) {
	dr1, dr2 := pair(t)
	must(t, dr1.Create("vol", 1, layout.Claim{}))
	for range 2 {
		must(t, dr2.Fence([]string{"198.18.0.0/24"}))
	}
	if _, err := dr1.Append("vol", "pod"); !errors.Is(err, ErrFenced) {
		t.Errorf("the fenced cluster got %v", err)
	}
	if _, err := dr2.Append("vol", "pod"); err != nil {
		t.Errorf("the other cluster got %v", err)
	}
	fences, err := dr1.Fences()
	must(t, err)
	if len(fences) != 1 {
		t.Errorf("fenced off are %v", fences)
	}
	must(t, dr2.Unfence([]string{"198.18.0.0/24"}))
	if _, err := dr1.Append("vol", "pod"); err != nil {
		t.Errorf("once it was let back it got %v", err)
	}
}
