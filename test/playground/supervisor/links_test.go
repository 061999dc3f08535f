// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package supervisor

import (
	"slices"
	"testing"

	"github.com/ramendr/dr-apiserver/test/playground/component"
	"github.com/ramendr/dr-apiserver/test/playground/network"
)

func TestLinksAreCutAndHealed(t *testing.T) {
	const (
		api, storage, s3 = component.KubeAPIServer, component.Storage, component.S3
	)
	cases := map[string]struct {
		do       func(*links)
		hole     []string
		refusing []string
	}{
		"nothing is wrong at first": {do: func(*links) {}},
		"a partition cuts agent and storage from hub and peer, both ways, and nothing inside the cluster": {
			do: func(l *links) { l.partition("dr1", true) },
			hole: []string{
				linkName("dr1", "hub", api), linkName("dr1", "dr2", storage), linkName("dr2", "dr1", storage),
				linkName("dr1", "dr2", s3), linkName("dr2", "dr1", s3), linkName("hub", "dr1", s3),
			},
		},
		"the hub can be cut off from all": {
			do: func(l *links) { l.partition("hub", true) },
			hole: []string{
				linkName("dr1", "hub", api), linkName("dr2", "hub", api), linkName("hub", "dr1", s3), linkName("hub", "dr2", s3),
			},
		},
		"healing connects again": {
			do: func(l *links) { l.partition("dr1", true); l.partition("dr1", false) },
		},
		"a link between two partitions needs both healed": {
			do: func(l *links) { l.partition("dr1", true); l.partition("dr2", true); l.partition("dr1", false) },
			hole: []string{
				linkName("dr2", "hub", api), linkName("dr1", "dr2", storage), linkName("dr2", "dr1", storage),
				linkName("dr1", "dr2", s3), linkName("dr2", "dr1", s3), linkName("hub", "dr2", s3),
			},
		},
		"an object store refuses everybody": {
			do:       func(l *links) { l.faultS3("dr1", network.Forbid) },
			refusing: []string{linkName("hub", "dr1", s3), linkName("dr1", "dr1", s3), linkName("dr2", "dr1", s3)},
		},
		"a partition is stronger than the fault of an object store": {
			do: func(l *links) { l.faultS3("dr1", network.Forbid); l.partition("dr2", true) },
			hole: []string{
				linkName("dr2", "hub", api), linkName("dr1", "dr2", storage), linkName("dr2", "dr1", storage),
				linkName("dr1", "dr2", s3), linkName("dr2", "dr1", s3), linkName("hub", "dr2", s3),
			},
			refusing: []string{linkName("hub", "dr1", s3), linkName("dr1", "dr1", s3)},
		},
		"heal undoes all of it": {
			do: func(l *links) { l.faultS3("dr1", network.Forbid); l.partition("dr2", true); l.heal() },
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			l := newLinks()
			c.do(l)
			for _, link := range l.all {
				want := network.Pass
				switch {
				case slices.Contains(c.hole, link.name()):
					want = network.BlackHole
				case slices.Contains(c.refusing, link.name()):
					want = network.Forbid
				}
				if got := l.mode(link); got != want {
					t.Errorf("%s is %s, want %s", link.name(), got, want)
				}
			}
		})
	}
}
