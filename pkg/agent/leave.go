// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// markCopy notes on a claim that it is a copy of what the group has elsewhere.
func (a *Agent) markCopy(ctx context.Context, key types.NamespacedName, v *Volume) error {
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, mark.CopyOf, key.String())
	if err := a.local.Patch(ctx, v.PVC.DeepCopy(), client.RawPatch(types.MergePatchType, patch)); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("noting that PersistentVolumeClaim %s is a copy: %w", v.Key(), err)
	}
	return nil
}

// markObjects notes on the objects that an application left behind here, when it moved to the peer, whose they are: the
// checkpoint that knows them is about to go. A group that is created later may bring them up to date when it restores.
func (a *Agent) markObjects(ctx context.Context, f *Facts) error {
	if f.Checkpoint == nil || f.Checkpoint.Current().State != v1alpha1.Secondary || len(f.Checkpoint.Objects) == 0 {
		return nil
	}
	collected, err := a.collect(ctx, f)
	if err != nil {
		return fmt.Errorf("collecting what stays behind: %w", err)
	}
	known := sets.New(f.Checkpoint.Objects...)
	for i, o := range collected.Objects {
		if o.Object.GetNamespace() == "" || !known.Has(collected.UIDs[i]) {
			continue
		}
		resource := o.Object.GroupVersionKind().GroupVersion().WithResource(o.Resource)
		patch := fmt.Appendf(nil, `{"metadata":{"uid":%q,"annotations":{%q:%q}}}`, collected.UIDs[i], mark.Owner, f.Key.String())
		_, err := a.collector.Client.Resource(resource).Namespace(f.Key.Namespace).
			Patch(ctx, o.Object.GetName(), types.MergePatchType, patch, metav1.PatchOptions{FieldManager: mark.Agent})
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			return fmt.Errorf("marking %s %s/%s: %w", o.Object.GetKind(), f.Key.Namespace, o.Object.GetName(), err)
		}
	}
	return nil
}
