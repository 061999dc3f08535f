// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilrand "k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/util/dryrun"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/failpoint"
)

// BeginREST serves the subresource that begins actions of one type: failover or relocate.
type BeginREST struct {
	verb
	actionType v1alpha1.ActionType
	sources    Sources
}

var (
	_ rest.NamedCreater                   = &BeginREST{}
	_ rest.GroupVersionKindProvider       = &BeginREST{}
	_ rest.SubresourceObjectMetaPreserver = &BeginREST{}
)

// NewBeginREST returns the subresource that begins actions of that type on the placements of main.
func NewBeginREST(main *REST, records Records, sources Sources, actionType v1alpha1.ActionType) *BeginREST {
	return &BeginREST{verb: verb{placements: main.Store, records: records, now: failpoint.Clock().Now}, actionType: actionType, sources: sources}
}

// Create begins the action, or refuses it and changes nothing. The answer is the DRAction: as it was accepted or, on a dry
// run, as it would be. The commit point is the one write that puts the action into the placement; the DRAction's own
// record follows from it, and the DRAction controller writes it if this process does not get to.
func (r *BeginREST) Create(ctx context.Context, name string, obj runtime.Object, createValidation rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	requested, err := admit(ctx, name, obj, createValidation, dr.ActionType(r.actionType))
	if err != nil {
		return nil, err
	}
	dryRun := dryrun.IsDryRun(options.DryRun)
	request := r.request(ctx, requested)

	var result *v1alpha1.DRAction
	err = r.update(ctx, name, requested.ObjectMeta, dryRun, func(placement *v1alpha1.DRPlacementControl) (err error) {
		result, err = r.begin(ctx, placement, request, dryRun)
		return err
	})
	var before *earlier
	switch {
	case errors.As(err, &before):
		return before.record, nil
	case err != nil:
		return nil, err
	}
	audit.AddAuditAnnotation(ctx, "dr.ramen.io/action", result.Name)
	if dryRun {
		return internalAction(result)
	}
	return r.records.keep(ctx, result)
}

func (r *BeginREST) request(ctx context.Context, requested *dr.DRAction) action.Request {
	return action.Request{
		Type:             r.actionType,
		Name:             requested.Name,
		TargetCluster:    requested.Spec.TargetCluster,
		Reason:           requested.Spec.Reason,
		Force:            requested.Spec.Force,
		RequestedBy:      userName(ctx),
		Acknowledgements: acknowledgements(requested),
		LeaveBehind:      requested.Spec.LeaveBehind,
	}
}

func acknowledgements(requested *dr.DRAction) (acknowledged []v1alpha1.Acknowledgement) {
	for _, ack := range requested.Spec.Acknowledgements {
		acknowledged = append(acknowledged, v1alpha1.Acknowledgement(ack))
	}
	return acknowledged
}

// begin judges the request by the facts and, unless it refuses or only tries, puts the action into the placement.
func (r *BeginREST) begin(ctx context.Context, placement *v1alpha1.DRPlacementControl, request action.Request, dryRun bool) (*v1alpha1.DRAction, error) {
	if err := r.refuseTakenName(ctx, placement, request); err != nil {
		return nil, err
	}
	facts, err := r.sources.gather(ctx, placement, r.now())
	if err != nil {
		return nil, err
	}
	record := action.Preflight(facts, request)
	if refusal := action.Refusal(record); refusal != nil {
		return nil, refusal
	}
	if current := placement.Status.CurrentAction; current == nil || current.Name != record.Name {
		if err := r.makeRoom(ctx, placement, &record, dryRun); err != nil {
			return nil, err
		}
	}
	if !dryRun {
		action.Accept(placement, record)
		record = *placement.Status.CurrentAction
	}
	return action.DRAction(placement, record), nil
}

// makeRoom prepares that a new action takes the place of the last one: the last one's record is final from then on, and
// the new one's name, if the server chose it, is not that of the record of an earlier placement of the same name.
func (r *BeginREST) makeRoom(ctx context.Context, placement *v1alpha1.DRPlacementControl, record *v1alpha1.ActionRecord, dryRun bool) error {
	taken, err := r.records.get(ctx, record.Name)
	if err != nil {
		return err
	}
	if taken != nil {
		record.Name += "-" + utilrand.String(5)
	}
	if dryRun || placement.Status.CurrentAction == nil {
		return nil
	}
	err = r.records.finish(ctx, action.DRAction(placement, *placement.Status.CurrentAction))
	recordFinished.Hit(placement.Namespace)
	return err
}

// earlier says that the request repeats an action that has ended and was followed by another one since.
type earlier struct{ record *dr.DRAction }

func (e *earlier) Error() string { return "DRAction " + e.record.Name + " has ended" }

// refuseTakenName keeps a requester's name from standing for two actions. If it is the name of an action that is no longer
// the placement's current one, but the same action, the answer is that one, as earlier.
func (r *BeginREST) refuseTakenName(ctx context.Context, placement *v1alpha1.DRPlacementControl, request action.Request) error {
	if request.Name == "" {
		return nil
	}
	if current := placement.Status.CurrentAction; current != nil && current.Name == request.Name {
		if !same(request, current.Spec.Type, current.Spec.TargetCluster) {
			return nameTaken(request.Name, current.Spec.Type, placement.Name, current.Spec.TargetCluster)
		}
		return nil
	}
	taken, err := r.records.get(ctx, request.Name)
	switch {
	case err != nil || taken == nil:
		return err
	case taken.Spec.DRPlacementControl == placement.Name && same(request, v1alpha1.ActionType(taken.Spec.Type), taken.Spec.TargetCluster):
		return &earlier{record: taken}
	default:
		return nameTaken(request.Name, v1alpha1.ActionType(taken.Spec.Type), taken.Spec.DRPlacementControl, taken.Spec.TargetCluster)
	}
}

func same(request action.Request, actionType v1alpha1.ActionType, target string) bool {
	return request.Type == actionType && (request.TargetCluster == "" || request.TargetCluster == target)
}

func nameTaken(name string, actionType v1alpha1.ActionType, placement, target string) error {
	return apierrors.NewConflict(dr.Resource("dractions"), name, fmt.Errorf(
		"that name is taken by a %s of %s to %s; choose another metadata.name, or leave it out", actionType, placement, target))
}
