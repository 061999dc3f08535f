// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"testing"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
)

func TestRecoversOn(t *testing.T) {
	tests := map[string]struct {
		preferred, failover, primary string
		views                        []dr.ClusterView
		want                         string
	}{
		"before the first placement":                        {preferred: "dr1", failover: "dr2", want: "dr2"},
		"where it was first placed":                         {preferred: "dr1", failover: "dr2", primary: "dr1", want: "dr2"},
		"failed over":                                       {preferred: "dr1", failover: "dr2", primary: "dr2", want: "dr1"},
		"without a failover cluster, before the placement":  {preferred: "dr1"},
		"without a failover cluster, before agents' report": {preferred: "dr1", primary: "dr1"},
		"without a failover cluster": {
			preferred: "dr1", primary: "dr1", views: []dr.ClusterView{{Name: "dr1"}, {Name: "dr2"}}, want: "dr2",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := &dr.DRPlacementControl{
				Spec:   dr.DRPlacementControlSpec{PreferredCluster: test.preferred, FailoverCluster: test.failover},
				Status: dr.DRPlacementControlStatus{PrimaryCluster: test.primary, Clusters: test.views},
			}
			if got := recoversOn(p); got != test.want {
				t.Errorf("recovers on %q, wanted %q", got, test.want)
			}
		})
	}
}
