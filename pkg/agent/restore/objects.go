// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/dynamic"

	"github.com/ramendr/dr-apiserver/pkg/agent/capture"
	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/parallel"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

// Ranks are the order in which objects are restored: what others need comes first, what runs comes last but for what
// watches over it.
const (
	rankAccess = iota
	rankData
	rankServices
	rankWorkloads
	rankRest
	ranks
)

func rank(o archive.Object) int {
	switch o.Object.GroupVersionKind().GroupKind() {
	case schema.GroupKind{Kind: "ServiceAccount"},
		schema.GroupKind{Group: "rbac.authorization.k8s.io", Kind: "Role"},
		schema.GroupKind{Group: "rbac.authorization.k8s.io", Kind: "RoleBinding"}:
		return rankAccess
	case schema.GroupKind{Kind: "ConfigMap"}, schema.GroupKind{Kind: "Secret"}:
		return rankData
	case schema.GroupKind{Kind: "Service"}:
		return rankServices
	case schema.GroupKind{Group: "apps", Kind: "Deployment"}, schema.GroupKind{Group: "apps", Kind: "StatefulSet"},
		schema.GroupKind{Group: "apps", Kind: "DaemonSet"}, schema.GroupKind{Group: "apps", Kind: "ReplicaSet"},
		schema.GroupKind{Group: "batch", Kind: "Job"}, schema.GroupKind{Group: "batch", Kind: "CronJob"},
		schema.GroupKind{Kind: "Pod"}, schema.GroupKind{Kind: "ReplicationController"}:
		return rankWorkloads
	default:
		return rankRest
	}
}

// Namespace returns the captured namespace object, or nil.
func Namespace(objects []archive.Object) *archive.Object {
	for i := range objects {
		if isNamespace(objects[i]) {
			return &objects[i]
		}
	}
	return nil
}

func isNamespace(o archive.Object) bool {
	return o.Object.GroupVersionKind().GroupKind() == schema.GroupKind{Kind: "Namespace"}
}

// Objects creates the application's objects for owner, those of one rank at once. One that exists is brought to the
// captured state if it is the application's own: restored for owner before, or one of known. Else it must be like the
// captured one already, or the error names it; the others are restored nevertheless.
func (r *Restorer) Objects(ctx context.Context, owner types.NamespacedName, known sets.Set[types.UID], objects []archive.Object) error {
	var byRank [ranks][]archive.Object
	for _, o := range objects {
		if !isNamespace(o) {
			byRank[rank(o)] = append(byRank[rank(o)], o)
		}
	}
	var errs []error
	for _, same := range byRank {
		steps := make([]func() error, len(same))
		for i, o := range same {
			steps[i] = func() error {
				err := r.object(ctx, owner, known, o)
				objectRestored.Hit(owner.Namespace)
				return err
			}
		}
		errs = append(errs, parallel.Run(steps))
	}
	return errors.Join(errs...)
}

func (r *Restorer) object(ctx context.Context, owner types.NamespacedName, known sets.Set[types.UID], o archive.Object) error {
	if err := checkObject(owner, o); err != nil {
		return err
	}
	gvr := o.Object.GroupVersionKind().GroupVersion().WithResource(o.Resource)
	resource := r.Dynamic.Resource(gvr).Namespace(o.Object.GetNamespace())
	wanted := o.Object.DeepCopy()
	wanted.SetAnnotations(with(wanted.GetAnnotations(), mark.Owner, owner.String()))
	if r.Exists == nil || !r.Exists(gvr, wanted.GetNamespace(), wanted.GetName()) {
		_, err := resource.Create(ctx, wanted, metav1.CreateOptions{FieldManager: mark.Agent})
		if !apierrors.IsAlreadyExists(err) {
			return wrap(err, "creating %s", name(wanted))
		}
	}
	existing, err := resource.Get(ctx, wanted.GetName(), metav1.GetOptions{})
	if err != nil {
		return wrap(err, "reading %s", name(wanted))
	}
	patch, err := difference(existing, o.Object)
	if err != nil {
		return wrap(err, "comparing %s", name(wanted))
	}
	ours := existing.GetAnnotations()[mark.Owner] == owner.String() || known.Has(existing.GetUID())
	switch {
	case string(patch) == "{}" && existing.GetAnnotations()[mark.Replicas] == "":
		return nil
	case !ours:
		return conflictf("%s exists, differs from the captured one and is not the application's own; delete it, or take it out of the selector", name(existing))
	default:
		return r.update(ctx, resource, owner, existing, patch)
	}
}

func (r *Restorer) update(ctx context.Context, resource dynamic.ResourceInterface, owner types.NamespacedName, existing *unstructured.Unstructured, patch []byte) error {
	marked, err := jsonpatch.MergeMergePatches(patch, fmt.Appendf(nil,
		`{"metadata":{"resourceVersion":%q,"annotations":{%q:%q,%q:null}}}`, existing.GetResourceVersion(), mark.Owner, owner.String(), mark.Replicas))
	if err != nil {
		return wrap(err, "comparing %s", name(existing))
	}
	_, err = resource.Patch(ctx, existing.GetName(), types.MergePatchType, marked, metav1.PatchOptions{FieldManager: mark.Agent})
	if apierrors.IsInvalid(err) {
		return conflictf("%s exists and can't be brought to the captured state (%v); delete it", name(existing), err)
	}
	return wrap(err, "updating %s", name(existing))
}

// difference is the merge patch from an existing object to the captured one, as far as captures go. The scale counts as
// it is, for a stopped workload must run again.
func difference(existing, captured *unstructured.Unstructured) ([]byte, error) {
	existing = existing.DeepCopy()
	annotations := existing.GetAnnotations()
	delete(annotations, mark.Replicas)
	existing.SetAnnotations(annotations)
	from, err := json.Marshal(capture.Clean(existing))
	if err != nil {
		return nil, err
	}
	to, err := json.Marshal(captured)
	if err != nil {
		return nil, err
	}
	return jsonpatch.CreateMergePatch(from, to)
}

func name(o *unstructured.Unstructured) string {
	return fmt.Sprintf("%s %s/%s", o.GetKind(), o.GetNamespace(), o.GetName())
}
