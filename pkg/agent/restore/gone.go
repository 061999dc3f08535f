// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"fmt"
	"slices"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"

	"github.com/ramendr/dr-apiserver/pkg/agent/capture"
	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/parallel"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

// Removal is what became of objects that the application no longer has.
type Removal struct {
	// Deleted names those that were, and Left those that can't be, with the reason.
	Deleted, Left []string
}

// Remove deletes what a capture says was deleted where it was taken, and is still here from an earlier stay of the application.
// It comes before the restore of the others, so that nothing of it meets what is about to run. One that may not be deleted holds up
// nothing.
func (r *Restorer) Remove(ctx context.Context, owner types.NamespacedName, known sets.Set[types.UID], covers labels.Selector, content archive.Content) (*Removal, error) {
	removal, lock := &Removal{}, sync.Mutex{}
	var steps []func() error
	for _, name := range superseded(content) {
		steps = append(steps, func() error {
			deleted, err := r.remove(ctx, owner, known, covers, name)
			lock.Lock()
			defer lock.Unlock()
			switch {
			case apierrors.IsForbidden(err), apierrors.IsMethodNotSupported(err), apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
				removal.Left = append(removal.Left, fmt.Sprintf("%s (%v)", name, err))
				return nil
			case deleted:
				removal.Deleted = append(removal.Deleted, name.String())
			}
			return wrap(err, "deleting %s in namespace %s, which the application no longer has", name, owner.Namespace)
		})
	}
	err := parallel.Run(steps)
	slices.Sort(removal.Deleted)
	slices.Sort(removal.Left)
	return removal, err
}

// superseded are the objects that are gone, each once, but for any that the capture has all the same.
func superseded(content archive.Content) []archive.Name {
	has := sets.New[archive.Name]()
	for _, o := range content.Objects {
		has.Insert(o.Named())
	}
	var names []archive.Name
	for _, name := range content.Gone {
		if !has.Has(name) {
			has.Insert(name)
			names = append(names, name)
		}
	}
	return names
}

func (r *Restorer) remove(ctx context.Context, owner types.NamespacedName, known sets.Set[types.UID], covers labels.Selector, name archive.Name) (bool, error) {
	gvr, served := schema.GroupVersionResource{}, false
	if r.Served != nil {
		gvr, served = r.Served(schema.GroupResource{Group: name.Group, Resource: name.Resource})
	}
	if !served || name.Name == "" {
		return false, nil
	}
	resource := r.Dynamic.Resource(gvr).Namespace(owner.Namespace)
	object, err := resource.Get(ctx, name.Name, metav1.GetOptions{})
	if err != nil || !goes(owner, known, covers, object) {
		return false, ignoreNotFound(err)
	}
	err = resource.Delete(ctx, name.Name, metav1.DeleteOptions{
		Preconditions:     &metav1.Preconditions{UID: ptr.To(object.GetUID()), ResourceVersion: ptr.To(object.GetResourceVersion())},
		PropagationPolicy: ptr.To(metav1.DeletePropagationBackground),
	})
	if err == nil {
		klog.FromContext(ctx).Info("Deleted an object that the application no longer has", "volumeReplicationGroup", owner, "object", name.String(), "uid", object.GetUID())
	}
	return err == nil, ignoreNotFound(err)
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// goes tells whether an object that the application no longer has is its own still, and nobody else's: restored for owner before,
// or known from when it ran here.
func goes(owner types.NamespacedName, known sets.Set[types.UID], covers labels.Selector, o *unstructured.Unstructured) bool {
	holder := o.GetAnnotations()[mark.Owner]
	own := holder == owner.String() || holder == "" && known.Has(o.GetUID())
	return own && len(o.GetOwnerReferences()) == 0 && capture.Belongs(o) && covers.Matches(labels.Set(o.GetLabels()))
}
