// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"cmp"
	"context"
	"errors"
	"slices"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/replication/volsync"
	"github.com/ramendr/dr-apiserver/pkg/agent/served"
)

// observeVolSync gathers what there is of a group's replication by VolSync.
func (a *Agent) observeVolSync(ctx context.Context, f *Facts) error {
	if a.volsync == nil {
		return nil
	}
	rules, err := rulesOf(f)
	if err != nil {
		return err
	}
	if f.VolSync, err = a.volsync.Observe(ctx, rules, f.spec().VolSync); err != nil {
		return err
	}
	for i := range f.Volumes {
		if v := &f.Volumes[i]; f.sentByVolSync(v) {
			claim := a.volsync.Claim(v.Volume, v.Method, v.Class)
			claim.Bound = v.bound() && !v.going()
			f.VolSync.Claims = append(f.VolSync.Claims, claim)
			f.heldBy(v, claim)
		}
	}
	return nil
}

// heldBy notes what a volume waits for before it is sent or received.
func (f *Facts) heldBy(v *Volume, claim volsync.Claim) {
	if v.State == nil {
		return
	}
	held := f.VolSync.HeldBy(claim, volsync.Command{Spec: f.spec().VolSync, Left: f.leftHere(), Epoch: f.spec().Epoch})
	v.State.Message = cmp.Or(held, v.State.Message)
}

// replicationKey gets a group's key from the hub.
func (h *hub) replicationKey(ctx context.Context, group types.NamespacedName) (string, error) {
	key, err := h.client.DrV1alpha1().VolumeReplicationGroups(group.Namespace).GetReplicationKey(ctx, group.Name, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	return key.Key, nil
}

// watchVolSync has groups looked at when something of VolSync's changes. It may be installed later.
func (a *Agent) watchVolSync() error {
	byNamespace := func(object client.Object) { a.enqueueNamespace(object.GetNamespace(), false) }
	needed := []struct {
		object  client.Object
		changed func(client.Object)
	}{
		{&volsyncv1alpha1.ReplicationSource{}, byNamespace},
		{&volsyncv1alpha1.ReplicationDestination{}, byNamespace},
		{&snapshotv1.VolumeSnapshot{}, byNamespace},
		{&snapshotv1.VolumeSnapshotClass{}, func(client.Object) { a.enqueueAll() }},
	}
	var kinds []*served.Kind
	for _, n := range needed {
		kind, err := a.kinds.Watch(n.changed, n.object)
		if err != nil {
			return err
		}
		kinds = append(kinds, kind)
	}
	export := &unstructured.Unstructured{}
	export.SetGroupVersionKind(volsync.ServiceExport)
	exports, err := a.kinds.Watch(byNamespace, export)
	if err != nil {
		return err
	}
	objects := func(kind string) []client.Object {
		var versions []client.Object
		for _, object := range volsync.GroupSnapshotVersions(kind) {
			versions = append(versions, object)
		}
		return versions
	}
	groups, errGroups := a.kinds.Watch(byNamespace, objects("VolumeGroupSnapshot")...)
	classes, errClasses := a.kinds.Watch(func(client.Object) { a.enqueueAll() }, objects("VolumeGroupSnapshotClass")...)
	if err := errors.Join(errGroups, errClasses); err != nil {
		return err
	}
	a.volsync.Groups = func() (schema.GroupVersionKind, bool) {
		version, there := groups.Version()
		return version, there && !missing(classes)
	}
	a.volsync.Present = func() bool { return !slices.ContainsFunc(kinds, missing) }
	a.volsync.Exports = func() bool { return !missing(exports) }
	return nil
}

// missing tells whether the cluster does not serve a kind.
func missing(kind *served.Kind) bool {
	_, there := kind.Version()
	return !there
}
