// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package clusterreference looks after references to DRClusters: it says where a DRPolicy or VolumeReplicationGroup names one
// that there is not, and gives a group that names none the only one there is.
package clusterreference

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/warning"

	"github.com/ramendr/dr-apiserver/pkg/admission/drinitializer"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// PluginName is what admission flags call the plugin.
const PluginName = "DRClusterReference"

// Register makes the plugin known.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(io.Reader) (admission.Interface, error) { return New(), nil })
}

// Plugin is the admission plugin.
type Plugin struct {
	*admission.Handler
	objects drinitializer.Objects
}

var (
	_ admission.MutationInterface   = &Plugin{}
	_ admission.ValidationInterface = &Plugin{}
	_ drinitializer.WantsObjects    = &Plugin{}
)

// New returns the plugin.
func New() *Plugin {
	return &Plugin{Handler: admission.NewHandler(admission.Create, admission.Update)}
}

// SetObjects sets where clusters are looked up.
func (p *Plugin) SetObjects(o drinitializer.Objects) { p.objects = o }

// ValidateInitialization says what the plugin can't do without.
func (p *Plugin) ValidateInitialization() error {
	if p.objects == nil {
		return errors.New(PluginName + " needs the DRClusters")
	}
	return nil
}

// Admit fills in a group's cluster: the one it had or, if it is new and there is but one, that.
func (p *Plugin) Admit(ctx context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	group, ok := a.GetObject().(*dr.VolumeReplicationGroup)
	if !ok || foreign(a) || group.Spec.ClusterName != "" {
		return nil
	}
	if before, ok := a.GetOldObject().(*dr.VolumeReplicationGroup); ok {
		group.Spec.ClusterName = before.Spec.ClusterName
		return nil
	}
	clusters, err := p.objects.Clusters(ctx)
	if err != nil {
		return unavailable(err)
	}
	if len(clusters) == 1 {
		group.Spec.ClusterName = clusters[0].Name
		return nil
	}
	return apierrors.NewInvalid(dr.Kind("VolumeReplicationGroup"), group.Name, field.ErrorList{
		field.Required(field.NewPath("spec", "clusterName"), choose(clusters)),
	})
}

func choose(clusters []dr.DRCluster) string {
	if len(clusters) == 0 {
		return "there is no DRCluster yet whose agent could act on it; create one and name it"
	}
	names := make([]string, 0, len(clusters))
	for i := range clusters {
		names = append(names, clusters[i].Name)
	}
	return "name the DRCluster whose agent acts on it, one of " + strings.Join(names, ", ")
}

// Validate warns of what is named and not there. Both may be created in any order.
func (p *Plugin) Validate(ctx context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	if foreign(a) || a.GetOperation() != admission.Create {
		return nil
	}
	switch obj := a.GetObject().(type) {
	case *dr.DRPolicy:
		for i, cluster := range obj.Spec.DRClusters {
			if err := p.warnOfMissing(ctx, field.NewPath("spec", "drClusters").Index(i), cluster); err != nil {
				return err
			}
		}
	case *dr.VolumeReplicationGroup:
		return p.warnOfMissing(ctx, field.NewPath("spec", "clusterName"), obj.Spec.ClusterName)
	}
	return nil
}

func (p *Plugin) warnOfMissing(ctx context.Context, path *field.Path, cluster string) error {
	_, err := p.objects.Cluster(ctx, cluster)
	if apierrors.IsNotFound(err) {
		warning.AddWarning(ctx, "", fmt.Sprintf("%s: there is no DRCluster %s yet; nothing is protected there before it is created and its agent is connected", path, cluster))
		return nil
	}
	if err != nil {
		return unavailable(err)
	}
	return nil
}

func unavailable(err error) error {
	return apierrors.NewServiceUnavailable(fmt.Sprintf("which DRClusters there are can't be found out; try again: %v", err))
}

func foreign(a admission.Attributes) bool {
	return a.GetResource().Group != v1alpha1.GroupName || a.GetSubresource() != ""
}
