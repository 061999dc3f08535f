// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package protectedvolume

import (
	"cmp"
	"context"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/failpoint"
)

// Liveness tells which clusters' agents are connected.
type Liveness interface {
	Connected(cluster string, now time.Time) bool
}

// REST serves ProtectedVolumes: get and list, and no watch, since time alone changes what it says.
type REST struct {
	rest.TableConvertor
	groups   rest.Lister
	liveness Liveness
}

var (
	_ rest.Storage              = &REST{}
	_ rest.Getter               = &REST{}
	_ rest.Lister               = &REST{}
	_ rest.Scoper               = &REST{}
	_ rest.SingularNameProvider = &REST{}
	_ rest.ShortNamesProvider   = &REST{}
	_ rest.CategoriesProvider   = &REST{}
)

// NewREST computes from the groups that the lister has.
func NewREST(groups rest.Lister, liveness Liveness) *REST {
	return &REST{TableConvertor: newTable(), groups: groups, liveness: liveness}
}

// New returns an empty ProtectedVolume.
func (*REST) New() runtime.Object { return &dr.ProtectedVolume{} }

// NewList returns an empty list.
func (*REST) NewList() runtime.Object { return &dr.ProtectedVolumeList{} }

// Destroy does nothing: nothing is kept.
func (*REST) Destroy() {}

// NamespaceScoped is true: volumes are listed with the groups that report them.
func (*REST) NamespaceScoped() bool { return true }

// GetSingularName is the singular of the resource.
func (*REST) GetSingularName() string { return "protectedvolume" }

// ShortNames are what people type.
func (*REST) ShortNames() []string { return []string{"pvol"} }

// Categories has `kubectl get dr` list volumes.
func (*REST) Categories() []string { return []string{"dr"} }

// Get returns one volume.
func (r *REST) Get(ctx context.Context, name string, _ *metav1.GetOptions) (runtime.Object, error) {
	list, err := r.list(ctx, &metainternalversion.ListOptions{})
	if err != nil {
		return nil, err
	}
	for i := range list.Items {
		if list.Items[i].Name == name {
			return &list.Items[i], nil
		}
	}
	return nil, apierrors.NewNotFound(dr.Resource("protectedvolumes"), name)
}

// List returns all volumes at once: there is nothing to continue from. Its resourceVersion is that of the groups it was
// computed from.
func (r *REST) List(ctx context.Context, options *metainternalversion.ListOptions) (runtime.Object, error) {
	return r.list(ctx, options)
}

func (r *REST) list(ctx context.Context, options *metainternalversion.ListOptions) (*dr.ProtectedVolumeList, error) {
	source := &metainternalversion.ListOptions{}
	if options != nil {
		// The volumes have the labels of their group.
		source.LabelSelector = options.LabelSelector
		source.ResourceVersion, source.ResourceVersionMatch = options.ResourceVersion, options.ResourceVersionMatch
	}
	obj, err := r.groups.List(ctx, source)
	if err != nil {
		return nil, err
	}
	groups := obj.(*dr.VolumeReplicationGroupList)
	list := &dr.ProtectedVolumeList{ListMeta: metav1.ListMeta{ResourceVersion: groups.ResourceVersion}, Items: []dr.ProtectedVolume{}}
	now := failpoint.Clock().Now()
	for i := range groups.Items {
		list.Items = append(list.Items, selected(volumesOf(&groups.Items[i], r.freshness(&groups.Items[i], now), now), options)...)
	}
	slices.SortFunc(list.Items, func(a, b dr.ProtectedVolume) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return list, nil
}

func (r *REST) freshness(group *dr.VolumeReplicationGroup, now time.Time) dr.Freshness {
	if r.liveness.Connected(group.Spec.ClusterName, now) {
		return dr.Fresh
	}
	return dr.Stale
}

// selected keeps what the options' field selector selects; other fields than name and namespace have been refused before.
func selected(volumes []dr.ProtectedVolume, options *metainternalversion.ListOptions) []dr.ProtectedVolume {
	if options == nil || options.FieldSelector == nil || options.FieldSelector.Empty() {
		return volumes
	}
	return slices.DeleteFunc(volumes, func(v dr.ProtectedVolume) bool {
		return !options.FieldSelector.Matches(fields.Set{"metadata.name": v.Name, "metadata.namespace": v.Namespace})
	})
}
