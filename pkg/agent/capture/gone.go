// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

// Gone returns which of the objects that an application was given in a namespace have been deleted since. It asks for each that
// was not collected: one that is there, and only left the selector or has run to its end, is not gone. Nor is one whose kind
// the cluster no longer has or the agent may not read, nor any while the whole namespace goes.
func (c *Collector) Gone(ctx context.Context, namespace string, given []archive.Name, collected *Collected) ([]archive.Name, error) {
	have := sets.New[archive.Name]()
	for _, o := range collected.Objects {
		have.Insert(o.Named())
	}
	missing := slices.DeleteFunc(slices.Clone(given), have.Has)
	if len(missing) == 0 {
		return nil, nil
	}
	gone := make([]bool, len(missing))
	group, each := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i, name := range missing {
		group.Go(func() (err error) {
			gone[i], err = c.deleted(each, namespace, name)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	// Asked last: a namespace's objects go once it says that it goes.
	if stays, err := c.stays(ctx, namespace); err != nil || !stays {
		return nil, err
	}
	var out []archive.Name
	for i, name := range missing {
		if gone[i] {
			out = append(out, name)
		}
	}
	return out, nil
}

// deleted tells whether an object is not there, or on its way out.
func (c *Collector) deleted(ctx context.Context, namespace string, name archive.Name) (bool, error) {
	resource, served := c.Resources.Served(schema.GroupResource{Group: name.Group, Resource: name.Resource})
	if !served {
		return false, nil
	}
	object, err := c.Client.Resource(resource).Namespace(namespace).Get(ctx, name.Name, metav1.GetOptions{})
	switch {
	case err == nil:
		return object.GetDeletionTimestamp() != nil, nil
	case apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse), apierrors.IsForbidden(err), apierrors.IsMethodNotSupported(err):
		// What is not found is the kind, or nobody can tell.
		return false, nil
	case apierrors.IsNotFound(err):
		return true, nil
	default:
		return false, fmt.Errorf("looking for %s in namespace %s: %w", name, namespace, err)
	}
}

// stays tells whether a namespace is there to stay.
func (c *Collector) stays(ctx context.Context, name string) (bool, error) {
	namespace, err := c.Client.Resource(corev1.SchemeGroupVersion.WithResource("namespaces")).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading Namespace %s: %w", name, err)
	}
	return namespace.GetDeletionTimestamp() == nil, nil
}
