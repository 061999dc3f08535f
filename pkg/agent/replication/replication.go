// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package replication says what the agent needs of whatever replicates a volume's bytes.
package replication

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Backend replicates volumes. Writes are idempotent and return once the wish is recorded; Report tells what became of it,
// and a change of it is seen by watch. Callers make sure before Promote that this cluster may be the one that writes: a
// backend may force a promotion.
type Backend interface {
	// Method is what the volumes' rows name.
	Method() v1alpha1.ReplicationMethod
	// Class names the class that replicates the volume under its group's rules, or says why none does.
	Class(v Volume) (string, *Problem)
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
	// Rules of the group that protects it.
	Rules Rules
}

// Kind is what messages call an object. Of objects that were read into a type, only the type's name says it.
func Kind(object client.Object) string {
	if kind := object.GetObjectKind().GroupVersionKind().Kind; kind != "" {
		return kind
	}
	name := fmt.Sprintf("%T", object)
	return name[strings.LastIndexByte(name, '.')+1:]
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

// Provisioner is the driver of the volume, or the one that will make it.
func (v Volume) Provisioner() string {
	switch {
	case v.PV != nil && v.PV.Spec.CSI != nil:
		return v.PV.Spec.CSI.Driver
	case v.StorageClass != nil:
		return v.StorageClass.Provisioner
	default:
		return ""
	}
}

// Capacity of the volume, or what was asked for while it is not bound; nil if nobody said.
func (v Volume) Capacity() *resource.Quantity {
	for _, of := range []corev1.ResourceList{v.PVC.Status.Capacity, v.PVC.Spec.Resources.Requests} {
		if capacity, ok := of[corev1.ResourceStorage]; ok {
			return &capacity
		}
	}
	return nil
}

// Rules are what a group's command says of all its volumes.
type Rules struct {
	// Group is the VolumeReplicationGroup, in Epoch, on Cluster.
	Group   types.NamespacedName
	Epoch   int64
	Cluster string
	// Async is false where volumes are replicated synchronously.
	Async bool
	// Interval between two syncs.
	Interval string
	// Selector of replication classes, and those of snapshot classes; nil selects all.
	Selector, SnapshotSelector, GroupSnapshotSelector labels.Selector
	// Peers are the storage classes with a peer. They bind only if PeersRequired.
	Peers         []v1alpha1.PeerClass
	PeersRequired bool
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
	// Keeps is true for a secondary that was told to give nothing up: one whose peer lacks something follows it no more.
	Keeps bool
	// Unhealthy is true for a primary that is known not to replicate.
	Unhealthy bool
	// Ending is true while replication is being removed.
	Ending bool
	// Message says what is wrong or awaited.
	Message string
	// Group names the consistency group that the volume is replicated with; empty if it is replicated by itself.
	Group string
	// Since is when the last change of role was confirmed.
	Since time.Time

	LastSyncTime     *metav1.Time
	LastSyncDuration *metav1.Duration
	LastSyncBytes    *int64
}
