// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agents

import (
	"context"
	"fmt"
	"io"
	"slices"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// PluginName is what admission flags call the plugin.
const PluginName = "AgentRestriction"

// Register makes the plugin known. The identity is asked for when the server is configured.
func Register(plugins *admission.Plugins, identity func() Identity) {
	plugins.Register(PluginName, func(io.Reader) (admission.Interface, error) {
		return NewAdmission(identity()), nil
	})
}

// Admission refuses what an agent may not write.
type Admission struct {
	*admission.Handler
	identity Identity
}

var _ admission.ValidationInterface = &Admission{}

// NewAdmission returns the plugin.
func NewAdmission(identity Identity) *Admission {
	return &Admission{
		Handler:  admission.NewHandler(admission.Create, admission.Update, admission.Delete, admission.Connect),
		identity: identity,
	}
}

// Validate refuses writes of agents but to what is their own cluster's, and of a VolumeReplicationGroup all but its status
// and taking off their own finalizer.
func (p *Admission) Validate(_ context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	cluster, isAgent := p.identity.Cluster(a.GetUserInfo())
	if !isAgent || a.GetResource().Group != v1alpha1.GroupName {
		return nil
	}
	if reason := refuseWrite(cluster, a); reason != "" {
		return admission.NewForbidden(a, fmt.Errorf("the agent of cluster %s %s", cluster, reason))
	}
	return nil
}

// refuseWrite says why the agent of the cluster may not write that; empty if it may.
func refuseWrite(cluster string, a admission.Attributes) string {
	resource, operation := a.GetResource().Resource, a.GetOperation()
	switch {
	case resource == "drclusterconfigs" && (operation == admission.Create || operation == admission.Update):
		config, ok := a.GetObject().(*dr.DRClusterConfig)
		if !ok || config.Name != cluster {
			return "may write the DRClusterConfig of its own name only"
		}
		return refuseFences(config, a.GetOldObject())
	case resource == "volumereplicationgroups" && operation == admission.Update:
		group, ok := a.GetObject().(*dr.VolumeReplicationGroup)
		before, wasGroup := a.GetOldObject().(*dr.VolumeReplicationGroup)
		if !ok || !wasGroup {
			return "may write VolumeReplicationGroups of its own cluster only"
		}
		return refuseGroupUpdate(cluster, group, before)
	default:
		return fmt.Sprintf("may not %s %s", operation, resource)
	}
}

// refuseFences keeps an agent from telling itself whom to fence off.
func refuseFences(config *dr.DRClusterConfig, before runtime.Object) string {
	var ordered []dr.FenceOrder
	if old, ok := before.(*dr.DRClusterConfig); ok {
		ordered = old.Spec.Fences
	}
	if !apiequality.Semantic.DeepEqual(config.Spec.Fences, ordered) {
		return "may not change spec.fences of its DRClusterConfig: the hub does"
	}
	return ""
}

func refuseGroupUpdate(cluster string, group, before *dr.VolumeReplicationGroup) string {
	switch {
	case before.Spec.ClusterName != cluster:
		return fmt.Sprintf("may write VolumeReplicationGroups of its own cluster only; %s is for %s", before.Name, before.Spec.ClusterName)
	case !apiequality.Semantic.DeepEqual(group.Spec, before.Spec):
		return "may not change the spec of a VolumeReplicationGroup: the hub does"
	case !sameFinalizers(group.Finalizers, before.Finalizers):
		return "may take off no finalizer but " + dr.AgentFinalizer + " and put on none"
	case !apiequality.Semantic.DeepEqual(withoutBookkeeping(group.ObjectMeta), withoutBookkeeping(before.ObjectMeta)):
		return "may not change the metadata of a VolumeReplicationGroup: the hub does"
	default:
		return ""
	}
}

func sameFinalizers(finalizers, before []string) bool {
	without := slices.DeleteFunc(slices.Clone(before), func(f string) bool { return f == dr.AgentFinalizer })
	return slices.Equal(finalizers, before) || slices.Equal(finalizers, without)
}

// withoutBookkeeping leaves out of meta what is compared elsewhere or is the server's own bookkeeping.
func withoutBookkeeping(meta metav1.ObjectMeta) metav1.ObjectMeta {
	meta.Finalizers, meta.ManagedFields, meta.ResourceVersion = nil, nil, ""
	return meta
}
