// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package replication says what the agent needs of whatever replicates a volume's bytes.
package replication

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Backend replicates volumes. Writes are idempotent and return once the wish is recorded; Report tells what became of it,
// and a change of it is seen by watch. Callers make sure before Promote that this cluster may be the one that writes: a
// backend may force a promotion.
type Backend interface {
	// Method is what the volumes' rows name.
	Method() v1alpha1.ReplicationMethod
	// Class names the class that replicates the volume under the group's rules, or says why none does.
	Class(v Volume, rules Rules) (string, *Problem)
	// Report tells the state of a PersistentVolumeClaim's replication; nil if there is none.
	Report(claim types.NamespacedName) (*State, error)
	// Promote makes the volume primary: writable here and replicated to the peer.
	Promote(ctx context.Context, v Volume, class string) error
	// Demote makes the volume secondary in the given way.
	Demote(ctx context.Context, v Volume, class string, how Demotion) error
	// Refresh has the state looked at now instead of at the backend's own next turn.
	Refresh(ctx context.Context, claim types.NamespacedName) error
	// Remove ends the replication of a volume and tells whether nothing of it is left.
	Remove(ctx context.Context, claim types.NamespacedName) (bool, error)
}

// Volume is a PersistentVolumeClaim with what it is bound to.
type Volume struct {
	PVC *corev1.PersistentVolumeClaim
	// PV is nil unless the claim is bound.
	PV *corev1.PersistentVolume
	// StorageClass is nil if the claim names none or one that is not there.
	StorageClass *storagev1.StorageClass
}

// Key is the name of the claim.
func (v Volume) Key() types.NamespacedName {
	return types.NamespacedName{Namespace: v.PVC.Namespace, Name: v.PVC.Name}
}

// Handle is what the storage knows the volume by; empty unless it is bound to a CSI volume.
func (v Volume) Handle() string {
	if v.PV == nil || v.PV.Spec.CSI == nil {
		return ""
	}
	return v.PV.Spec.CSI.VolumeHandle
}

// StorageClassName of the claim.
func (v Volume) StorageClassName() string {
	if v.PVC.Spec.StorageClassName == nil {
		return ""
	}
	return *v.PVC.Spec.StorageClassName
}

// Rules narrow the classes a group may use.
type Rules struct {
	// Async is false where volumes are replicated synchronously.
	Async bool
	// Interval between two syncs.
	Interval string
	// Selector of classes; nil selects all.
	Selector labels.Selector
	// Peers are the storage classes with a peer. They bind only if PeersRequired.
	Peers         []v1alpha1.PeerClass
	PeersRequired bool
}

// Problem is why a volume can't be protected.
type Problem struct {
	Reason, Message string
}

// Demotion is how a volume becomes secondary.
type Demotion int

const (
	// FinalSync lets the peer have all that was written and gives nothing up.
	FinalSync Demotion = iota
	// Resync gives up whatever the peer does not have and follows the peer from now on.
	Resync
)

// Role is the role a volume has or shall have.
type Role string

// Roles of a volume.
const (
	Primary   Role = "primary"
	Secondary Role = "secondary"
)

// State of a volume's replication.
type State struct {
	// Wanted is the role it was last told to have.
	Wanted Role
	// Role it confirms, in answer to what it was last told; empty while it is changing.
	Role Role
	// Reported is the role it last reported, be it in answer to something older.
	Reported Role
	// InSync is true for a secondary that has everything the primary wrote or had when it was demoted.
	InSync bool
	// Unhealthy is true for a primary that is known not to replicate.
	Unhealthy bool
	// Ending is true while replication is being removed.
	Ending bool
	// Message says what is wrong or awaited.
	Message string
	// Since is when the last change of role was confirmed.
	Since time.Time

	LastSyncTime     *metav1.Time
	LastSyncDuration *metav1.Duration
	LastSyncBytes    *int64
}
