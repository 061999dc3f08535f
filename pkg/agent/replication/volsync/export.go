// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"context"
	"fmt"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
)

// ServiceExport is the kind by which a Service is made known to other clusters.
var ServiceExport = schema.GroupVersionKind{Group: "multicluster.x-k8s.io", Version: "v1alpha1", Kind: "ServiceExport"}

// serviceExports are those of a namespace by name, whoever made them.
func (b *Backend) serviceExports(ctx context.Context, namespace string) (map[string]*unstructured.Unstructured, error) {
	if !b.Exports() {
		return nil, nil
	}
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(ServiceExport.GroupVersion().WithKind(ServiceExport.Kind + "List"))
	if err := b.Reader.List(ctx, list, client.InNamespace(namespace)); err != nil && !apimeta.IsNoMatchError(err) {
		return nil, fmt.Errorf("listing ServiceExports: %w", err)
	}
	exports := make(map[string]*unstructured.Unstructured, len(list.Items))
	for i := range list.Items {
		exports[list.Items[i].GetName()] = &list.Items[i]
	}
	return exports, nil
}

// exported tells whether the peer can know a destination by the name of its Service. The export of a former destination of
// the same name does not count, for it goes with that.
func (f *Facts) exported(rd *volsyncv1alpha1.ReplicationDestination) bool {
	export := f.ServiceExports[serviceName(rd.Name)]
	return export != nil && export.GetDeletionTimestamp() == nil && ownedByUID(export, rd.UID)
}

// address is where the peer reaches a destination: by the name of its Service if that is known there, else where the
// load balancer has it.
func (f *Facts) address(rd *volsyncv1alpha1.ReplicationDestination) string {
	switch {
	case rd.Status == nil || rd.Status.RsyncTLS == nil || rd.Status.RsyncTLS.Address == nil:
		return ""
	case !f.Exports:
		return *rd.Status.RsyncTLS.Address
	case f.exported(rd):
		return clusterSetName(rd.Namespace, rd.Name)
	default:
		return ""
	}
}

// addressAwaited says what a destination without an address waits for.
func (f *Facts) addressAwaited(rd *volsyncv1alpha1.ReplicationDestination) string {
	if f.Exports {
		return fmt.Sprintf("waits until Service %s is there and exported", serviceName(rd.Name))
	}
	return fmt.Sprintf("waits until Service %s has a load balancer's address", serviceName(rd.Name))
}

// addressFor is where the peer receives a volume; empty while that is not known.
func (p *planner) addressFor(claim string, rs *volsyncv1alpha1.ReplicationSource) string {
	if p.Spec != nil {
		for _, to := range p.Spec.Sources {
			if to.Name == claim && to.Address != "" && (rs != nil || !p.leadsHere(claim, to.Address)) {
				return to.Address
			}
		}
	}
	return addressOf(rs)
}

// leadsHere tells whether a name, which is the same on both clusters, may yet be that of what received here before: a volume
// that is sent to itself is lost.
func (f *Facts) leadsHere(claim, address string) bool {
	return address == clusterSetName(f.Group.Namespace, claim) && f.ServiceExports[serviceName(claim)] != nil
}

// export makes the Service of a destination known to the other cluster. If that of a former destination is there yet, it is
// deleted, its going is seen, and it is made again.
func (b *Backend) export(ctx context.Context, rd *volsyncv1alpha1.ReplicationDestination) error {
	export := &unstructured.Unstructured{}
	export.SetGroupVersionKind(ServiceExport)
	export.SetNamespace(rd.Namespace)
	export.SetName(serviceName(rd.Name))
	export.SetLabels(map[string]string{mark.ManagedBy: mark.Agent})
	export.SetOwnerReferences(ownedBy(rd))
	err := b.Client.Create(ctx, export)
	if !apierrors.IsAlreadyExists(err) {
		return wrap(err, "creating", export)
	}
	existing, err := b.exportOf(ctx, rd)
	if existing == nil {
		return err
	}
	if existing.GetLabels()[mark.ManagedBy] != mark.Agent {
		return fmt.Errorf("ServiceExport %s/%s exists and was not made by this agent; delete it, so that the volume can be received", rd.Namespace, export.GetName())
	}
	if ownedByUID(existing, rd.UID) {
		return nil
	}
	return b.unexport(ctx, existing)
}

// unexportOf deletes what made the Service of a destination known, before that goes. It would go with the destination; but that may
// take its time, until which no other destination of the name is known, and nothing can be sent by that name from here.
func (b *Backend) unexportOf(ctx context.Context, rd *volsyncv1alpha1.ReplicationDestination) error {
	if !b.Exports() {
		return nil
	}
	export, err := b.exportOf(ctx, rd)
	if export == nil || export.GetLabels()[mark.ManagedBy] != mark.Agent || !ownedByUID(export, rd.UID) {
		return err
	}
	return b.unexport(ctx, export)
}

// exportOf reads the ServiceExport of a destination's name, whoever made it; nil if there is none.
func (b *Backend) exportOf(ctx context.Context, rd *volsyncv1alpha1.ReplicationDestination) (*unstructured.Unstructured, error) {
	export := &unstructured.Unstructured{}
	export.SetGroupVersionKind(ServiceExport)
	err := b.Live.Get(ctx, client.ObjectKey{Namespace: rd.Namespace, Name: serviceName(rd.Name)}, export)
	if apierrors.IsNotFound(err) || apimeta.IsNoMatchError(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return export, nil
}

// unexport deletes a ServiceExport. Where the agent may not, it is left to the garbage collector.
func (b *Backend) unexport(ctx context.Context, export *unstructured.Unstructured) error {
	if err := b.delete(ctx, export); !apierrors.IsForbidden(err) {
		return err
	}
	return nil
}
