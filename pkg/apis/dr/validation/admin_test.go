// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
)

func TestDRPolicy(t *testing.T) {
	tests := map[string]struct {
		spec    dr.DRPolicySpec
		refused []string
	}{
		"asynchronous": {dr.DRPolicySpec{DRClusters: []string{"dr1", "dr2"}, SchedulingInterval: "90m"}, nil},
		"synchronous":  {dr.DRPolicySpec{DRClusters: []string{"dr1", "dr2"}}, nil},
		"without clusters": {
			dr.DRPolicySpec{SchedulingInterval: "1h"}, []string{"spec.drClusters: Required value: a policy is between exactly 2"},
		},
		"between three": {
			dr.DRPolicySpec{DRClusters: []string{"a", "b", "c"}}, []string{"spec.drClusters: must have at most 2 items; a policy is between exactly 2"},
		},
		"between one and itself": {
			dr.DRPolicySpec{DRClusters: []string{"dr1", "dr1"}}, []string{"spec.drClusters[1]: Duplicate value: \"dr1\""},
		},
		"between one and nobody": {
			dr.DRPolicySpec{DRClusters: []string{"dr1", ""}}, []string{"spec.drClusters[1]: a policy is between exactly 2 DRClusters"},
		},
		"in seconds": {
			dr.DRPolicySpec{DRClusters: []string{"a", "b"}, SchedulingInterval: "30s"}, []string{"spec.schedulingInterval: m, h or d"},
		},
		"in hours and minutes": {
			dr.DRPolicySpec{DRClusters: []string{"a", "b"}, SchedulingInterval: "1h30m"}, []string{"spec.schedulingInterval: m, h or d"},
		},
		"all the time": {
			dr.DRPolicySpec{DRClusters: []string{"a", "b"}, SchedulingInterval: "00m"}, []string{"spec.schedulingInterval: at least 1m"},
		},
		"between one": {
			dr.DRPolicySpec{DRClusters: []string{"a"}}, []string{"spec.drClusters: must have at least 2 items"},
		},
		"with the clusters of early RamenDR too": {
			dr.DRPolicySpec{DRClusters: []string{"a", "b"}, DRClusterSet: []dr.DRClusterSetMember{{Name: "b"}, {Name: "a"}}}, nil,
		},
		"with other clusters of early RamenDR": {
			dr.DRPolicySpec{DRClusters: []string{"a", "b"}, DRClusterSet: []dr.DRClusterSetMember{{Name: "b"}, {Name: "c"}}},
			[]string{"spec.drClusterSet: \"b, c\": contradicts spec.drClusters, which names a, b"},
		},
		"with a selector that can't be read": {
			dr.DRPolicySpec{DRClusters: []string{"a", "b"}, ReplicationClassSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"a b": "c"}}},
			[]string{"spec.replicationClassSelector.matchLabels: a b"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			policy := &dr.DRPolicy{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Spec: test.spec}
			expect(t, append(ValidateDRPolicy(policy), declared(t, policy, nil)...), test.refused)
		})
	}
}

func TestDRPolicyWarnings(t *testing.T) {
	policy := &dr.DRPolicy{Spec: dr.DRPolicySpec{DRClusters: []string{"a", "b"}}}
	if warnings := DRPolicyWarnings(policy); len(warnings) != 0 {
		t.Errorf("warned of %q", warnings)
	}
	policy.Spec.DRClusterSet = []dr.DRClusterSetMember{{Name: "a", Region: "east"}, {Name: "b"}}
	if warnings := DRPolicyWarnings(policy); len(warnings) != 2 {
		t.Errorf("warned of %q", warnings)
	}
}

func TestDRPolicyIsImmutable(t *testing.T) {
	before := &dr.DRPolicy{Spec: dr.DRPolicySpec{DRClusters: []string{"a", "b"}, SchedulingInterval: "5m"}}
	after := &dr.DRPolicy{Spec: dr.DRPolicySpec{
		DRClusters: []string{"b", "a"}, SchedulingInterval: "6m",
		ReplicationClassSelector: &metav1.LabelSelector{}, VolumeSnapshotClassSelector: &metav1.LabelSelector{},
	}}
	expect(t, declared(t, before, before), nil)
	expect(t, declared(t, after, before), []string{
		"spec.drClusters: [\"b\",\"a\"]: field is immutable; create another DRPolicy",
		"spec.schedulingInterval: \"6m\": field is immutable; create another DRPolicy",
		"spec.replicationClassSelector: create another DRPolicy", "spec.volumeSnapshotClassSelector: create another DRPolicy",
	})
}

func TestDRCluster(t *testing.T) {
	cluster := func(name, profile, region string) *dr.DRCluster {
		return &dr.DRCluster{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: dr.DRClusterSpec{S3ProfileName: profile, Region: region}}
	}
	refused := func(c *dr.DRCluster) field.ErrorList { return append(ValidateDRCluster(c), declared(t, c, nil)...) }
	expect(t, refused(cluster("dr1", "s3", "")), nil)
	expect(t, refused(cluster("dr1.example.org", "", "")), []string{
		"metadata.name: must not contain dots", "spec.s3ProfileName: name an s3ProfileName",
	})
	expect(t, declared(t, cluster("dr1", "s3", "east"), cluster("dr1", "s3", "east")), nil)
	expect(t, declared(t, cluster("dr1", "s3-2", "west"), cluster("dr1", "s3", "east")), []string{
		"spec.region: create it anew", "spec.s3ProfileName: captures would not be found again",
	})

	addressed := cluster("dr1", "s3", "")
	addressed.Spec.CIDRs = []string{"10.0.1.0/24", "2001:db8::/64"}
	expect(t, append(refused(addressed), ValidateDRClusterUpdate(addressed)...), nil)
	addressed.Spec.CIDRs = []string{"10.0.1.0", "10.0.1.0/24", "10.0.1.0/24"}
	expect(t, refused(addressed), []string{"spec.cidrs[0]: valid CIDR value, (e.g. 10.9.8.0/24", "spec.cidrs[2]: Duplicate"})
	expect(t, ValidateDRClusterUpdate(addressed), []string{"spec.cidrs[0]: valid CIDR value"})
}

func TestDRClusterConfig(t *testing.T) {
	config := func(name, id string) *dr.DRClusterConfig {
		return &dr.DRClusterConfig{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: dr.DRClusterConfigSpec{ClusterID: id}}
	}
	refused := func(c *dr.DRClusterConfig) field.ErrorList {
		return append(ValidateDRClusterConfig(c), declared(t, c, nil)...)
	}
	expect(t, refused(config("dr1", "x")), nil)
	expect(t, refused(config("a.b", "")), []string{"metadata.name: must not contain dots", "spec.clusterID: kube-system"})
	expect(t, declared(t, config("dr1", "y"), config("dr1", "x")), []string{"spec.clusterID: is another one now"})
}
