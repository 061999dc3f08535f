// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package builder

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// DRPolicyBuilder makes a DRPolicy.
type DRPolicyBuilder struct{ obj v1alpha1.DRPolicy }

// DRPolicy begins a validated policy between dr1 and dr2 with one peer class and an interval of 5 minutes.
func DRPolicy(name string) *DRPolicyBuilder {
	b := &DRPolicyBuilder{v1alpha1.DRPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: name, Generation: 1},
		Spec:       v1alpha1.DRPolicySpec{DRClusters: []string{DR1, DR2}, SchedulingInterval: "5m"},
		Status:     v1alpha1.DRPolicyStatus{Async: &v1alpha1.PeerClasses{PeerClasses: peerClasses()}},
	}}
	return b.Validated(metav1.ConditionTrue, "")
}

// Clusters sets the clusters.
func (b *DRPolicyBuilder) Clusters(clusters ...string) *DRPolicyBuilder {
	b.obj.Spec.DRClusters = clusters
	return b
}

// Interval sets the scheduling interval.
func (b *DRPolicyBuilder) Interval(interval string) *DRPolicyBuilder {
	b.obj.Spec.SchedulingInterval = interval
	return b
}

// ReplicationClassSelector sets the selector of that name.
func (b *DRPolicyBuilder) ReplicationClassSelector(key, value string) *DRPolicyBuilder {
	b.obj.Spec.ReplicationClassSelector = &metav1.LabelSelector{MatchLabels: map[string]string{key: value}}
	return b
}

// Validated sets the condition of that name.
func (b *DRPolicyBuilder) Validated(status metav1.ConditionStatus, message string) *DRPolicyBuilder {
	setCondition(&b.obj.Status.Conditions, v1alpha1.ConditionValidated, status, "Because", message)
	return b
}

// New takes its status away: nobody has looked at it yet.
func (b *DRPolicyBuilder) New() *DRPolicyBuilder {
	b.obj.Status = v1alpha1.DRPolicyStatus{}
	return b
}

// Obj is what was built.
func (b *DRPolicyBuilder) Obj() *v1alpha1.DRPolicy { return b.obj.DeepCopy() }

// DRClusterBuilder makes a DRCluster.
type DRClusterBuilder struct{ obj v1alpha1.DRCluster }

// DRCluster begins a validated cluster whose object store is s3-<name>.
func DRCluster(name string) *DRClusterBuilder {
	b := &DRClusterBuilder{v1alpha1.DRCluster{
		ObjectMeta: metav1.ObjectMeta{Name: name, Generation: 1},
		Spec:       v1alpha1.DRClusterSpec{S3ProfileName: "s3-" + name},
	}}
	return b.Validated(metav1.ConditionTrue, "")
}

// Validated sets the condition of that name.
func (b *DRClusterBuilder) Validated(status metav1.ConditionStatus, message string) *DRClusterBuilder {
	setCondition(&b.obj.Status.Conditions, v1alpha1.ConditionValidated, status, "Because", message)
	return b
}

// New takes its status away: nobody has looked at it yet.
func (b *DRClusterBuilder) New() *DRClusterBuilder {
	b.obj.Status = v1alpha1.DRClusterStatus{}
	return b
}

// Deleting marks it as being deleted.
func (b *DRClusterBuilder) Deleting(at time.Time) *DRClusterBuilder {
	b.obj.DeletionTimestamp = &metav1.Time{Time: at}
	return b
}

// Obj is what was built.
func (b *DRClusterBuilder) Obj() *v1alpha1.DRCluster { return b.obj.DeepCopy() }

// DRClusterConfigBuilder makes a DRClusterConfig.
type DRClusterConfigBuilder struct{ obj v1alpha1.DRClusterConfig }

// DRClusterConfig begins what the agent of a cluster found: nothing.
func DRClusterConfig(cluster string) *DRClusterConfigBuilder {
	return &DRClusterConfigBuilder{v1alpha1.DRClusterConfig{
		ObjectMeta: metav1.ObjectMeta{Name: cluster, Generation: 1},
		Spec:       v1alpha1.DRClusterConfigSpec{ClusterID: "id-" + cluster},
		Status: v1alpha1.DRClusterConfigStatus{
			LastUpdateTime: &metav1.Time{Time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)},
		},
	}}
}

// StorageClass adds a storage class.
func (b *DRClusterConfigBuilder) StorageClass(name, provisioner, storageID string) *DRClusterConfigBuilder {
	b.obj.Status.StorageClasses = append(b.obj.Status.StorageClasses, v1alpha1.ClassInfo{
		Name: name, Provisioner: provisioner, StorageID: storageID,
	})
	return b
}

// ReplicationClass adds a VolumeReplicationClass whose replication ID is in a label of that key.
func (b *DRClusterConfigBuilder) ReplicationClass(name, provisioner, interval, labelKey, replicationID string) *DRClusterConfigBuilder {
	b.obj.Status.VolumeReplicationClasses = append(b.obj.Status.VolumeReplicationClasses, v1alpha1.ClassInfo{
		Name: name, Provisioner: provisioner, SchedulingInterval: interval,
		Labels: map[string]string{labelKey: replicationID},
	})
	return b
}

// GroupReplicationClass adds a VolumeGroupReplicationClass.
func (b *DRClusterConfigBuilder) GroupReplicationClass(name, provisioner, interval, replicationID, groupReplicationID string) *DRClusterConfigBuilder {
	b.obj.Status.VolumeGroupReplicationClasses = append(b.obj.Status.VolumeGroupReplicationClasses, v1alpha1.ClassInfo{
		Name: name, Provisioner: provisioner, SchedulingInterval: interval, ReplicationID: replicationID, GroupReplicationID: groupReplicationID,
	})
	return b
}

// SnapshotClass adds a VolumeSnapshotClass; no storage ID means that it does not say.
func (b *DRClusterConfigBuilder) SnapshotClass(name, driver, storageID string) *DRClusterConfigBuilder {
	b.obj.Status.VolumeSnapshotClasses = append(b.obj.Status.VolumeSnapshotClasses, v1alpha1.ClassInfo{
		Name: name, Provisioner: driver, StorageID: storageID, Labels: map[string]string{"name": name},
	})
	return b
}

// GroupSnapshotClass adds a VolumeGroupSnapshotClass.
func (b *DRClusterConfigBuilder) GroupSnapshotClass(name, driver, storageID string) *DRClusterConfigBuilder {
	b.obj.Status.VolumeGroupSnapshotClasses = append(b.obj.Status.VolumeGroupSnapshotClasses, v1alpha1.ClassInfo{
		Name: name, Provisioner: driver, StorageID: storageID, Labels: map[string]string{"name": name},
	})
	return b
}

// Change edits what the builder has no word for.
func (b *DRClusterConfigBuilder) Change(edit func(*v1alpha1.DRClusterConfigStatus)) *DRClusterConfigBuilder {
	edit(&b.obj.Status)
	return b
}

// Unreported takes its status away: the agent has written the object but not what it found.
func (b *DRClusterConfigBuilder) Unreported() *DRClusterConfigBuilder {
	b.obj.Status = v1alpha1.DRClusterConfigStatus{}
	return b
}

// Obj is what was built.
func (b *DRClusterConfigBuilder) Obj() *v1alpha1.DRClusterConfig { return b.obj.DeepCopy() }
