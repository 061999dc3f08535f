// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package s3profiles admits DRClusters whose object store is in the server's configuration.
package s3profiles

import (
	"context"
	"errors"
	"fmt"
	"io"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/warning"

	"github.com/ramendr/dr-apiserver/pkg/admission/drinitializer"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// PluginName is what admission flags call the plugin.
const PluginName = "S3Profiles"

// Register makes the plugin known.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(io.Reader) (admission.Interface, error) { return New(), nil })
}

// Plugin is the admission plugin.
type Plugin struct {
	*admission.Handler
	profiles drinitializer.Profiles
}

var (
	_ admission.ValidationInterface = &Plugin{}
	_ drinitializer.WantsProfiles   = &Plugin{}
)

// New returns the plugin. A profile can't be changed once it was admitted, so that it has nothing to say of updates.
func New() *Plugin { return &Plugin{Handler: admission.NewHandler(admission.Create)} }

// SetProfiles sets where profiles are looked up.
func (p *Plugin) SetProfiles(profiles drinitializer.Profiles) { p.profiles = profiles }

// ValidateInitialization says what the plugin can't do without.
func (p *Plugin) ValidateInitialization() error {
	if p.profiles == nil {
		return errors.New(PluginName + " needs the server's configuration")
	}
	return nil
}

// Validate refuses a DRCluster whose profile the server does not know. A VolumeReplicationGroup is another matter: its profiles
// are looked up by its agent, in the agent's configuration, so that one the server does not know earns but a warning.
func (p *Plugin) Validate(ctx context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	if a.GetResource().Group != v1alpha1.GroupName || a.GetSubresource() != "" {
		return nil
	}
	switch obj := a.GetObject().(type) {
	case *dr.DRCluster:
		if _, err := p.profiles.Profile(obj.Spec.S3ProfileName); err != nil {
			return apierrors.NewInvalid(dr.Kind("DRCluster"), obj.Name, field.ErrorList{
				field.Invalid(field.NewPath("spec", "s3ProfileName"), obj.Spec.S3ProfileName, err.Error()),
			})
		}
	case *dr.VolumeReplicationGroup:
		for i, name := range obj.Spec.S3Profiles {
			if _, err := p.profiles.Profile(name); err != nil {
				warning.AddWarning(ctx, "", fmt.Sprintf("spec.s3Profiles[%d]: %v, unless the agent of cluster %s has it in its own", i, err, obj.Spec.ClusterName))
			}
		}
	}
	return nil
}
