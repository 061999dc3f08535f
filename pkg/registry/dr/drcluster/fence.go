// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drcluster

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/operation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/audit"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	storeerr "k8s.io/apiserver/pkg/storage/errors"
	"k8s.io/apiserver/pkg/util/dryrun"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/failpoint"
	"github.com/ramendr/dr-apiserver/pkg/fencing"
)

// FenceREST serves the subresource that has a cluster fenced off from storage, or the one that has it let back.
type FenceREST struct {
	clusters *registry.Store
	sources  Sources
	state    v1alpha1.FenceState
	now      func() time.Time
}

var (
	_ rest.NamedCreater                   = &FenceREST{}
	_ rest.GroupVersionKindProvider       = &FenceREST{}
	_ rest.SubresourceObjectMetaPreserver = &FenceREST{}
)

// NewFenceREST returns the subresource that asks for a state of the clusters of main.
func NewFenceREST(main *REST, sources Sources, state v1alpha1.FenceState) *FenceREST {
	return &FenceREST{clusters: main.Store, sources: sources, state: state, now: failpoint.Clock().Now}
}

// New returns the empty ClusterFence that a request's body is read into.
func (*FenceREST) New() runtime.Object { return &dr.ClusterFence{} }

// Destroy does nothing: the cluster's own storage cleans up.
func (*FenceREST) Destroy() {}

// GroupVersionKind says that the subresource speaks of ClusterFences.
func (*FenceREST) GroupVersionKind(schema.GroupVersion) schema.GroupVersionKind {
	return v1alpha1.SchemeGroupVersion.WithKind("ClusterFence")
}

// PreserveRequestObjectMetaSystemFieldsOnSubresourceCreate keeps the UID of a request's body, a precondition.
func (*FenceREST) PreserveRequestObjectMetaSystemFieldsOnSubresourceCreate() bool { return true }

// Create accepts the request by one guarded write of the DRCluster's status, or refuses it and changes nothing. On a dry run
// the answer is what would be recorded.
func (r *FenceREST) Create(ctx context.Context, name string, obj runtime.Object, createValidation rest.ValidateObjectFunc,
	options *metav1.CreateOptions,
) (runtime.Object, error) {
	asked, err := admitFence(ctx, name, obj, createValidation)
	if err != nil {
		return nil, err
	}
	dryRun := dryrun.IsDryRun(options.DryRun)
	var answer *v1alpha1.ClusterFence
	err = r.update(ctx, name, asked.ObjectMeta, dryRun, func(cluster *v1alpha1.DRCluster) (err error) {
		answer, err = r.judge(ctx, cluster, asked)
		return err
	})
	if err != nil {
		return nil, err
	}
	if number := answer.Status.Request; number != nil {
		audit.AddAuditAnnotation(ctx, "dr.ramen.io/fence-request", fmt.Sprint(number.Number))
	}
	internal := &dr.ClusterFence{}
	return internal, v1alpha1.Convert_v1alpha1_ClusterFence_To_dr_ClusterFence(answer, internal, nil)
}

// admitFence returns the request once admission and validation have let it pass.
func admitFence(ctx context.Context, name string, obj runtime.Object, createValidation rest.ValidateObjectFunc) (*v1alpha1.ClusterFence, error) {
	requested, ok := obj.(*dr.ClusterFence)
	if !ok {
		return nil, apierrors.NewBadRequest("the body is no ClusterFence")
	}
	versioned := &v1alpha1.ClusterFence{}
	if err := v1alpha1.Convert_dr_ClusterFence_To_v1alpha1_ClusterFence(requested.DeepCopy(), versioned, nil); err != nil {
		return nil, err
	}
	errs := v1alpha1.Validate_ClusterFenceSpec(ctx, operation.Operation{Type: operation.Create}, field.NewPath("spec"), &versioned.Spec, nil)
	if requested.Name != "" && requested.Name != name {
		errs = append(errs, field.Invalid(field.NewPath("metadata", "name"), requested.Name,
			fmt.Sprintf("is not the DRCluster in the request's address, %s; leave it out", name)))
	}
	if len(errs) > 0 {
		return nil, apierrors.NewInvalid(dr.Kind("ClusterFence"), name, errs)
	}
	if createValidation != nil {
		if err := createValidation(ctx, requested.DeepCopyObject()); err != nil {
			return nil, err
		}
	}
	return versioned, nil
}

// judge judges the request by the facts and puts it into the cluster's status, unless it refuses.
func (r *FenceREST) judge(ctx context.Context, cluster *v1alpha1.DRCluster, asked *v1alpha1.ClusterFence) (*v1alpha1.ClusterFence, error) {
	facts, err := r.sources.gather(ctx, cluster, r.now())
	if err != nil {
		return nil, err
	}
	status := fencing.Preflight(facts, fencing.Asked{State: r.state, Spec: asked.Spec, RequestedBy: userName(ctx)})
	if refusal := fencing.Refusal(cluster.Name, r.state, status.Checks); refusal != nil {
		return nil, refusal
	}
	fencing.Accept(cluster, status)
	return &v1alpha1.ClusterFence{ObjectMeta: metav1.ObjectMeta{Name: cluster.Name}, Spec: asked.Spec, Status: status}, nil
}

// update changes the cluster in one guarded update. The change may be called several times, each time with the newest
// cluster; what it returns an error for is not stored. The body's UID and resourceVersion, if any, have to be the cluster's.
func (r *FenceREST) update(ctx context.Context, name string, body metav1.ObjectMeta, dryRun bool, change func(*v1alpha1.DRCluster) error) error {
	key, err := r.clusters.KeyFunc(ctx, name)
	if err != nil {
		return err
	}
	conditions := &storage.Preconditions{}
	if body.UID != "" {
		conditions.UID = &body.UID
	}
	if body.ResourceVersion != "" {
		conditions.ResourceVersion = &body.ResourceVersion
	}
	tryUpdate := storage.SimpleUpdate(func(obj runtime.Object) (runtime.Object, error) {
		cluster := &v1alpha1.DRCluster{}
		// The conversion shares memory, and what is stored must not change under the storage's feet.
		if err := v1alpha1.Convert_dr_DRCluster_To_v1alpha1_DRCluster(obj.(*dr.DRCluster).DeepCopy(), cluster, nil); err != nil {
			return nil, err
		}
		if err := change(cluster); err != nil {
			return nil, err
		}
		fenceAccept.Hit(cluster.Name)
		updated := &dr.DRCluster{}
		return updated, v1alpha1.Convert_v1alpha1_DRCluster_To_dr_DRCluster(cluster, updated, nil)
	})
	err = r.clusters.Storage.GuaranteedUpdate(ctx, key, &dr.DRCluster{}, false, conditions, tryUpdate, dryRun, nil)
	if err == nil && !dryRun {
		fenceAccepted.Hit(name)
	}
	return storeerr.InterpretUpdateError(err, dr.Resource("drclusters"), name)
}

func userName(ctx context.Context) string {
	if user, ok := genericapirequest.UserFrom(ctx); ok {
		return user.GetName()
	}
	return ""
}
