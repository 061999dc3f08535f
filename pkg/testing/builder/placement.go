// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package builder makes API objects for tests, as they are when all is well, to be spoilt one call at a time.
package builder

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// The clusters and the policy that everything refers to unless told otherwise.
const (
	DR1        = "dr1"
	DR2        = "dr2"
	PolicyName = "dr-policy"
)

// DRPCBuilder makes a DRPlacementControl.
type DRPCBuilder struct{ obj v1alpha1.DRPlacementControl }

// DRPC begins a DRPlacementControl that has not been placed yet. It prefers dr1.
func DRPC(namespace, name string) *DRPCBuilder {
	return &DRPCBuilder{v1alpha1.DRPlacementControl{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Generation: 1},
		Spec: v1alpha1.DRPlacementControlSpec{
			DRPolicyRef:      v1alpha1.DRPolicyReference{Name: PolicyName},
			PreferredCluster: DR1,
			PVCSelector:      metav1.LabelSelector{MatchLabels: map[string]string{"app": name}},
		},
	}}
}

// Policy names the DRPolicy.
func (b *DRPCBuilder) Policy(name string) *DRPCBuilder {
	b.obj.Spec.DRPolicyRef.Name = name
	return b
}

// Preferred sets spec.preferredCluster.
func (b *DRPCBuilder) Preferred(cluster string) *DRPCBuilder {
	b.obj.Spec.PreferredCluster = cluster
	return b
}

// Failover sets spec.failoverCluster.
func (b *DRPCBuilder) Failover(cluster string) *DRPCBuilder {
	b.obj.Spec.FailoverCluster = cluster
	return b
}

// Finalizer adds a finalizer.
func (b *DRPCBuilder) Finalizer(name string) *DRPCBuilder {
	b.obj.Finalizers = append(b.obj.Finalizers, name)
	return b
}

// Deleting marks it as being deleted.
func (b *DRPCBuilder) Deleting(at time.Time) *DRPCBuilder {
	b.obj.DeletionTimestamp = &metav1.Time{Time: at}
	return b
}

// Running sets what status says of an application that runs on a cluster in an epoch.
func (b *DRPCBuilder) Running(cluster string, epoch int64, phase v1alpha1.DRPlacementControlPhase) *DRPCBuilder {
	b.obj.Status.PrimaryCluster, b.obj.Status.Epoch, b.obj.Status.Phase = cluster, epoch, phase
	b.obj.Status.ObservedGeneration = b.obj.Generation
	return b
}

// Saved sets when volumes were last synced and objects last captured.
func (b *DRPCBuilder) Saved(at time.Time) *DRPCBuilder {
	b.obj.Status.LastGroupSyncTime = &metav1.Time{Time: at}
	b.obj.Status.LastKubeObjectProtectionTime = &metav1.Time{Time: at}
	return b
}

// Condition sets a condition of status.
func (b *DRPCBuilder) Condition(conditionType string, status metav1.ConditionStatus, reason string) *DRPCBuilder {
	setCondition(&b.obj.Status.Conditions, conditionType, status, reason, "")
	return b
}

// Action sets status.currentAction.
func (b *DRPCBuilder) Action(record *v1alpha1.ActionRecord) *DRPCBuilder {
	b.obj.Status.CurrentAction = record
	return b
}

// Obj is what was built.
func (b *DRPCBuilder) Obj() *v1alpha1.DRPlacementControl { return b.obj.DeepCopy() }

// VRGBuilder makes a VolumeReplicationGroup.
type VRGBuilder struct {
	obj v1alpha1.VolumeReplicationGroup
}

// VRG begins the VolumeReplicationGroup of a DRPlacementControl for a cluster, as the hub creates it, without a role.
func VRG(namespace, placement, cluster string) *VRGBuilder {
	return &VRGBuilder{v1alpha1.VolumeReplicationGroup{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: placement + "." + cluster, Generation: 1,
			Labels: map[string]string{
				v1alpha1.LabelDRPlacementControl: placement, v1alpha1.LabelCluster: cluster,
			},
			Finalizers: []string{v1alpha1.AgentFinalizer},
		},
		Spec: v1alpha1.VolumeReplicationGroupSpec{
			ClusterName: cluster,
			PVCSelector: metav1.LabelSelector{MatchLabels: map[string]string{"app": placement}},
			S3Profiles:  profiles(cluster),
			Async:       async(),
		},
	}}
}

func profiles(cluster string) []string {
	if cluster == DR1 {
		return []string{"s3-" + DR1, "s3-" + DR2}
	}
	return []string{"s3-" + cluster, "s3-" + DR1}
}

func async() *v1alpha1.VRGAsyncSpec {
	return &v1alpha1.VRGAsyncSpec{SchedulingInterval: "5m", PeerClasses: peerClasses()}
}

func peerClasses() []v1alpha1.PeerClass {
	return []v1alpha1.PeerClass{{
		StorageClassName: "fast", ReplicationID: "mirror", StorageID: []string{"one", "two"}, Clusters: []string{DR1, DR2},
	}}
}

// Primary commands the cluster to be primary.
func (b *VRGBuilder) Primary(epoch int64, action v1alpha1.VRGAction) *VRGBuilder {
	return b.command(v1alpha1.Primary, epoch, action)
}

// Secondary commands the cluster to be secondary.
func (b *VRGBuilder) Secondary(epoch int64, action v1alpha1.VRGAction) *VRGBuilder {
	return b.command(v1alpha1.Secondary, epoch, action)
}

func (b *VRGBuilder) command(role v1alpha1.ReplicationState, epoch int64, action v1alpha1.VRGAction) *VRGBuilder {
	b.obj.Spec.ReplicationState, b.obj.Spec.Epoch, b.obj.Spec.Action = role, epoch, action
	return b
}

// Commanded sets the generation apart from what was reported: the agent has not seen the command yet.
func (b *VRGBuilder) Commanded() *VRGBuilder {
	b.obj.Generation = b.obj.Status.ObservedGeneration + 1
	return b
}

// Reports makes the agent report a state in the epoch of the command.
func (b *VRGBuilder) Reports(state v1alpha1.VolumeReplicationGroupState) *VRGBuilder {
	b.obj.Status.ObservedGeneration, b.obj.Status.Session = b.obj.Generation, b.obj.Spec.Session
	b.obj.Status.Epoch = b.obj.Spec.Epoch
	b.obj.Status.State = state
	return b
}

// ReportsEpoch makes the agent report a state in an epoch other than the command's.
func (b *VRGBuilder) ReportsEpoch(state v1alpha1.VolumeReplicationGroupState, epoch int64) *VRGBuilder {
	b.Reports(state)
	b.obj.Status.Epoch = epoch
	return b
}

// Healthy makes the agent report that everything is in place and, as primary, saved at that time.
func (b *VRGBuilder) Healthy(saved time.Time) *VRGBuilder {
	for _, conditionType := range []string{
		v1alpha1.ConditionDataReady, v1alpha1.ConditionDataProtected, v1alpha1.ConditionClusterDataReady,
		v1alpha1.ConditionClusterDataProtected, v1alpha1.ConditionKubeObjectsReady,
	} {
		setCondition(&b.obj.Status.Conditions, conditionType, metav1.ConditionTrue, "Ready", "")
	}
	b.obj.Status.LastUpdateTime = &metav1.Time{Time: saved}
	if b.obj.Spec.ReplicationState == v1alpha1.Primary {
		b.obj.Status.LastGroupSyncTime = &metav1.Time{Time: saved}
		b.obj.Status.LastCapture = &v1alpha1.CaptureReference{
			ID: "capture", Epoch: b.obj.Spec.Epoch, Time: metav1.Time{Time: saved}, S3Profiles: b.obj.Spec.S3Profiles,
		}
	}
	return b
}

// Condition makes the agent report a condition.
func (b *VRGBuilder) Condition(conditionType string, status metav1.ConditionStatus, reason, message string) *VRGBuilder {
	setCondition(&b.obj.Status.Conditions, conditionType, status, reason, message)
	return b
}

// NeverSaved takes back what Healthy reported as saved.
func (b *VRGBuilder) NeverSaved() *VRGBuilder {
	b.obj.Status.LastGroupSyncTime, b.obj.Status.LastCapture = nil, nil
	return b
}

// HandedOver makes the agent report a handover token for an epoch.
func (b *VRGBuilder) HandedOver(epoch int64) *VRGBuilder {
	b.obj.Status.HandoverToken = &v1alpha1.HandoverToken{
		Epoch: epoch, SourceCluster: b.obj.Spec.ClusterName, CaptureID: "last", CaptureDigest: "digest", Digest: "digest",
	}
	return b
}

// Token puts a handover token into the command.
func (b *VRGBuilder) Token(epoch int64, source string) *VRGBuilder {
	b.obj.Spec.HandoverToken = &v1alpha1.HandoverToken{
		Epoch: epoch, SourceCluster: source, CaptureID: "last", CaptureDigest: "digest", Digest: "digest",
	}
	return b
}

// Deleting marks it as being deleted.
func (b *VRGBuilder) Deleting(at time.Time) *VRGBuilder {
	b.obj.DeletionTimestamp = &metav1.Time{Time: at}
	return b
}

// Unlabelled makes it one that somebody made by hand.
func (b *VRGBuilder) Unlabelled() *VRGBuilder {
	b.obj.Labels = nil
	return b
}

// Obj is what was built.
func (b *VRGBuilder) Obj() *v1alpha1.VolumeReplicationGroup { return b.obj.DeepCopy() }

func setCondition(conditions *[]metav1.Condition, conditionType string, status metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(conditions, metav1.Condition{
		Type: conditionType, Status: status, Reason: reason, Message: message,
		LastTransitionTime: metav1.NewTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)),
	})
}
