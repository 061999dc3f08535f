// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/util/dryrun"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/failpoint"
)

// AbortREST serves the subresource that takes back the action under way.
type AbortREST struct {
	verb
}

var (
	_ rest.NamedCreater                   = &AbortREST{}
	_ rest.GroupVersionKindProvider       = &AbortREST{}
	_ rest.SubresourceObjectMetaPreserver = &AbortREST{}
)

// NewAbortREST returns the subresource for the placements of main.
func NewAbortREST(main *REST, records Records) *AbortREST {
	return &AbortREST{verb: verb{placements: main.Store, records: records, now: failpoint.Clock().Now}}
}

// Create takes back the action under way, or refuses to and changes nothing. Of the body only metadata.name, if given,
// spec.reason and spec.acknowledgements count. The answer is the DRAction that is being aborted.
func (r *AbortREST) Create(ctx context.Context, name string, obj runtime.Object, createValidation rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	requested, err := admit(ctx, name, obj, createValidation, "")
	if err != nil {
		return nil, err
	}
	dryRun := dryrun.IsDryRun(options.DryRun)
	var result *v1alpha1.DRAction
	err = r.update(ctx, name, requested.ObjectMeta, dryRun, func(placement *v1alpha1.DRPlacementControl) error {
		if err := refuseOtherAction(placement, requested.Name); err != nil {
			return err
		}
		if err := action.Abort(placement, userName(ctx), requested.Spec.Reason, r.now(), acknowledgements(requested)...); err != nil {
			return err
		}
		result = action.DRAction(placement, *placement.Status.CurrentAction)
		return nil
	})
	if err != nil {
		return nil, err
	}
	audit.AddAuditAnnotation(ctx, "dr.ramen.io/action", result.Name)
	if dryRun {
		return internalAction(result)
	}
	return r.records.keep(ctx, result)
}

// refuseOtherAction keeps somebody who names an action from aborting another one.
func refuseOtherAction(placement *v1alpha1.DRPlacementControl, name string) error {
	current := placement.Status.CurrentAction
	if name == "" || current == nil || current.Name == name {
		return nil
	}
	return apierrors.NewConflict(dr.Resource("dractions"), name, fmt.Errorf(
		"it is not the current action of DRPlacementControl %s, %s is; name that one, or leave metadata.name out", placement.Name, current.Name))
}
