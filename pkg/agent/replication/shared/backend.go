// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package shared is for volumes on storage that both clusters reach: there is nothing to replicate, and nothing to promote but
// the volume's metadata, which a restore puts in place. That only one cluster writes, the fence and the order of the hub's
// commands see to; this package says when a cluster has let go of a volume.
package shared

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Backend notes each volume's role on its claim.
type Backend struct {
	// Reader reads claims and VolumeAttachments, as a cache does.
	Reader client.Reader
	// Client writes.
	Client client.Client
}

var _ replication.Backend = (*Backend)(nil)

// Method implements replication.Backend.
func (b *Backend) Method() v1alpha1.ReplicationMethod { return v1alpha1.MethodShared }

// Class implements replication.Backend: there are none, but the policy has to have found the same storage on the peer.
func (b *Backend) Class(v replication.Volume) (string, *replication.Problem) {
	if problem := replication.CSI(v); problem != nil {
		return "", problem
	}
	v.Rules.PeersRequired = true
	_, problem := replication.PeerClass(v)
	return "", problem
}

// Report implements replication.Backend. A secondary is confirmed once no node of this cluster has the volume attached.
func (b *Backend) Report(claim types.NamespacedName) (*replication.State, error) {
	ctx := context.Background()
	pvc, err := b.claim(ctx, claim)
	if pvc == nil || err != nil {
		return nil, err
	}
	role := replication.Role(pvc.Annotations[mark.Shared])
	switch role {
	case "":
		return nil, nil
	case replication.Primary:
		return &replication.State{Wanted: role, Role: role, Reported: role, Since: pvc.CreationTimestamp.Time}, nil
	}
	nodes, err := b.attachedTo(ctx, pvc.Spec.VolumeName)
	if err != nil {
		return nil, err
	}
	if len(nodes) > 0 {
		return &replication.State{Wanted: role, Since: pvc.CreationTimestamp.Time, Message: fmt.Sprintf(
			"PersistentVolume %s is still attached to %s", pvc.Spec.VolumeName, strings.Join(nodes, ", "))}, nil
	}
	return &replication.State{Wanted: role, Role: role, Reported: role, InSync: true, Since: pvc.CreationTimestamp.Time}, nil
}

// attachedTo are the nodes that a volume is attached to.
func (b *Backend) attachedTo(ctx context.Context, volume string) ([]string, error) {
	attachments := &storagev1.VolumeAttachmentList{}
	if err := b.Reader.List(ctx, attachments); err != nil {
		return nil, fmt.Errorf("listing VolumeAttachments, to see whether PersistentVolume %s is in use: %w", volume, err)
	}
	var nodes []string
	for i := range attachments.Items {
		if of := attachments.Items[i].Spec.Source.PersistentVolumeName; of != nil && *of == volume {
			nodes = append(nodes, attachments.Items[i].Spec.NodeName)
		}
	}
	slices.Sort(nodes)
	return nodes, nil
}

// Promote implements replication.Backend. The restored claim and volume are all it takes.
func (b *Backend) Promote(ctx context.Context, v replication.Volume, _ string) error {
	return b.note(ctx, v, replication.Primary)
}

// Demote implements replication.Backend. There is one copy, so that nothing is given up in either way.
func (b *Backend) Demote(ctx context.Context, v replication.Volume, _ string, _ replication.Demotion) error {
	return b.note(ctx, v, replication.Secondary)
}

func (b *Backend) note(ctx context.Context, v replication.Volume, role replication.Role) error {
	if v.PVC.Annotations[mark.Shared] == string(role) {
		return nil
	}
	patch := fmt.Appendf(nil, `{"metadata":{"uid":%q,"annotations":{%q:%q}}}`, v.PVC.UID, mark.Shared, role)
	if err := b.Client.Patch(ctx, v.PVC.DeepCopy(), client.RawPatch(types.MergePatchType, patch)); err != nil {
		return fmt.Errorf("making PersistentVolumeClaim %s %s: %w", v.Key(), role, err)
	}
	return nil
}

// Refresh implements replication.Backend: nothing is known but what is watched.
func (b *Backend) Refresh(context.Context, types.NamespacedName) error { return nil }

// Remove implements replication.Backend.
func (b *Backend) Remove(ctx context.Context, claim types.NamespacedName) (bool, error) {
	pvc, err := b.claim(ctx, claim)
	if err != nil || pvc == nil || pvc.Annotations[mark.Shared] == "" {
		return err == nil, err
	}
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:null}}}`, mark.Shared)
	if err := b.Client.Patch(ctx, pvc.DeepCopy(), client.RawPatch(types.MergePatchType, patch)); client.IgnoreNotFound(err) != nil {
		return false, fmt.Errorf("taking the role off PersistentVolumeClaim %s: %w", claim, err)
	}
	return true, nil
}

func (b *Backend) claim(ctx context.Context, key types.NamespacedName) (*corev1.PersistentVolumeClaim, error) {
	pvc := &corev1.PersistentVolumeClaim{}
	err := b.Reader.Get(ctx, key, pvc)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading PersistentVolumeClaim %s: %w", key, err)
	}
	return pvc, nil
}
