// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volumegroupreplication

import (
	"context"
	"errors"
	"fmt"
	"slices"

	csiaddons "github.com/csi-addons/kubernetes-csi-addons/api/replication.storage/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
)

// target is a volume on its way into a role, with the group it goes there with.
type target struct {
	observed
	*Backend
	volume  replication.Volume
	key     types.NamespacedName
	class   string
	members []corev1.PersistentVolumeClaim
}

// target finds the group of a volume: what its label says, and else what follows from its class.
func (b *Backend) target(ctx context.Context, v replication.Volume, class string) (*target, error) {
	pvc, group, err := b.claim(ctx, v.Key())
	if err != nil {
		return nil, err
	}
	if pvc == nil {
		return nil, replication.NotYet("PersistentVolumeClaim " + v.Key().String() + " is gone")
	}
	if group == "" {
		groupClass := &csiaddons.VolumeGroupReplicationClass{}
		if err := b.Reader.Get(ctx, client.ObjectKey{Name: class}, groupClass); err != nil {
			return nil, fmt.Errorf("reading VolumeGroupReplicationClass %s: %w", class, err)
		}
		group = groupName(v, groupClass)
	}
	t := &target{Backend: b, volume: v, class: class, key: types.NamespacedName{Namespace: v.PVC.Namespace, Name: group}}
	t.volume.PVC = pvc
	if t.observed, err = b.observe(ctx, t.key.Namespace, group); err != nil {
		return nil, err
	}
	t.members, err = b.members(ctx, t.key.Namespace, group)
	return t, wrap(err, "listing the PersistentVolumeClaims of VolumeGroupReplication %s", t.key)
}

// join labels the claim. One that is added to a group that is replicated already has its own first sync still before it.
// What was captured comes first: the storage would take nothing else into a group that is a copy here.
func (t *target) join(ctx context.Context) error {
	pvc := t.volume.PVC
	if pvc.Labels[mark.VolumeGroup] != "" {
		return nil
	}
	if problem := room(t.volume, t.members); problem != nil {
		return errors.New(problem.Message)
	}
	captured := slices.Contains(t.expected(t.volume.Rules.Epoch), t.volume.Handle())
	copied := t.vgr != nil && t.vgr.Spec.ReplicationState == csiaddons.Secondary || t.vgr == nil && len(t.expected(t.volume.Rules.Epoch)) > 0
	if copied && !captured {
		return replication.NotYet(fmt.Sprintf("PersistentVolumeClaim %s joins VolumeGroupReplication %s once that is primary", t.volume.Key(), t.key))
	}
	joined := ""
	if t.vr != nil && !captured {
		joined = fmt.Sprintf(`,"annotations":{%q:""}`, mark.VolumeGroupJoined)
	}
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{%q:%q}%s}}`, mark.VolumeGroup, t.key.Name, joined)
	t.noteLeft(pvc, false)
	return t.patch(ctx, pvc, patch)
}

// create makes the group. One that was captured goes on as the copy it is here, until all its volumes are known to be in it:
// promoted sooner, it would lose those that csi-addons has not seen yet.
func (t *target) create(ctx context.Context, role csiaddons.ReplicationState, resync bool) error {
	volumeClass, problem := t.volumeClass(t.volume)
	if problem != nil {
		return errors.New(problem.Message)
	}
	expected := t.expected(t.volume.Rules.Epoch)
	if missing := t.missing(expected); missing > 0 {
		return replication.NotYet(fmt.Sprintf("VolumeGroupReplication %s waits for %d more of its volumes", t.key, missing))
	}
	if err := t.ensureContent(ctx); err != nil {
		return err
	}
	if len(expected) > 0 {
		role, resync = csiaddons.Secondary, false
	}
	vgr := &csiaddons.VolumeGroupReplication{
		ObjectMeta: ownMeta(t.key.Namespace, t.key.Name),
		Spec: csiaddons.VolumeGroupReplicationSpec{
			VolumeGroupReplicationClassName: t.class, VolumeReplicationClassName: volumeClass,
			VolumeReplicationName: t.key.Name, VolumeGroupReplicationContentName: contentName(t.key.Namespace, t.key.Name),
			Source: csiaddons.VolumeGroupReplicationSource{
				Selector: &metav1.LabelSelector{MatchLabels: map[string]string{mark.VolumeGroup: t.key.Name}},
			},
			ReplicationState: role, AutoResync: resync,
		},
	}
	if err := t.Client.Create(ctx, vgr); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating VolumeGroupReplication %s: %w", t.key, err)
	}
	return replication.NotYet(fmt.Sprintf("VolumeGroupReplication %s was just made", t.key))
}

// ensureContent makes the object that csi-addons binds the group to, or gives one that was restored this cluster's class.
func (t *target) ensureContent(ctx context.Context) error {
	if t.content == nil {
		provisioner := t.volume.Provisioner()
		content := &csiaddons.VolumeGroupReplicationContent{
			ObjectMeta: ownMeta("", contentName(t.key.Namespace, t.key.Name)),
			Spec: csiaddons.VolumeGroupReplicationContentSpec{
				Provisioner: provisioner, VolumeGroupReplicationClassName: t.class,
				Source: csiaddons.VolumeGroupReplicationContentSource{VolumeHandles: []string{}},
			},
		}
		if err := t.Client.Create(ctx, content); err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("creating VolumeGroupReplicationContent %s: %w", content.Name, err)
		}
		return nil
	}
	if t.content.Spec.VolumeGroupReplicationClassName == t.class {
		return nil
	}
	return t.patch(ctx, t.content, fmt.Appendf(nil, `{"spec":{"volumeGroupReplicationClassName":%q}}`, t.class))
}

// tell gives the group its role. A copy is promoted once it is whole.
func (t *target) tell(ctx context.Context, role csiaddons.ReplicationState, resync bool) error {
	was := t.vgr.Spec
	if was.ReplicationState == role && was.AutoResync == resync {
		return nil
	}
	if role == csiaddons.Primary && was.ReplicationState != role {
		if missing := t.unconfirmed(t.expected(t.volume.Rules.Epoch)); missing > 0 {
			return t.notYet(ctx, fmt.Sprintf("it has yet to take in %d of its volumes", missing))
		}
		if err := t.doubt(ctx); err != nil {
			return err
		}
	}
	patch := fmt.Appendf(nil, `{"spec":{"replicationState":%q,"autoResync":%t}}`, role, resync)
	return t.patch(ctx, t.vgr, patch)
}

// doubt makes csi-addons promote a group that it was told to demote and still takes for primary; see the same of volumes.
func (t *target) doubt(ctx context.Context) error {
	if t.vr == nil || t.vr.Status.State != csiaddons.PrimaryState {
		return nil
	}
	patch := fmt.Appendf(nil, `{"status":{"state":%q}}`, csiaddons.UnknownState)
	err := t.Client.Status().Patch(ctx, t.vr.DeepCopy(), client.RawPatch(types.MergePatchType, patch))
	return wrap(err, "making sure that VolumeReplication %s is promoted again", t.key)
}

// missing counts handles that no member's claim has; the volume itself has been labelled by now.
func (t *target) missing(handles []string) int {
	return t.without(handles, func(*corev1.PersistentVolumeClaim) bool { return true })
}

// unconfirmed counts handles of volumes that csi-addons does not have in the group yet.
func (t *target) unconfirmed(handles []string) int {
	return t.without(handles, func(pvc *corev1.PersistentVolumeClaim) bool { return t.lists(pvc) && t.confirms(pvc) })
}

func (t *target) without(handles []string, in func(*corev1.PersistentVolumeClaim) bool) int {
	found := map[string]bool{}
	for i := range t.members {
		if pvc := &t.members[i]; in(pvc) {
			found[t.handle(pvc)] = true
		}
	}
	if in(t.volume.PVC) {
		found[t.volume.Handle()] = true
	}
	missing := 0
	for _, handle := range handles {
		if !found[handle] {
			missing++
		}
	}
	return missing
}

func (t *target) handle(pvc *corev1.PersistentVolumeClaim) string {
	pv := &corev1.PersistentVolume{}
	if err := t.Reader.Get(context.Background(), client.ObjectKey{Name: pvc.Spec.VolumeName}, pv); err != nil || pv.Spec.CSI == nil {
		return ""
	}
	return pv.Spec.CSI.VolumeHandle
}

// notYet has csi-addons look at the group and its content, as a volume's coming alone would not make it.
func (t *target) notYet(ctx context.Context, why string) error {
	waiting := replication.NotYet(fmt.Sprintf("VolumeGroupReplication %s: %s", t.key, why))
	if !t.mayLook(t.key) {
		return waiting
	}
	if err := t.look(ctx, t.observed); err != nil {
		return err
	}
	if t.content != nil {
		if err := t.lookAtContent(ctx, t.content); err != nil {
			return err
		}
	}
	return waiting
}
