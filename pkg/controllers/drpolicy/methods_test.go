// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drpolicy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

type config = builder.DRClusterConfigBuilder

// on is what a cluster has besides a StorageClass fast, of driver csi, on a storage of its own.
func on(cluster string, more ...func(*config)) *config {
	c := builder.DRClusterConfig(cluster).StorageClass("fast", "csi", "storage-of-"+cluster)
	for _, add := range more {
		add(c)
	}
	return c
}

func mirrored(c *config)         { c.ReplicationClass("r", "csi", "5m", label, "mirror") }
func unscheduled(c *config)      { c.ReplicationClass("r", "csi", "", label, "mirror") }
func grouped(c *config)          { c.GroupReplicationClass("g", "csi", "5m", "mirror", "together") }
func groupedElse(c *config)      { c.GroupReplicationClass("g", "csi", "5m", "other", "together") }
func groupedAlone(c *config)     { c.GroupReplicationClass("g", "csi", "5m", "mirror", "alone") }
func snapshots(c *config)        { c.SnapshotClass("s", "csi", "") }
func groupSnapshots(c *config)   { c.GroupSnapshotClass("s", "csi", "") }
func foreignSnapshots(c *config) { c.SnapshotClass("s", "csi", "another-storage") }
func otherSnapshots(c *config)   { c.SnapshotClass("s", "other", "") }
func foreignReplication(c *config) {
	c.ReplicationClass("r", "csi", "5m", label, "mirror").Change(func(s *v1alpha1.DRClusterConfigStatus) { s.VolumeReplicationClasses[0].StorageID = "another-storage" })
}
func global(c *config) {
	grouped(c)
	c.Change(func(s *v1alpha1.DRClusterConfigStatus) { s.VolumeGroupReplicationClasses[0].Global = true })
}
func offloaded(c *config) {
	c.Change(func(s *v1alpha1.DRClusterConfigStatus) { s.StorageClasses[0].Offloaded = true })
}
func shared(c *config) {
	c.Change(func(s *v1alpha1.DRClusterConfigStatus) { s.StorageClasses[0].StorageID = "one" })
}
func otherDriver(c *config) {
	c.Change(func(s *v1alpha1.DRClusterConfigStatus) { s.StorageClasses[0].Provisioner = "other" })
}

func all(edits ...func(*config)) []func(*config) { return edits }

func TestTheMethodFollowsFromWhatBothClustersHave(t *testing.T) {
	never := func(s *v1alpha1.DRPolicySpec) { s.ConsistencyGroups = v1alpha1.ConsistencyGroupsNever }
	synchronous := func(s *v1alpha1.DRPolicySpec) { s.SchedulingInterval = "" }
	noSnapshots := func(s *v1alpha1.DRPolicySpec) {
		s.VolumeSnapshotClassSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"name": "none"}}
	}
	noGroupSnapshots := func(s *v1alpha1.DRPolicySpec) {
		s.VolumeGroupSnapshotClassSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"name": "none"}}
	}
	noReplication := func(s *v1alpha1.DRPolicySpec) {
		s.ReplicationClassSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"name": "none"}}
	}
	for name, tc := range map[string]struct {
		dr1, dr2 []func(*config)
		policy   func(*v1alpha1.DRPolicySpec)
		want     v1alpha1.ReplicationMethod
		why      []string
	}{
		"storages that replicate to each other":          {all(mirrored), all(mirrored), nil, v1alpha1.MethodVolumeReplication, nil},
		"ones that replicate groups":                     {all(mirrored, grouped), all(mirrored, grouped), nil, v1alpha1.MethodVolumeGroupReplication, nil},
		"groups that nobody wants":                       {all(mirrored, grouped), all(mirrored, grouped), never, v1alpha1.MethodVolumeReplication, nil},
		"groups on one side only":                        {all(mirrored, grouped), all(mirrored), nil, v1alpha1.MethodVolumeReplication, nil},
		"groups that have nothing to do with each other": {all(mirrored, grouped), all(mirrored, groupedAlone), nil, v1alpha1.MethodVolumeReplication, nil},
		"groups of another replication":                  {all(mirrored, groupedElse), all(mirrored, groupedElse), nil, v1alpha1.MethodVolumeReplication, nil},
		"groups of several applications": {all(mirrored, global), all(mirrored, global), nil, "",
			[]string{"VolumeGroupReplicationClass g on dr1", v1alpha1.LabelGlobal}},
		"something else that replicates":                {all(mirrored, offloaded), all(mirrored), nil, "", []string{v1alpha1.LabelOffloaded, "dr1"}},
		"replication wins over snapshots":               {all(mirrored, snapshots), all(mirrored, snapshots), nil, v1alpha1.MethodVolumeReplication, nil},
		"snapshots only":                                {all(snapshots), all(snapshots), nil, v1alpha1.MethodVolSync, nil},
		"replication on one side only":                  {all(mirrored, snapshots), all(snapshots), nil, v1alpha1.MethodVolSync, nil},
		"replication that is left out":                  {all(mirrored, snapshots), all(mirrored, snapshots), noReplication, v1alpha1.MethodVolSync, nil},
		"replication of another storage":                {all(foreignReplication, snapshots), all(mirrored, snapshots), nil, v1alpha1.MethodVolSync, nil},
		"snapshots of groups":                           {all(snapshots, groupSnapshots), all(snapshots, groupSnapshots), nil, v1alpha1.MethodVolSyncGroup, nil},
		"snapshots of groups that nobody wants":         {all(snapshots, groupSnapshots), all(snapshots, groupSnapshots), never, v1alpha1.MethodVolSync, nil},
		"snapshots of groups that are left out":         {all(snapshots, groupSnapshots), all(snapshots, groupSnapshots), noGroupSnapshots, v1alpha1.MethodVolSync, nil},
		"snapshots of groups on one side":               {all(snapshots, groupSnapshots), all(snapshots), nil, v1alpha1.MethodVolSync, nil},
		"snapshots between drivers":                     {all(snapshots), all(otherDriver, otherSnapshots), nil, v1alpha1.MethodVolSync, nil},
		"snapshots of another driver":                   {all(snapshots), all(otherSnapshots), nil, "", []string{"Nor can VolSync", "dr2 has no VolumeSnapshotClass with driver csi"}},
		"snapshots of another storage":                  {all(snapshots), all(foreignSnapshots), nil, "", []string{"dr2 has no VolumeSnapshotClass"}},
		"snapshots that are left out":                   {all(snapshots), all(snapshots), noSnapshots, "", []string{"dr1 has no VolumeSnapshotClass", "volumeSnapshotClassSelector"}},
		"neither, which is said of both":                {nil, nil, nil, "", []string{"dr1 has no VolumeReplicationClass", "dr1 has no VolumeSnapshotClass"}},
		"one storage, synchronously":                    {all(shared), all(shared), synchronous, v1alpha1.MethodShared, nil},
		"one storage, at intervals":                     {all(shared, snapshots), all(shared, snapshots), nil, "", []string{"same storage (one)", "empty schedulingInterval"}},
		"one storage by two drivers":                    {all(shared), all(shared, otherDriver), synchronous, "", []string{"csi on dr1 but other on dr2"}},
		"storage that mirrors each write":               {all(unscheduled), all(unscheduled), synchronous, v1alpha1.MethodVolumeReplication, nil},
		"storage that mirrors at intervals":             {all(mirrored), all(mirrored), synchronous, "", []string{"no schedulingInterval", "replicates every 5m; a DRPolicy"}},
		"snapshots are never synchronous":               {all(snapshots), all(snapshots), synchronous, "", []string{"dr1 has no VolumeReplicationClass", "VolSync can copy"}},
		"storage that mirrors each write, at intervals": {all(unscheduled), all(unscheduled), nil, "", []string{"schedulingInterval 5m"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := usable()
			f.Configs[dr1], f.Configs[dr2] = on(dr1, tc.dr1...).Obj(), on(dr2, tc.dr2...).Obj()
			if tc.policy != nil {
				tc.policy(&f.Policy.Spec)
			}
			status := Decide(f)
			found := status.Async
			if f.Policy.Spec.SchedulingInterval == "" {
				found = status.Sync
			}
			if found == nil || status.Async != nil && status.Sync != nil {
				t.Fatalf("async %v, sync %v", status.Async, status.Sync)
			}
			if tc.want == "" {
				if len(found.PeerClasses) != 0 || len(status.Unpaired) != 1 {
					t.Fatalf("paired is %+v", found.PeerClasses)
				}
				for _, word := range tc.why {
					if !strings.Contains(status.Unpaired[0].Message, word) {
						t.Errorf("%q does not say %q", status.Unpaired[0].Message, word)
					}
				}
				return
			}
			if len(found.PeerClasses) != 1 || len(status.Unpaired) != 0 {
				t.Fatalf("unpaired is %+v", status.Unpaired)
			}
			if diff := cmp.Diff(wanted(tc.want), found.PeerClasses[0]); diff != "" {
				t.Error("the peer class (-want +got):", diff)
			}
		})
	}
}

// wanted is the peer class of class fast by a method.
func wanted(method v1alpha1.ReplicationMethod) v1alpha1.PeerClass {
	peer := v1alpha1.PeerClass{
		StorageClassName: "fast", Method: method, Clusters: []string{dr1, dr2}, StorageID: []string{"storage-of-dr1", "storage-of-dr2"},
	}
	switch method {
	case v1alpha1.MethodVolumeReplication:
		peer.ReplicationID = "mirror"
	case v1alpha1.MethodVolumeGroupReplication:
		peer.ReplicationID, peer.GroupReplicationID, peer.Grouping = "mirror", "together", true
	case v1alpha1.MethodVolSyncGroup:
		peer.Grouping = true
	case v1alpha1.MethodShared:
		peer.StorageID = []string{"one"}
	}
	return peer
}
