// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agents

import (
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authentication/user"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

func group(cluster string, changes ...func(*dr.VolumeReplicationGroup)) *dr.VolumeReplicationGroup {
	g := &dr.VolumeReplicationGroup{
		ObjectMeta: metav1.ObjectMeta{
			Name: "shop." + cluster, Namespace: "shop", Generation: 3, ResourceVersion: "7",
			Labels: map[string]string{v1alpha1.LabelCluster: cluster}, Finalizers: []string{"other.io/hook", dr.AgentFinalizer},
		},
		Spec: dr.VolumeReplicationGroupSpec{ClusterName: cluster, ReplicationState: dr.Primary, Epoch: 2},
	}
	for _, change := range changes {
		change(g)
	}
	return g
}

// fencing is dr1's config with orders to fence other clusters off.
func fencing(clusters ...string) *dr.DRClusterConfig {
	config := &dr.DRClusterConfig{ObjectMeta: metav1.ObjectMeta{Name: "dr1"}}
	for _, cluster := range clusters {
		config.Spec.Fences = append(config.Spec.Fences, dr.FenceOrder{ClusterName: cluster, State: dr.FenceStateFenced})
	}
	return config
}

func TestAdmission(t *testing.T) {
	const tenant = "ada"
	type write struct {
		user, resource, subresource string
		operation                   admission.Operation
		object, old                 runtime.Object
	}
	update := func(object, old *dr.VolumeReplicationGroup) write {
		return write{resource: "volumereplicationgroups", operation: admission.Update, object: object, old: old}
	}
	config := func(operation admission.Operation, name string) write {
		object := &dr.DRClusterConfig{ObjectMeta: metav1.ObjectMeta{Name: name}}
		return write{resource: "drclusterconfigs", operation: operation, object: object}
	}
	tests := map[string]struct {
		write   write
		refused bool
	}{
		"changes status": {write: update(group("dr1", func(g *dr.VolumeReplicationGroup) {
			g.Status.State = dr.PrimaryState
			g.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "agent"}}
			g.ResourceVersion = ""
		}), group("dr1"))},
		"takes its finalizer off": {write: update(group("dr1", func(g *dr.VolumeReplicationGroup) {
			g.Finalizers = []string{"other.io/hook"}
		}), group("dr1"))},
		"takes another's finalizer off": {write: update(group("dr1", func(g *dr.VolumeReplicationGroup) {
			g.Finalizers = []string{dr.AgentFinalizer}
		}), group("dr1")), refused: true},
		"puts a finalizer on": {write: update(group("dr1", func(g *dr.VolumeReplicationGroup) {
			g.Finalizers = append(g.Finalizers, "mine.io/x")
		}), group("dr1")), refused: true},
		"changes its role": {write: update(group("dr1", func(g *dr.VolumeReplicationGroup) {
			g.Spec.ReplicationState = dr.Secondary
		}), group("dr1")), refused: true},
		"raises the epoch": {write: update(group("dr1", func(g *dr.VolumeReplicationGroup) {
			g.Spec.Epoch++
		}), group("dr1")), refused: true},
		"gives the group to another cluster": {write: update(group("dr2"), group("dr1")), refused: true},
		"takes another cluster's group":      {write: update(group("dr1"), group("dr2")), refused: true},
		"changes labels": {write: update(group("dr1", func(g *dr.VolumeReplicationGroup) {
			g.Labels = map[string]string{v1alpha1.LabelCluster: "dr2"}
		}), group("dr1")), refused: true},
		"makes itself owner": {write: update(group("dr1", func(g *dr.VolumeReplicationGroup) {
			g.OwnerReferences = []metav1.OwnerReference{{Name: "x"}}
		}), group("dr1")), refused: true},
		"writes another cluster's status": {write: write{
			resource: "volumereplicationgroups", subresource: "status", operation: admission.Update, object: group("dr2"), old: group("dr2"),
		}, refused: true},
		"creates a group": {write: write{
			resource: "volumereplicationgroups", operation: admission.Create, object: group("dr1"),
		}, refused: true},
		"deletes a group": {write: write{
			resource: "volumereplicationgroups", operation: admission.Delete, old: group("dr1"),
		}, refused: true},
		"creates its config": {write: config(admission.Create, "dr1")},
		"updates its config": {write: config(admission.Update, "dr1")},
		"tells itself whom to fence off": {write: write{
			resource: "drclusterconfigs", operation: admission.Update, object: fencing("dr2"), old: fencing(),
		}, refused: true},
		"lets somebody back by itself": {write: write{
			resource: "drclusterconfigs", operation: admission.Update, object: fencing(), old: fencing("dr2"),
		}, refused: true},
		"begins with a fence":                 {write: write{resource: "drclusterconfigs", operation: admission.Create, object: fencing("dr2")}, refused: true},
		"updates its config and keeps fences": {write: write{resource: "drclusterconfigs", operation: admission.Update, object: fencing("dr2"), old: fencing("dr2")}},
		"creates another's config":            {write: config(admission.Create, "dr2"), refused: true},
		"deletes its config":                  {write: config(admission.Delete, "dr1"), refused: true},
		"fails an application over": {write: write{
			resource: "drplacementcontrols", subresource: "failover", operation: admission.Create, object: &dr.DRAction{},
		}, refused: true},
		"is a tenant": {write: write{
			user: tenant, resource: "volumereplicationgroups", operation: admission.Update, object: group("dr2"), old: group("dr1"),
		}},
	}
	plugin := NewAdmission(Identity{Namespace: "dr-agents"})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := test.write
			if w.user == "" {
				w.user = agentOfDR1
			}
			err := plugin.Validate(t.Context(), admission.NewAttributesRecord(w.object, w.old, dr.SchemeGroupVersion.WithKind("any"), "shop", "name",
				v1alpha1.SchemeGroupVersion.WithResource(w.resource), w.subresource, w.operation, nil, false, &user.DefaultInfo{Name: w.user}), nil)
			if test.refused != apierrors.IsForbidden(err) || !test.refused && err != nil {
				t.Errorf("the answer is %v, wanted refused=%v", err, test.refused)
			}
		})
	}
}

func TestAdmissionLeavesOtherGroupsAlone(t *testing.T) {
	plugin := NewAdmission(Identity{Namespace: "dr-agents"})
	gvr := v1alpha1.SchemeGroupVersion.WithResource("leases")
	gvr.Group = "coordination.k8s.io"
	err := plugin.Validate(t.Context(), admission.NewAttributesRecord(nil, nil, dr.SchemeGroupVersion.WithKind("any"), "dr-agents", "dr1",
		gvr, "", admission.Update, nil, false, &user.DefaultInfo{Name: agentOfDR1}), nil)
	if err != nil {
		t.Error(err)
	}
}
