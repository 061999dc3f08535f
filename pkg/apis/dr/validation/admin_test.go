// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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
			dr.DRPolicySpec{SchedulingInterval: "1h"}, []string{"spec.drClusters: names 0 clusters; a policy is between exactly 2"},
		},
		"between three": {
			dr.DRPolicySpec{DRClusters: []string{"a", "b", "c"}}, []string{"spec.drClusters: names 3 clusters"},
		},
		"between one and itself": {
			dr.DRPolicySpec{DRClusters: []string{"dr1", "dr1"}}, []string{"spec.drClusters[1]: Duplicate value: \"dr1\""},
		},
		"between one and nobody": {
			dr.DRPolicySpec{DRClusters: []string{"dr1", ""}}, []string{"spec.drClusters[1]: name a DRCluster"},
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
		"with a selector that can't be read": {
			dr.DRPolicySpec{DRClusters: []string{"a", "b"}, ReplicationClassSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"a b": "c"}}},
			[]string{"spec.replicationClassSelector.matchLabels: a b"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			expect(t, ValidateDRPolicy(&dr.DRPolicy{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Spec: test.spec}), test.refused)
		})
	}
}

func TestDRPolicyIsImmutable(t *testing.T) {
	before := &dr.DRPolicy{Spec: dr.DRPolicySpec{DRClusters: []string{"a", "b"}, SchedulingInterval: "5m"}}
	after := &dr.DRPolicy{Spec: dr.DRPolicySpec{
		DRClusters: []string{"b", "a"}, SchedulingInterval: "6m",
		ReplicationClassSelector: &metav1.LabelSelector{}, VolumeSnapshotClassSelector: &metav1.LabelSelector{},
	}}
	expect(t, ValidateDRPolicyUpdate(before, before), nil)
	expect(t, ValidateDRPolicyUpdate(after, before), []string{
		"spec.drClusters: create another DRPolicy", "spec.schedulingInterval: create another DRPolicy",
		"spec.replicationClassSelector: create another DRPolicy", "spec.volumeSnapshotClassSelector: create another DRPolicy",
	})
}

func TestDRCluster(t *testing.T) {
	cluster := func(name, profile, region string) *dr.DRCluster {
		return &dr.DRCluster{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: dr.DRClusterSpec{S3ProfileName: profile, Region: region}}
	}
	expect(t, ValidateDRCluster(cluster("dr1", "s3", "")), nil)
	expect(t, ValidateDRCluster(cluster("dr1.example.org", "", "")), []string{
		"metadata.name: must not contain dots", "spec.s3ProfileName: name an s3ProfileName",
	})
	expect(t, ValidateDRClusterUpdate(cluster("dr1", "s3", "east"), cluster("dr1", "s3", "east")), nil)
	expect(t, ValidateDRClusterUpdate(cluster("dr1", "s3-2", "west"), cluster("dr1", "s3", "east")), []string{
		"spec.s3ProfileName: captures would not be found again", "spec.region: create it anew",
	})
}

func TestDRClusterConfig(t *testing.T) {
	config := func(name, id string) *dr.DRClusterConfig {
		return &dr.DRClusterConfig{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: dr.DRClusterConfigSpec{ClusterID: id}}
	}
	expect(t, ValidateDRClusterConfig(config("dr1", "x")), nil)
	expect(t, ValidateDRClusterConfig(config("a.b", "")), []string{"metadata.name: must not contain dots", "spec.clusterID: kube-system"})
	expect(t, ValidateDRClusterConfigUpdate(config("dr1", "y"), config("dr1", "x")), []string{"spec.clusterID: is another one now"})
}
