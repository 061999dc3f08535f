// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package fence fences other clusters off from the storage that this one shares with them, where the hub says so: by
// csi-addons, with one NetworkFence per cluster and class.
package fence

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	csiaddons "github.com/csi-addons/kubernetes-csi-addons/api/csiaddons/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// labelCluster names the cluster that a NetworkFence fences off.
const labelCluster = "dr.ramen.io/fenced-cluster"

// Decision is what to do, in the order of its fields, and what to report.
type Decision struct {
	// Unfence are told to let their addresses back.
	Unfence []csiaddons.NetworkFence
	// Create and Delete are made and deleted. Deleting a NetworkFence changes nothing in storage.
	Create, Delete []csiaddons.NetworkFence
	// Reports are what became of each order, sorted by cluster.
	Reports []v1alpha1.FenceReport
}

// Decide is pure: the orders and what the hub was last told of them, and the NetworkFences there are, of anybody.
func Decide(orders []v1alpha1.FenceOrder, told []v1alpha1.FenceReport, fences []csiaddons.NetworkFence) Decision {
	d := Decision{}
	ours := map[string][]csiaddons.NetworkFence{}
	for _, fence := range fences {
		if fence.Labels[mark.ManagedBy] == mark.Agent && fence.Labels[labelCluster] != "" {
			ours[fence.Labels[labelCluster]] = append(ours[fence.Labels[labelCluster]], fence)
		}
	}
	for _, order := range orders {
		report := v1alpha1.FenceReport{ClusterName: order.ClusterName, Number: order.Number, State: order.State}
		existing := ours[order.ClusterName]
		delete(ours, order.ClusterName)
		switch {
		case order.State == v1alpha1.FenceStateFenced:
			report.Done, report.Message = d.fence(order, existing)
		case slices.ContainsFunc(told, func(r v1alpha1.FenceReport) bool { return r == done(order) }):
			// Only what the hub knows to be let back is forgotten here.
			report = done(order)
			d.Delete = append(d.Delete, existing...)
		default:
			report.Done, report.Message = d.unfence(order, existing)
		}
		if report.Done {
			report = done(order)
		}
		d.Reports = append(d.Reports, report)
	}
	for _, leftover := range ours {
		for _, fence := range leftover {
			if unfenced(&fence) {
				d.Delete = append(d.Delete, fence)
			}
		}
	}
	slices.SortFunc(d.Reports, func(a, b v1alpha1.FenceReport) int { return cmp.Compare(a.ClusterName, b.ClusterName) })
	return d
}

// done is the report that an order was carried out.
func done(order v1alpha1.FenceOrder) v1alpha1.FenceReport {
	return v1alpha1.FenceReport{ClusterName: order.ClusterName, Number: order.Number, State: order.State, Done: true}
}

// fence has every class of an order fenced, and says whether each has confirmed, and what is missing.
func (d *Decision) fence(order v1alpha1.FenceOrder, existing []csiaddons.NetworkFence) (bool, string) {
	var missing []string
	for _, class := range order.NetworkFenceClasses {
		fence := find(existing, class)
		switch {
		case fence == nil:
			d.Create = append(d.Create, newFence(order, class))
			missing = append(missing, fmt.Sprintf("NetworkFenceClass %s is being asked", class))
		case fence.DeletionTimestamp != nil:
			missing = append(missing, fmt.Sprintf("the former NetworkFence %s is being deleted", fence.Name))
		case fence.Spec.FenceState != csiaddons.Fenced || !slices.Equal(sorted(fence.Spec.Cidrs), sorted(order.CIDRs)):
			// A result says nothing about which of a NetworkFence's states it is of, so that one that changes its mind is made anew.
			d.Delete = append(d.Delete, *fence)
			missing = append(missing, fmt.Sprintf("the former NetworkFence %s is in the way and is deleted", fence.Name))
		case !fenced(fence):
			missing = append(missing, awaited(fence))
		}
	}
	return len(missing) == 0, strings.Join(missing, "; ")
}

// unfence has every class of an order, and whatever else is fenced, let the cluster back.
func (d *Decision) unfence(order v1alpha1.FenceOrder, existing []csiaddons.NetworkFence) (bool, string) {
	var missing []string
	for _, class := range order.NetworkFenceClasses {
		if find(existing, class) == nil {
			// Storage may be fenced all the same: somebody may have deleted the NetworkFence.
			d.Create = append(d.Create, newFence(order, class))
			missing = append(missing, fmt.Sprintf("NetworkFenceClass %s is being asked", class))
		}
	}
	for i := range existing {
		switch fence := &existing[i]; {
		case fence.DeletionTimestamp != nil:
			missing = append(missing, fmt.Sprintf("the former NetworkFence %s is being deleted", fence.Name))
		case fence.Spec.FenceState != csiaddons.Unfenced:
			d.Unfence = append(d.Unfence, *fence)
			missing = append(missing, fmt.Sprintf("NetworkFence %s is being told", fence.Name))
		case !unfenced(fence):
			missing = append(missing, awaited(fence))
		}
	}
	return len(missing) == 0, strings.Join(missing, "; ")
}

func find(fences []csiaddons.NetworkFence, class string) *csiaddons.NetworkFence {
	for i := range fences {
		if fences[i].Spec.NetworkFenceClassName == class {
			return &fences[i]
		}
	}
	return nil
}

// fenced and unfenced tell whether csi-addons confirms the state. Its result has no generation and stays when the state is
// changed: of which it is, only the message tells.
func fenced(fence *csiaddons.NetworkFence) bool {
	return fence.Spec.FenceState == csiaddons.Fenced && fence.Status.Result == csiaddons.FencingOperationResultSucceeded &&
		fence.Status.Message == csiaddons.FenceOperationSuccessfulMessage
}

func unfenced(fence *csiaddons.NetworkFence) bool {
	return fence.Spec.FenceState == csiaddons.Unfenced && fence.Status.Result == csiaddons.FencingOperationResultSucceeded &&
		fence.Status.Message == csiaddons.UnFenceOperationSuccessfulMessage
}

// awaited is what csi-addons says of a NetworkFence that has not succeeded.
func awaited(fence *csiaddons.NetworkFence) string {
	if fence.Status.Result == csiaddons.FencingOperationResultFailed {
		return fmt.Sprintf("NetworkFence %s: %s", fence.Name, fence.Status.Message)
	}
	return fmt.Sprintf("csi-addons has not answered NetworkFence %s yet", fence.Name)
}

// newFence is the NetworkFence of an order and class. A cluster's name has no dots, so that no two are called the same.
func newFence(order v1alpha1.FenceOrder, class string) csiaddons.NetworkFence {
	return csiaddons.NetworkFence{
		ObjectMeta: metav1.ObjectMeta{
			Name:   "fence." + order.ClusterName + "." + class,
			Labels: map[string]string{mark.ManagedBy: mark.Agent, labelCluster: order.ClusterName},
		},
		Spec: csiaddons.NetworkFenceSpec{
			NetworkFenceClassName: class, FenceState: csiaddons.FenceState(order.State), Cidrs: order.CIDRs,
		},
	}
}

func sorted(items []string) []string {
	items = slices.Clone(items)
	slices.Sort(items)
	return items
}
