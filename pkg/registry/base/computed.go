// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package base

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/failpoint"
)

// Liveness tells which clusters' agents are connected.
type Liveness interface {
	Connected(cluster string, now time.Time) bool
}

// Reports are what the agents said last in VolumeReplicationGroups: of one namespace, or of all.
type Reports struct {
	Groups   []dr.VolumeReplicationGroup
	now      time.Time
	liveness Liveness
}

// NewReports returns what groups report as it is now.
func NewReports(groups []dr.VolumeReplicationGroup, liveness Liveness, now time.Time) *Reports {
	return &Reports{Groups: groups, now: now, liveness: liveness}
}

// Freshness is that of a group's report.
func (r *Reports) Freshness(group *dr.VolumeReplicationGroup) dr.Freshness {
	if r.liveness.Connected(group.Spec.ClusterName, r.now) {
		return dr.Fresh
	}
	return dr.Stale
}

// Behind is the time from then until now, in whole seconds; nil if there is no then.
func (r *Reports) Behind(then *metav1.Time) *metav1.Duration {
	if then == nil {
		return nil
	}
	return &metav1.Duration{Duration: max(0, r.now.Sub(then.Time)).Round(time.Second)}
}

// ComputedKind describes a kind to NewComputedREST.
type ComputedKind struct {
	// Plural and Singular are the resource's names, ShortNames what people type.
	Plural, Singular string
	ShortNames       []string
	// New and NewList return empty objects.
	New, NewList func() runtime.Object
	// Table renders it for people.
	Table rest.TableConvertor
	// Compute makes up the objects, in any order.
	Compute func(*Reports) []runtime.Object
}

// ComputedREST serves a kind that is made up from the reports of agents: get and list, and no watch, since time alone
// changes what it says.
type ComputedREST struct {
	rest.TableConvertor
	kind     ComputedKind
	groups   rest.Lister
	liveness Liveness
}

var (
	_ rest.Storage              = &ComputedREST{}
	_ rest.Getter               = &ComputedREST{}
	_ rest.Lister               = &ComputedREST{}
	_ rest.Scoper               = &ComputedREST{}
	_ rest.SingularNameProvider = &ComputedREST{}
	_ rest.ShortNamesProvider   = &ComputedREST{}
	_ rest.CategoriesProvider   = &ComputedREST{}
)

// NewComputedREST computes from the VolumeReplicationGroups that the lister has.
func NewComputedREST(kind ComputedKind, groups rest.Lister, liveness Liveness) *ComputedREST {
	return &ComputedREST{TableConvertor: kind.Table, kind: kind, groups: groups, liveness: liveness}
}

// New returns an empty object.
func (r *ComputedREST) New() runtime.Object { return r.kind.New() }

// NewList returns an empty list.
func (r *ComputedREST) NewList() runtime.Object { return r.kind.NewList() }

// Destroy does nothing: nothing is kept.
func (*ComputedREST) Destroy() {}

// NamespaceScoped is true: objects are listed with the groups that they are computed from.
func (*ComputedREST) NamespaceScoped() bool { return true }

// GetSingularName is the singular of the resource.
func (r *ComputedREST) GetSingularName() string { return r.kind.Singular }

// ShortNames are what people type.
func (r *ComputedREST) ShortNames() []string { return r.kind.ShortNames }

// Categories has `kubectl get dr` list the objects.
func (*ComputedREST) Categories() []string { return []string{"dr"} }

// Get returns one object.
func (r *ComputedREST) Get(ctx context.Context, name string, _ *metav1.GetOptions) (runtime.Object, error) {
	objects, _, err := r.objects(ctx, &metainternalversion.ListOptions{})
	if err != nil {
		return nil, err
	}
	for _, object := range objects {
		if object.(metav1.Object).GetName() == name {
			return object, nil
		}
	}
	return nil, apierrors.NewNotFound(dr.Resource(r.kind.Plural), name)
}

// List returns all objects at once: there is nothing to continue from. Its resourceVersion is that of the groups it was
// computed from.
func (r *ComputedREST) List(ctx context.Context, options *metainternalversion.ListOptions) (runtime.Object, error) {
	objects, version, err := r.objects(ctx, options)
	if err != nil {
		return nil, err
	}
	list := r.kind.NewList()
	list.(metav1.ListInterface).SetResourceVersion(version)
	return list, meta.SetList(list, objects)
}

// objects are those selected, sorted, and the version of what they are computed from.
func (r *ComputedREST) objects(ctx context.Context, options *metainternalversion.ListOptions) ([]runtime.Object, string, error) {
	if options == nil {
		options = &metainternalversion.ListOptions{}
	}
	// All groups, for what is said of one may follow from another's report too.
	source := &metainternalversion.ListOptions{ResourceVersion: options.ResourceVersion, ResourceVersionMatch: options.ResourceVersionMatch}
	listed, err := r.groups.List(ctx, source)
	if err != nil {
		return nil, "", err
	}
	groups := listed.(*dr.VolumeReplicationGroupList)
	objects := r.kind.Compute(NewReports(groups.Items, r.liveness, failpoint.Clock().Now()))
	objects = slices.DeleteFunc(objects, func(object runtime.Object) bool { return !selects(options, object.(metav1.Object)) })
	slices.SortFunc(objects, func(a, b runtime.Object) int {
		x, y := a.(metav1.Object), b.(metav1.Object)
		return cmp.Or(cmp.Compare(x.GetNamespace(), y.GetNamespace()), cmp.Compare(x.GetName(), y.GetName()))
	})
	return objects, groups.ResourceVersion, nil
}

// selects tells whether an object is asked for; other fields than name and namespace have been refused before.
func selects(options *metainternalversion.ListOptions, object metav1.Object) bool {
	if options.LabelSelector != nil && !options.LabelSelector.Matches(labels.Set(object.GetLabels())) {
		return false
	}
	return options.FieldSelector == nil ||
		options.FieldSelector.Matches(fields.Set{"metadata.name": object.GetName(), "metadata.namespace": object.GetNamespace()})
}

// ComputedMeta is the metadata of something that a group reports by a name of its own. It has the group's labels. Its UID
// tells it from all others, also from those that a group of the same name reported before: it follows from the group's UID
// and from what tells the thing from others of the group, so that whoever keeps objects by UID finds the same one each time.
func ComputedMeta(group *dr.VolumeReplicationGroup, name string, unique ...string) metav1.ObjectMeta {
	id := strings.Join(append([]string{string(group.UID)}, unique...), "/")
	return metav1.ObjectMeta{
		Name:              strings.Join([]string{group.Spec.ClusterName, group.Name, name}, "."),
		Namespace:         group.Namespace,
		UID:               types.UID(uuid.NewSHA1(uuid.NameSpaceURL, []byte(id)).String()),
		Labels:            group.Labels,
		ResourceVersion:   group.ResourceVersion,
		CreationTimestamp: group.CreationTimestamp,
	}
}
