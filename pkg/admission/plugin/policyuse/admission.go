// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package policyuse admits a DRPlacementControl only under a DRPolicy that exists, that its writer may use, and that is
// between the clusters it names.
package policyuse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/ramendr/dr-apiserver/pkg/admission/drinitializer"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// PluginName is what admission flags call the plugin.
const PluginName = "DRPolicyUse"

// Verb is what RBAC has to allow on a drpolicies object, for the namespace or everywhere, for its use.
const Verb = "use"

// Register makes the plugin known.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(io.Reader) (admission.Interface, error) { return New(), nil })
}

// Plugin is the admission plugin.
type Plugin struct {
	*admission.Handler
	authorizer authorizer.Authorizer
	objects    drinitializer.Objects
}

var (
	_ admission.ValidationInterface = &Plugin{}
	_ initializer.WantsAuthorizer   = &Plugin{}
	_ drinitializer.WantsObjects    = &Plugin{}
)

// New returns the plugin.
func New() *Plugin {
	return &Plugin{Handler: admission.NewHandler(admission.Create, admission.Update)}
}

// SetAuthorizer sets who is asked what the writer may do.
func (p *Plugin) SetAuthorizer(a authorizer.Authorizer) { p.authorizer = a }

// SetObjects sets where policies are looked up.
func (p *Plugin) SetObjects(o drinitializer.Objects) { p.objects = o }

// ValidateInitialization says what the plugin can't do without.
func (p *Plugin) ValidateInitialization() error {
	if p.authorizer == nil || p.objects == nil {
		return errors.New(PluginName + " needs an authorizer and the DRPolicies")
	}
	return nil
}

// Validate judges what is new about a DRPlacementControl: one whose policy and clusters are as they were is let pass.
func (p *Plugin) Validate(ctx context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	placement, ok := a.GetObject().(*dr.DRPlacementControl)
	if !ok || a.GetResource().GroupResource() != dr.Resource("drplacementcontrols") || a.GetSubresource() != "" {
		return nil
	}
	before, _ := a.GetOldObject().(*dr.DRPlacementControl)
	if before != nil && sameReferences(&placement.Spec, &before.Spec) {
		return nil
	}
	name := placement.Spec.DRPolicyRef.Name
	if before == nil || before.Spec.DRPolicyRef.Name != name {
		if err := p.mayUse(ctx, a, name); err != nil {
			return err
		}
	}
	policy, err := p.objects.Policy(ctx, name)
	if err != nil && !apierrors.IsNotFound(err) {
		return apierrors.NewServiceUnavailable(fmt.Sprintf("whether there is a DRPolicy %s can't be found out: %v", name, err))
	}
	if errs := refuse(&placement.Spec, policy); len(errs) > 0 {
		return apierrors.NewInvalid(dr.Kind("DRPlacementControl"), placement.Name, errs)
	}
	return nil
}

func sameReferences(spec, before *dr.DRPlacementControlSpec) bool {
	return spec.DRPolicyRef.Name == before.DRPolicyRef.Name &&
		spec.PreferredCluster == before.PreferredCluster && spec.FailoverCluster == before.FailoverCluster
}

// mayUse asks for the permission in the placement's namespace, so that it can be given there as well as everywhere. It comes
// before anything is said of the policy.
func (p *Plugin) mayUse(ctx context.Context, a admission.Attributes, policy string) error {
	decision, _, err := p.authorizer.Authorize(ctx, authorizer.AttributesRecord{
		User:            a.GetUserInfo(),
		Verb:            Verb,
		Namespace:       a.GetNamespace(),
		APIGroup:        v1alpha1.GroupName,
		APIVersion:      v1alpha1.SchemeGroupVersion.Version,
		Resource:        "drpolicies",
		Name:            policy,
		ResourceRequest: true,
	})
	user := a.GetUserInfo().GetName()
	switch {
	case decision == authorizer.DecisionAllow:
		return nil
	case err != nil:
		return apierrors.NewServiceUnavailable(fmt.Sprintf("whether user %s may use DRPolicy %s can't be found out; try again: %v", user, policy, err))
	default:
		return admission.NewForbidden(a, fmt.Errorf("spec.drPolicyRef.name: %q: user %s may not use that DRPolicy in namespace %s: "+
			"an administrator can bind ClusterRole dr-policy-user, or a role with verb %q on drpolicies %[1]q, to them", policy, user, a.GetNamespace(), Verb))
	}
}

// refuse says what of the placement does not fit the policy, which is nil if there is none.
func refuse(spec *dr.DRPlacementControlSpec, policy *dr.DRPolicy) field.ErrorList {
	path := field.NewPath("spec")
	if policy == nil {
		return field.ErrorList{field.Invalid(path.Child("drPolicyRef", "name"), spec.DRPolicyRef.Name,
			"there is no such DRPolicy; `kubectl get drpolicies` lists those there are")}
	}
	if !policy.DeletionTimestamp.IsZero() {
		return field.ErrorList{field.Invalid(path.Child("drPolicyRef", "name"), policy.Name, "that DRPolicy is being deleted; name another one")}
	}
	errs := refuseCluster(path.Child("preferredCluster"), spec.PreferredCluster, policy)
	if spec.FailoverCluster != "" {
		errs = append(errs, refuseCluster(path.Child("failoverCluster"), spec.FailoverCluster, policy)...)
	}
	return errs
}

func refuseCluster(path *field.Path, cluster string, policy *dr.DRPolicy) field.ErrorList {
	if slices.Contains(policy.Spec.DRClusters, cluster) {
		return nil
	}
	return field.ErrorList{field.Invalid(path, cluster, fmt.Sprintf("is none of the clusters of DRPolicy %s; name one of %s",
		policy.Name, strings.Join(policy.Spec.DRClusters, ", ")))}
}
