// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drpolicy

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

var now = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)

const (
	dr1, dr2 = builder.DR1, builder.DR2
	label    = v1alpha1.LabelReplicationID
	older    = v1alpha1.LabelReplicationIDCamel
)

// usable are two clusters whose class fast can be replicated every 5 minutes.
func usable() Facts {
	return Facts{
		Now:      now,
		Policy:   builder.DRPolicy("gold").New().Obj(),
		Clusters: map[string]*v1alpha1.DRCluster{dr1: builder.DRCluster(dr1).Obj(), dr2: builder.DRCluster(dr2).Obj()},
		Configs: map[string]*v1alpha1.DRClusterConfig{
			dr1: builder.DRClusterConfig(dr1).StorageClass("fast", "csi", "one").ReplicationClass("5m", "csi", "5m", label, "mirror").Obj(),
			dr2: builder.DRClusterConfig(dr2).StorageClass("fast", "csi", "two").ReplicationClass("5m", "csi", "5m", label, "mirror").Obj(),
		},
	}
}

func TestValidated(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Facts)
		reason string
		says   string
	}{
		"two clusters that can be used":   {func(*Facts) {}, "Validated", "dr1 and dr2"},
		"a cluster that does not exist":   {func(f *Facts) { delete(f.Clusters, dr2) }, "ClusterNotFound", "DRCluster dr2 does not exist; create it"},
		"a cluster that is being deleted": {func(f *Facts) { f.Clusters[dr2] = builder.DRCluster(dr2).Deleting(now).Obj() }, "ClusterDeleting", "dr2"},
		"a cluster that nobody looked at": {func(f *Facts) { f.Clusters[dr2] = builder.DRCluster(dr2).New().Obj() }, "ClusterNotValidated", "dr2"},
		"a cluster whose object store can't be used": {func(f *Facts) {
			f.Clusters[dr2] = builder.DRCluster(dr2).Validated(metav1.ConditionFalse, "the bucket does not exist").Obj()
		}, "ClusterNotValidated", "DRCluster dr2: the bucket does not exist"},
		"a cluster whose agent never came":      {func(f *Facts) { delete(f.Configs, dr2) }, "ClusterNotReported", "DRClusterConfig dr2"},
		"a cluster whose agent is not done yet": {func(f *Facts) { f.Configs[dr2] = builder.DRClusterConfig(dr2).Unreported().Obj() }, "ClusterNotReported", "dr2"},
		"no class that can be replicated": {
			func(f *Facts) { f.Configs[dr2] = builder.DRClusterConfig(dr2).Obj() }, "NoPeerClasses", "fast: dr2 has no StorageClass of that name",
		},
		"no class that can be protected without an interval": {func(f *Facts) {
			f.Policy = builder.DRPolicy("gold").New().Interval("").Obj()
		}, "NoPeerClasses", "a DRPolicy with that schedulingInterval protects it"},
	} {
		t.Run(name, func(t *testing.T) {
			f := usable()
			test.change(&f)
			status := Decide(f)
			c := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionValidated)
			if c == nil || c.Reason != test.reason || !strings.Contains(c.Message, test.says) || (c.Status == metav1.ConditionTrue) != (test.reason == "Validated") {
				t.Errorf("got %+v", c)
			}
			f.Policy.Status = status
			f.Now = now.Add(time.Hour)
			if again := Decide(f); !equality.Semantic.DeepEqual(again, status) {
				t.Error("the same facts later make a difference")
			}
		})
	}
}

func TestPeerClasses(t *testing.T) {
	for name, test := range map[string]struct {
		dr1, dr2 *builder.DRClusterConfigBuilder
		policy   *builder.DRPolicyBuilder
		pair     *v1alpha1.PeerClass
		why      string
	}{
		"the same class on two storages that replicate to each other": {
			pair: &v1alpha1.PeerClass{StorageClassName: "fast", Method: v1alpha1.MethodVolumeReplication, ReplicationID: "mirror", StorageID: []string{"one", "two"}, Clusters: []string{dr1, dr2}},
		},
		"the older spelling of the label": {
			dr2:  builder.DRClusterConfig(dr2).StorageClass("fast", "csi", "two").ReplicationClass("5m", "csi", "5m", older, "mirror"),
			pair: &v1alpha1.PeerClass{StorageClassName: "fast", Method: v1alpha1.MethodVolumeReplication, ReplicationID: "mirror", StorageID: []string{"one", "two"}, Clusters: []string{dr1, dr2}},
		},
		"a selector in the older spelling": {
			policy: builder.DRPolicy("gold").New().ReplicationClassSelector(older, "mirror"),
			pair:   &v1alpha1.PeerClass{StorageClassName: "fast", Method: v1alpha1.MethodVolumeReplication, ReplicationID: "mirror", StorageID: []string{"one", "two"}, Clusters: []string{dr1, dr2}},
		},
		"one of several replication IDs in common": {
			dr1: builder.DRClusterConfig(dr1).StorageClass("fast", "csi", "one").
				ReplicationClass("a", "csi", "5m", label, "alone").ReplicationClass("b", "csi", "5m", label, "mirror"),
			pair: &v1alpha1.PeerClass{StorageClassName: "fast", Method: v1alpha1.MethodVolumeReplication, ReplicationID: "mirror", StorageID: []string{"one", "two"}, Clusters: []string{dr1, dr2}},
		},
		"a selector that matches nothing": {
			policy: builder.DRPolicy("gold").New().ReplicationClassSelector(label, "other"), why: "dr1 has no VolumeReplicationClass",
		},
		"another interval": {policy: builder.DRPolicy("gold").New().Interval("1h"), why: "schedulingInterval 1h"},
		"a class that one cluster does not have": {
			dr2: builder.DRClusterConfig(dr2), why: "dr2 has no StorageClass of that name.",
		},
		"a class without a storage ID": {
			dr2: builder.DRClusterConfig(dr2).StorageClass("fast", "csi", "").ReplicationClass("5m", "csi", "5m", label, "mirror"),
			why: "no label ramendr.openshift.io/storageid on dr2",
		},
		"the same storage": {
			dr2: builder.DRClusterConfig(dr2).StorageClass("fast", "csi", "one").ReplicationClass("5m", "csi", "5m", label, "mirror"),
			why: "same storage (one)",
		},
		"another provisioner": {
			dr2: builder.DRClusterConfig(dr2).StorageClass("fast", "other", "two").ReplicationClass("5m", "other", "5m", label, "mirror"),
			why: "csi on dr1 but other on dr2",
		},
		"no replication class": {
			dr2: builder.DRClusterConfig(dr2).StorageClass("fast", "csi", "two"), why: "dr2 has no VolumeReplicationClass with provisioner csi",
		},
		"a replication class of another provisioner": {
			dr2: builder.DRClusterConfig(dr2).StorageClass("fast", "csi", "two").ReplicationClass("5m", "other", "5m", label, "mirror"),
			why: "dr2 has no VolumeReplicationClass with provisioner csi",
		},
		"no replication ID in common": {
			dr2: builder.DRClusterConfig(dr2).StorageClass("fast", "csi", "two").ReplicationClass("5m", "csi", "5m", label, "other"),
			why: "no replication ID in common",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := usable()
			if test.dr1 != nil {
				f.Configs[dr1] = test.dr1.Obj()
			}
			if test.dr2 != nil {
				f.Configs[dr2] = test.dr2.Obj()
			}
			if test.policy != nil {
				f.Policy = test.policy.Obj()
			}
			status := Decide(f)
			if test.pair != nil {
				if len(status.Async.PeerClasses) != 1 || !equality.Semantic.DeepEqual(status.Async.PeerClasses[0], *test.pair) || len(status.Unpaired) > 0 {
					t.Errorf("got %+v, unpaired %+v", status.Async, status.Unpaired)
				}
				return
			}
			if len(status.Async.PeerClasses) > 0 || len(status.Unpaired) != 1 || !strings.Contains(status.Unpaired[0].Message, test.why) {
				t.Errorf("got %+v, unpaired %+v", status.Async, status.Unpaired)
			}
		})
	}
}

func TestClassesAreKeptWhileAClusterCannotBeLookedAt(t *testing.T) {
	f := usable()
	f.Policy.Status = Decide(f)
	f.Clusters[dr2] = builder.DRCluster(dr2).Validated(metav1.ConditionFalse, "timeout").Obj()
	delete(f.Configs, dr2)
	if status := Decide(f); len(status.Async.PeerClasses) != 1 {
		t.Errorf("got %+v", status.Async)
	}
}
