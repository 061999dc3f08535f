// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package protectednamespaces keeps a DRPlacementControl to namespaces whose applications its writer may protect, and to what
// agents protect: the DRPlacementControl's own namespace.
package protectednamespaces

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// PluginName is what admission flags call the plugin.
const PluginName = "ProtectedNamespaces"

// Register makes the plugin known.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(io.Reader) (admission.Interface, error) { return New(), nil })
}

// Plugin is the admission plugin.
type Plugin struct {
	*admission.Handler
	authorizer authorizer.Authorizer
}

var (
	_ admission.ValidationInterface = &Plugin{}
	_ initializer.WantsAuthorizer   = &Plugin{}
)

// New returns the plugin.
func New() *Plugin {
	return &Plugin{Handler: admission.NewHandler(admission.Create, admission.Update)}
}

// SetAuthorizer sets who is asked what the writer may do.
func (p *Plugin) SetAuthorizer(a authorizer.Authorizer) { p.authorizer = a }

// ValidateInitialization says what the plugin can't do without.
func (p *Plugin) ValidateInitialization() error {
	if p.authorizer == nil {
		return errors.New(PluginName + " needs an authorizer")
	}
	return nil
}

// Validate refuses each further namespace. Who may not create a DRPlacementControl there is not even told more; who may is told
// to do so.
func (p *Plugin) Validate(ctx context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	placement, ok := a.GetObject().(*dr.DRPlacementControl)
	if !ok || a.GetResource().GroupResource() != dr.Resource("drplacementcontrols") || a.GetSubresource() != "" {
		return nil
	}
	var errs field.ErrorList
	for i, namespace := range placement.Spec.ProtectedNamespaces {
		if namespace == a.GetNamespace() || listedBefore(a, namespace) {
			continue
		}
		path := field.NewPath("spec", "protectedNamespaces").Index(i)
		if err := p.mayProtect(ctx, a, namespace, path); err != nil {
			return err
		}
		errs = append(errs, field.Invalid(path, namespace, fmt.Sprintf(
			"agents protect the DRPlacementControl's own namespace, %s, and no other; leave it out and create a DRPlacementControl in namespace %s",
			a.GetNamespace(), namespace)))
	}
	if len(errs) > 0 {
		return apierrors.NewInvalid(dr.Kind("DRPlacementControl"), placement.Name, errs)
	}
	return nil
}

func listedBefore(a admission.Attributes, namespace string) bool {
	before, ok := a.GetOldObject().(*dr.DRPlacementControl)
	return ok && slices.Contains(before.Spec.ProtectedNamespaces, namespace)
}

func (p *Plugin) mayProtect(ctx context.Context, a admission.Attributes, namespace string, path *field.Path) error {
	decision, _, err := p.authorizer.Authorize(ctx, authorizer.AttributesRecord{
		User:            a.GetUserInfo(),
		Verb:            "create",
		Namespace:       namespace,
		APIGroup:        v1alpha1.GroupName,
		APIVersion:      v1alpha1.SchemeGroupVersion.Version,
		Resource:        "drplacementcontrols",
		ResourceRequest: true,
	})
	user := a.GetUserInfo().GetName()
	switch {
	case decision == authorizer.DecisionAllow:
		return nil
	case err != nil:
		return apierrors.NewServiceUnavailable(fmt.Sprintf(
			"whether user %s may protect namespace %s can't be found out; try again: %v", user, namespace, err))
	default:
		return admission.NewForbidden(a, fmt.Errorf("%s: %q: user %s may not create drplacementcontrols in that namespace; leave it out", path, namespace, user))
	}
}
