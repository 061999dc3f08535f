// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volumegroupreplication

import (
	"context"
	"fmt"
	"slices"
	"strings"

	csiaddons "github.com/csi-addons/kubernetes-csi-addons/api/replication.storage/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

// resource is what captures know the contents by.
const resource = "volumegroupreplicationcontents"

// Carried implements replication.Carrier: the content of each group, which has the handle that the storage knows it by, with
// those of the volumes that are in it.
func (b *Backend) Carried(ctx context.Context, volumes []replication.Volume) ([]archive.Object, error) {
	contents := map[string]*csiaddons.VolumeGroupReplicationContent{}
	for _, v := range volumes {
		group := v.PVC.Labels[mark.VolumeGroup]
		if group == "" {
			continue
		}
		o, err := b.observe(ctx, v.PVC.Namespace, group)
		if err != nil {
			return nil, err
		}
		if o.content == nil || !o.confirms(v.PVC) {
			continue
		}
		if contents[group] == nil {
			contents[group] = captured(group, o.content)
		}
		source := &contents[group].Spec.Source
		source.VolumeHandles = append(source.VolumeHandles, v.Handle())
	}
	var out []archive.Object
	for _, group := range slices.Sorted(keys(contents)) {
		slices.Sort(contents[group].Spec.Source.VolumeHandles)
		object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(contents[group])
		if err != nil {
			return nil, fmt.Errorf("encoding VolumeGroupReplicationContent %s: %w", contents[group].Name, err)
		}
		out = append(out, archive.Object{Resource: resource, Object: &unstructured.Unstructured{Object: object}})
	}
	return out, nil
}

func keys(contents map[string]*csiaddons.VolumeGroupReplicationContent) func(func(string) bool) {
	return func(yield func(string) bool) {
		for group := range contents {
			if !yield(group) {
				return
			}
		}
	}
}

// captured is what of a content is true on every cluster.
func captured(group string, content *csiaddons.VolumeGroupReplicationContent) *csiaddons.VolumeGroupReplicationContent {
	out := &csiaddons.VolumeGroupReplicationContent{ObjectMeta: ownMeta("", content.Name)}
	out.APIVersion, out.Kind = csiaddons.GroupVersion.String(), "VolumeGroupReplicationContent"
	out.Annotations = map[string]string{mark.VolumeGroup: group}
	out.Spec = csiaddons.VolumeGroupReplicationContentSpec{
		VolumeGroupReplicationHandle:    content.Spec.VolumeGroupReplicationHandle,
		Provisioner:                     content.Spec.Provisioner,
		VolumeGroupReplicationClassName: content.Spec.VolumeGroupReplicationClassName,
		VolumeGroupAttributes:           content.Spec.VolumeGroupAttributes,
	}
	return out
}

// Receive implements replication.Carrier. What csi-addons needs to go on with a group it did not make is its content, bound to
// nothing, before the VolumeGroupReplication that names it.
func (b *Backend) Receive(ctx context.Context, rules replication.Rules, carried []archive.Object, without sets.Set[string]) error {
	for _, object := range carried {
		if object.Resource != resource {
			continue
		}
		content := &csiaddons.VolumeGroupReplicationContent{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object.Object, content); err != nil {
			return fmt.Errorf("the captured VolumeGroupReplicationContent %s can't be read: %w", object.Object.GetName(), err)
		}
		if err := b.receive(ctx, rules, content, without); err != nil {
			return err
		}
	}
	return nil
}

func (b *Backend) receive(ctx context.Context, rules replication.Rules, content *csiaddons.VolumeGroupReplicationContent, without sets.Set[string]) error {
	group := content.Annotations[mark.VolumeGroup]
	if content.Name != contentName(rules.Group.Namespace, group) {
		return fmt.Errorf("the captured VolumeGroupReplicationContent %s is not of namespace %s", content.Name, rules.Group.Namespace)
	}
	if content.Spec.VolumeGroupReplicationHandle == "" || len(content.Spec.Source.VolumeHandles) == 0 {
		return fmt.Errorf("the captured VolumeGroupReplicationContent %s names no group of volumes", content.Name)
	}
	content.Spec.Source.VolumeHandles = slices.DeleteFunc(content.Spec.Source.VolumeHandles, without.Has)
	if len(content.Spec.Source.VolumeHandles) == 0 {
		return b.dismiss(ctx, content.Name)
	}
	expected := strings.Join(content.Spec.Source.VolumeHandles, ",")
	fresh := captured(group, content)
	fresh.Annotations[mark.Restored], fresh.Annotations[mark.VolumeHandles] = fmt.Sprint(rules.Epoch), expected
	fresh.Spec.Source.VolumeHandles = content.Spec.Source.VolumeHandles
	err := b.Client.Create(ctx, fresh)
	if !apierrors.IsAlreadyExists(err) {
		return wrap(err, "restoring VolumeGroupReplicationContent %s", content.Name)
	}
	there := &csiaddons.VolumeGroupReplicationContent{}
	if err := b.Client.Get(ctx, client.ObjectKey{Name: content.Name}, there); err != nil {
		return fmt.Errorf("reading VolumeGroupReplicationContent %s: %w", content.Name, err)
	}
	if was := there.Spec.VolumeGroupReplicationHandle; was != "" && was != content.Spec.VolumeGroupReplicationHandle {
		return fmt.Errorf("VolumeGroupReplicationContent %s exists and is another group (%q, not %q); delete it",
			content.Name, was, content.Spec.VolumeGroupReplicationHandle)
	}
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q,%q:%q}},"spec":{"volumeGroupReplicationHandle":%q}}`,
		mark.Restored, fmt.Sprint(rules.Epoch), mark.VolumeHandles, expected, content.Spec.VolumeGroupReplicationHandle)
	return b.patch(ctx, there, patch)
}

// dismiss has nothing expected any more of a group that was received, and of which no volume is restored.
func (b *Backend) dismiss(ctx context.Context, content string) error {
	received := &csiaddons.VolumeGroupReplicationContent{}
	if err := b.Client.Get(ctx, client.ObjectKey{Name: content}, received); err != nil || received.Annotations[mark.Restored] == "" {
		return wrap(client.IgnoreNotFound(err), "reading VolumeGroupReplicationContent %s", content)
	}
	return b.patch(ctx, received, fmt.Appendf(nil, `{"metadata":{"annotations":{%q:null,%q:null}}}`, mark.Restored, mark.VolumeHandles))
}
