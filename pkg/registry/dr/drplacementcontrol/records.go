// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"context"
	"fmt"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/klog/v2"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Records is where the DRActions are kept that record actions.
type Records struct {
	// Actions is the storage of DRActions.
	Actions interface {
		rest.Getter
		rest.Creater
	}
	// Status is the storage of their status.
	Status rest.Updater
}

// get returns the record of that name, nil if there is none.
func (r Records) get(ctx context.Context, name string) (*dr.DRAction, error) {
	obj, err := found(r.Actions.Get(r.context(ctx, ""), name, fromCache))
	if err != nil {
		return nil, fmt.Errorf("reading DRAction %s: %w", name, err)
	}
	if obj == nil {
		return nil, nil
	}
	return obj.(*dr.DRAction), nil
}

// keep sees to it that there is a record of the action and returns the action with the record's metadata. The action is
// accepted already, so that nothing that goes wrong here is the requester's concern: the DRAction controller does it again.
func (r Records) keep(ctx context.Context, result *v1alpha1.DRAction) (*dr.DRAction, error) {
	current, err := internalAction(result)
	if err != nil {
		return nil, err
	}
	actionAccepted.Hit(current.Namespace)
	// The requester hanging up is no reason to leave the record to somebody else.
	ctx = r.context(context.WithoutCancel(ctx), "")
	stored, err := r.Actions.Create(ctx, current.DeepCopy(), nil, &metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		stored, err = r.Actions.Get(ctx, current.Name, &metav1.GetOptions{})
	}
	if err != nil {
		klog.FromContext(ctx).Error(err, "The record of an accepted action is left to the DRAction controller",
			"namespace", current.Namespace, "draction", current.Name)
		return current, nil
	}
	actionRecorded.Hit(current.Namespace)
	current.ObjectMeta = stored.(*dr.DRAction).ObjectMeta
	return current, nil
}

// finish sees to it that the record of an ended action says how it ended, before the placement forgets.
func (r Records) finish(ctx context.Context, ended *v1alpha1.DRAction) error {
	final, err := internalAction(ended)
	if err != nil {
		return err
	}
	stored, err := r.get(ctx, final.Name)
	if err != nil {
		return err
	}
	if stored != nil && apiequality.Semantic.DeepEqual(stored.Status, final.Status) {
		return nil
	}
	// What was read may be out of date either way: the record may have come or gone since.
	err = apierrors.NewNotFound(dr.Resource("dractions"), final.Name)
	if stored != nil {
		err = r.overwriteStatus(ctx, final)
	}
	if apierrors.IsNotFound(err) {
		_, err = r.Actions.Create(r.context(ctx, ""), final.DeepCopy(), nil, &metav1.CreateOptions{})
	}
	if apierrors.IsAlreadyExists(err) {
		err = r.overwriteStatus(ctx, final)
	}
	if apierrors.IsInvalid(err) {
		// The record is final already, and says something else. That must not keep anybody from recovering.
		klog.FromContext(ctx).Error(err, "The record of an ended action is left as it is", "namespace", final.Namespace, "draction", final.Name)
		return nil
	}
	return err
}

func (r Records) overwriteStatus(ctx context.Context, final *dr.DRAction) error {
	toFinal := func(_ context.Context, _, stored runtime.Object) (runtime.Object, error) {
		updated := stored.DeepCopyObject().(*dr.DRAction)
		updated.Status = final.Status
		return updated, nil
	}
	_, _, err := r.Status.Update(r.context(ctx, "status"), final.Name, rest.DefaultUpdatedObjectInfo(nil, toFinal),
		nil, nil, false, &metav1.UpdateOptions{})
	return err
}

// context is that of a request for dractions: what a storage learns of the request it serves has to fit its kind.
func (Records) context(ctx context.Context, subresource string) context.Context {
	return genericapirequest.WithRequestInfo(ctx, &genericapirequest.RequestInfo{
		IsResourceRequest: true,
		APIGroup:          v1alpha1.GroupName,
		APIVersion:        v1alpha1.SchemeGroupVersion.Version,
		Namespace:         genericapirequest.NamespaceValue(ctx),
		Resource:          "dractions",
		Subresource:       subresource,
	})
}

func internalAction(action *v1alpha1.DRAction) (*dr.DRAction, error) {
	internal := &dr.DRAction{}
	return internal, v1alpha1.Convert_v1alpha1_DRAction_To_dr_DRAction(action, internal, nil)
}
