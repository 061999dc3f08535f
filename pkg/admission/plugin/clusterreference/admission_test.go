// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package clusterreference

import (
	"errors"
	"testing"

	"k8s.io/apiserver/pkg/warning"

	"github.com/ramendr/dr-apiserver/pkg/admission/admissiontest"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
)

func plugin(t *testing.T, objects admissiontest.Objects) *Plugin {
	t.Helper()
	p := New()
	if p.ValidateInitialization() == nil {
		t.Error("it would do without DRClusters")
	}
	p.SetObjects(objects)
	if err := p.ValidateInitialization(); err != nil {
		t.Fatal(err)
	}
	return p
}

func group(cluster string) *dr.VolumeReplicationGroup {
	return &dr.VolumeReplicationGroup{Spec: dr.VolumeReplicationGroupSpec{ClusterName: cluster}}
}

func TestTheOnlyClusterIsTheDefault(t *testing.T) {
	tests := map[string]struct {
		clusters   []string
		broken     error
		group, old *dr.VolumeReplicationGroup
		want       string
		refused    []string
	}{
		"of one":                            {clusters: []string{"dr1"}, group: group(""), want: "dr1"},
		"of none":                           {group: group(""), refused: []string{"spec.clusterName", "there is no DRCluster yet"}},
		"of several":                        {clusters: []string{"dr1", "dr2"}, group: group(""), refused: []string{"spec.clusterName: Required value", "dr1, dr2"}},
		"where one is named":                {clusters: []string{"dr1"}, group: group("dr2"), want: "dr2"},
		"where one was named before":        {clusters: []string{"dr1"}, group: group(""), old: group("dr2"), want: "dr2"},
		"while the clusters can't be known": {broken: errors.New("no quorum"), group: group(""), refused: []string{"no quorum", "try again"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := plugin(t, admissiontest.Objects{Names: test.clusters, Err: test.broken})
			admissiontest.Expect(t, p.Admit(t.Context(), admissiontest.Attributes("volumereplicationgroups", test.group, test.old), nil), test.refused)
			if test.group.Spec.ClusterName != test.want {
				t.Errorf("the cluster is %q", test.group.Spec.ClusterName)
			}
		})
	}
}

func TestWhatIsNotThereYetIsWarnedOf(t *testing.T) {
	warnings := &admissiontest.Warnings{}
	ctx := warning.WithWarningRecorder(t.Context(), warnings)
	p := plugin(t, admissiontest.Objects{Names: []string{"dr1"}})
	policy := &dr.DRPolicy{Spec: dr.DRPolicySpec{DRClusters: []string{"dr1", "dr2"}}}
	admissiontest.Expect(t, p.Validate(ctx, admissiontest.Attributes("drpolicies", policy, nil), nil), nil)
	warnings.Expect(t, "spec.drClusters[1]", "dr2")

	*warnings = nil
	admissiontest.Expect(t, p.Validate(ctx, admissiontest.Attributes("volumereplicationgroups", group("dr2"), nil), nil), nil)
	warnings.Expect(t, "spec.clusterName", "dr2")

	*warnings = nil
	admissiontest.Expect(t, p.Validate(ctx, admissiontest.Attributes("drpolicies", policy, policy), nil), nil)
	if len(*warnings) > 0 {
		t.Errorf("an update warned of %q", *warnings)
	}
	broken := plugin(t, admissiontest.Objects{Err: errors.New("no quorum")})
	admissiontest.Expect(t, broken.Validate(ctx, admissiontest.Attributes("drpolicies", policy, nil), nil), []string{"no quorum", "try again"})
}
