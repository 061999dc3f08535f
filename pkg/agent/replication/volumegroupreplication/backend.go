// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package volumegroupreplication replicates an application's volumes as one through csi-addons VolumeGroupReplication: one
// object per application and group replication id. Claims are its members by a label. A group changes its role as a whole,
// and a volume is as far as its group is.
package volumegroupreplication

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	csiaddons "github.com/csi-addons/kubernetes-csi-addons/api/replication.storage/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication/volumereplication"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Backend drives VolumeGroupReplications.
type Backend struct {
	// Reader reads claims and csi-addons' objects, as a cache does.
	Reader client.Reader
	// Client writes.
	Client client.Client
	// Clock tells when a volume has joined a group.
	Clock clock.PassiveClock

	lock sync.Mutex
	// turns are held while a group of a namespace is acted on, looked is when each was last to be looked at.
	turns  map[string]*sync.Mutex
	looked map[types.NamespacedName]time.Time
	// left are claims that were taken out of their groups, by their UIDs, which the cache may still have in them.
	left map[types.UID]bool
}

// turn waits until nothing else of a namespace is acted on, and returns what ends that.
func (b *Backend) turn(namespace string) (end func()) {
	b.lock.Lock()
	if b.turns == nil {
		b.turns, b.looked, b.left = map[string]*sync.Mutex{}, map[types.NamespacedName]time.Time{}, map[types.UID]bool{}
	}
	turn := b.turns[namespace]
	if turn == nil {
		turn = &sync.Mutex{}
		b.turns[namespace] = turn
	}
	b.lock.Unlock()
	turn.Lock()
	return turn.Unlock
}

// lookSpacing is the least time between two looks that csi-addons is made to take at a group that is being put together.
const lookSpacing = time.Second

// mayLook tells whether a group was not looked at only just now.
func (b *Backend) mayLook(group types.NamespacedName) bool {
	b.lock.Lock()
	defer b.lock.Unlock()
	now := b.Clock.Now()
	if now.Sub(b.looked[group]) < lookSpacing {
		return false
	}
	b.looked[group] = now
	return true
}

var (
	_ replication.Backend   = (*Backend)(nil)
	_ replication.Carrier   = (*Backend)(nil)
	_ replication.Explainer = (*Backend)(nil)
)

// Method implements replication.Backend.
func (b *Backend) Method() v1alpha1.ReplicationMethod { return v1alpha1.MethodVolumeGroupReplication }

// Report implements replication.Backend.
func (b *Backend) Report(claim types.NamespacedName) (*replication.State, error) {
	ctx := context.Background()
	pvc, group, err := b.claim(ctx, claim)
	if group == "" || err != nil {
		return nil, err
	}
	o, err := b.observe(ctx, claim.Namespace, group)
	if err != nil {
		return nil, err
	}
	return o.report(pvc), nil
}

// Awaited implements replication.Explainer.
func (b *Backend) Awaited(claim types.NamespacedName) string {
	ctx := context.Background()
	pvc, group, err := b.claim(ctx, claim)
	if group == "" || err != nil {
		return ""
	}
	o, err := b.observe(ctx, claim.Namespace, group)
	if err != nil {
		return err.Error()
	}
	return o.awaited(pvc)
}

// Promote implements replication.Backend. csi-addons escalates a promotion to a forced one by itself.
func (b *Backend) Promote(ctx context.Context, v replication.Volume, class string) error {
	return b.ensure(ctx, v, class, csiaddons.Primary, false)
}

// Demote implements replication.Backend. Resyncing by itself is asked for only where local writes are given up.
func (b *Backend) Demote(ctx context.Context, v replication.Volume, class string, how replication.Demotion) error {
	return b.ensure(ctx, v, class, csiaddons.Secondary, how == replication.Resync)
}

// ensure has the volume in its group, and the group told its role. It is asked for again until both can be seen.
func (b *Backend) ensure(ctx context.Context, v replication.Volume, class string, role csiaddons.ReplicationState, resync bool) error {
	defer b.turn(v.PVC.Namespace)()
	t, err := b.target(ctx, v, class)
	if err != nil {
		return err
	}
	if err := t.join(ctx); err != nil {
		return err
	}
	if t.vgr == nil {
		return t.create(ctx, role, resync)
	}
	if t.vgr.Labels[mark.ManagedBy] != mark.Agent {
		return fmt.Errorf("VolumeGroupReplication %s exists and was not made by this agent; delete it, so that the volumes can be protected here", t.key)
	}
	if err := t.tell(ctx, role, resync); err != nil {
		return err
	}
	if t.content == nil || !t.lists(v.PVC) || !t.confirms(v.PVC) {
		return t.notYet(ctx, "PersistentVolumeClaim "+v.Key().String()+" is not in the group yet")
	}
	return nil
}

// Refresh implements replication.Backend. Looking at the group is looking at all its volumes.
func (b *Backend) Refresh(ctx context.Context, claim types.NamespacedName) error {
	defer b.turn(claim.Namespace)()
	pvc, group, err := b.claim(ctx, claim)
	if group == "" || err != nil {
		return err
	}
	o, err := b.observe(ctx, claim.Namespace, group)
	if err != nil || o.vgr == nil {
		return err
	}
	if joined, ok := pvc.Annotations[mark.VolumeGroupJoined]; ok && joined == "" && o.content != nil && o.confirms(pvc) {
		patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, mark.VolumeGroupJoined, joinedNow(b.Clock.Now()))
		if err := b.patch(ctx, pvc, patch); err != nil {
			return err
		}
	}
	if err := b.dropVanished(ctx, o); err != nil || !b.mayLook(client.ObjectKeyFromObject(o.vgr)) {
		return err
	}
	return b.lookAgain(ctx, o)
}

// Remove implements replication.Backend. A volume leaves its group, and the last one takes the group with it.
func (b *Backend) Remove(ctx context.Context, claim types.NamespacedName) (bool, error) {
	defer b.turn(claim.Namespace)()
	pvc, label, err := b.claim(ctx, claim)
	if pvc == nil || err != nil {
		return err == nil, err
	}
	group := label
	if group == "" {
		group = pvc.Annotations[csiaddons.VolumeGroupReplicationNameAnnotation]
	}
	if group == "" {
		b.noteLeft(pvc, false)
		return true, nil
	}
	o, err := b.observe(ctx, claim.Namespace, group)
	if err != nil {
		return false, err
	}
	switch {
	case o.vgr == nil || o.vgr.Labels[mark.ManagedBy] != mark.Agent:
		return true, b.unlabel(ctx, pvc)
	case !o.vgr.DeletionTimestamp.IsZero():
		return false, nil
	}
	members, err := b.members(ctx, claim.Namespace, group)
	if err != nil {
		return false, err
	}
	if !slices.ContainsFunc(members, func(m corev1.PersistentVolumeClaim) bool { return m.Name != claim.Name && !b.hasLeft(&m) }) {
		err := b.Client.Delete(ctx, o.vgr.DeepCopy(), client.Preconditions{UID: &o.vgr.UID})
		return false, wrap(client.IgnoreNotFound(err), "deleting VolumeGroupReplication %s/%s", claim.Namespace, group)
	}
	if err := b.unlabel(ctx, pvc); err != nil {
		return false, err
	}
	b.noteLeft(pvc, true)
	return false, b.look(ctx, o)
}

// noteLeft notes that a claim was taken out of its group, or has been put into one since.
func (b *Backend) noteLeft(pvc *corev1.PersistentVolumeClaim, left bool) {
	b.lock.Lock()
	defer b.lock.Unlock()
	if delete(b.left, pvc.UID); left && pvc.UID != "" {
		b.left[pvc.UID] = true
	}
}

func (b *Backend) hasLeft(pvc *corev1.PersistentVolumeClaim) bool {
	b.lock.Lock()
	defer b.lock.Unlock()
	return b.left[pvc.UID]
}

// claim reads a claim, nil if there is none, and the group that it is labelled to be in.
func (b *Backend) claim(ctx context.Context, key types.NamespacedName) (*corev1.PersistentVolumeClaim, string, error) {
	pvc := &corev1.PersistentVolumeClaim{}
	err := b.Reader.Get(ctx, key, pvc)
	if apierrors.IsNotFound(err) {
		return nil, "", nil
	}
	return pvc, pvc.Labels[mark.VolumeGroup], wrap(err, "reading PersistentVolumeClaim %s", key)
}

// unlabel takes off what says that a claim is in a group.
func (b *Backend) unlabel(ctx context.Context, pvc *corev1.PersistentVolumeClaim) error {
	if _, labelled := pvc.Labels[mark.VolumeGroup]; !labelled {
		return nil
	}
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{%q:null},"annotations":{%q:null}}}`, mark.VolumeGroup, mark.VolumeGroupJoined)
	return client.IgnoreNotFound(b.patch(ctx, pvc, patch))
}

func (b *Backend) patch(ctx context.Context, object client.Object, patch []byte) error {
	object = object.DeepCopyObject().(client.Object)
	err := b.Client.Patch(ctx, object, client.RawPatch(types.MergePatchType, patch))
	return wrap(err, "patching %s %s", replication.Kind(object), client.ObjectKeyFromObject(object))
}

// observe reads a group.
func (b *Backend) observe(ctx context.Context, namespace, group string) (observed, error) {
	o := observed{vgr: &csiaddons.VolumeGroupReplication{}, content: &csiaddons.VolumeGroupReplicationContent{}, vr: &csiaddons.VolumeReplication{}}
	key := client.ObjectKey{Namespace: namespace, Name: group}
	var err error
	if o.vgr, err = read(ctx, b, key, o.vgr); err != nil {
		return o, err
	}
	if o.content, err = read(ctx, b, client.ObjectKey{Name: contentName(namespace, group)}, o.content); err != nil {
		return o, err
	}
	o.vr, err = read(ctx, b, key, o.vr)
	return o, err
}

func read[T client.Object](ctx context.Context, b *Backend, key client.ObjectKey, object T) (T, error) {
	var none T
	err := b.Reader.Get(ctx, key, object)
	if apierrors.IsNotFound(err) || meta.IsNoMatchError(err) {
		return none, nil
	}
	return object, wrap(err, "reading %s %s", replication.Kind(object), key)
}

// look has csi-addons look at a group now, and then at who its members are, unless it is about to. A claim's label alone would not make it
// look.
func (b *Backend) look(ctx context.Context, o observed) error {
	if err := b.dropVanished(ctx, o); err != nil {
		return err
	}
	if o.vr == nil || o.vr.Generation != o.vr.Status.ObservedGeneration {
		return nil
	}
	return volumereplication.Look(ctx, b.Client, o.vr)
}

// lookAgain has csi-addons look at a group now, even if it is about to: that may be in a quarter of an hour. It ends a group from
// its VolumeReplication to its content.
func (b *Backend) lookAgain(ctx context.Context, o observed) error {
	if o.content != nil && !o.content.DeletionTimestamp.IsZero() {
		if err := b.lookAtContent(ctx, o.content); err != nil {
			return err
		}
	}
	if o.vr == nil {
		return nil
	}
	return volumereplication.Look(ctx, b.Client, o.vr)
}

func (b *Backend) lookAtContent(ctx context.Context, content *csiaddons.VolumeGroupReplicationContent) error {
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, mark.LookedAt, b.Clock.Now().UTC().Format("2006-01-02T15:04:05.000Z"))
	return client.IgnoreNotFound(b.patch(ctx, content, patch))
}

// dropVanished takes claims that are gone off the group's list. csi-addons gives up a group that lists one, which it does if
// it dies after it has let a claim go and before it has noted that.
func (b *Backend) dropVanished(ctx context.Context, o observed) error {
	kept := []string{}
	for _, ref := range o.vgr.Status.PersistentVolumeClaimsRefList {
		pvc, _, err := b.claim(ctx, types.NamespacedName{Namespace: o.vgr.Namespace, Name: ref.Name})
		if err != nil {
			return err
		}
		if pvc != nil {
			kept = append(kept, fmt.Sprintf(`{"name":%q}`, ref.Name))
		}
	}
	if len(kept) == len(o.vgr.Status.PersistentVolumeClaimsRefList) {
		return nil
	}
	patch := fmt.Appendf(nil, `{"metadata":{"resourceVersion":%q},"status":{"persistentVolumeClaimsRefList":[%s]}}`,
		o.vgr.ResourceVersion, strings.Join(kept, ","))
	err := b.Client.Status().Patch(ctx, o.vgr.DeepCopy(), client.RawPatch(types.MergePatchType, patch))
	return wrap(client.IgnoreNotFound(err), "taking claims that are gone off VolumeGroupReplication %s/%s", o.vgr.Namespace, o.vgr.Name)
}

func ownMeta(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{mark.ManagedBy: mark.Agent}}
}

func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
