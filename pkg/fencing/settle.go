// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package fencing

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Outcome is what became of a DRCluster's last request.
type Outcome struct {
	// Done is true once the peer reported that it is carried out.
	Done bool
	// Message says what is awaited or wrong.
	Message string
}

// OutcomeOf is what the peer's agent reports of a request; nothing counts that is about an earlier one.
func OutcomeOf(request *v1alpha1.FenceRequest, cluster string, config *v1alpha1.DRClusterConfig) Outcome {
	if config == nil {
		return Outcome{Message: fmt.Sprintf("There is no DRClusterConfig %s, so its agent can't be told.", request.Peer)}
	}
	for _, report := range config.Status.Fences {
		if report.ClusterName == cluster && report.Number == request.Number && report.State == request.State {
			return Outcome{Done: report.Done, Message: report.Message}
		}
	}
	return Outcome{Message: fmt.Sprintf("The agent of %s has not reported yet.", request.Peer)}
}

// OrderOf is what the peer's agent is told; nil if there is nothing left for it to do.
func OrderOf(request *v1alpha1.FenceRequest, cluster string) *v1alpha1.FenceOrder {
	if request == nil || request.Peer == "" || Lifted(request) {
		return nil
	}
	return &v1alpha1.FenceOrder{
		ClusterName: cluster, Number: request.Number, State: request.State,
		CIDRs: slices.Clone(request.CIDRs), NetworkFenceClasses: slices.Clone(request.NetworkFenceClasses),
	}
}

// Settle brings what a DRCluster's status says of its last request in line with what became of it. Without a request nothing
// is said.
func Settle(cluster *v1alpha1.DRCluster, outcome Outcome, now metav1.MicroTime) {
	status, request := &cluster.Status, cluster.Status.Fence
	if request == nil {
		return
	}
	if outcome.Done && request.CompletionTime == nil {
		request.CompletionTime = now.DeepCopy()
	}
	s := settling{cluster: cluster, by: by(request), awaited: outcome.Message, now: now}
	done := request.CompletionTime != nil || request.Manual
	switch {
	case request.State == v1alpha1.FenceStateFenced && done:
		status.Phase = v1alpha1.ClusterFenced
		s.set(v1alpha1.ConditionFenced, metav1.ConditionTrue, reason(request, "Fenced"), "Storage refuses the cluster")
		s.awaited = ""
		s.set(v1alpha1.ConditionClean, metav1.ConditionFalse, reason(request, "Fenced"), "The cluster is fenced off")
	case request.State == v1alpha1.FenceStateFenced:
		status.Phase = v1alpha1.ClusterFencing
		s.set(v1alpha1.ConditionFenced, metav1.ConditionFalse, "Fencing", fmt.Sprintf("%s is fencing the cluster off", request.Peer))
		s.set(v1alpha1.ConditionClean, metav1.ConditionFalse, "Fencing", "The cluster is being fenced off")
	case done:
		status.Phase = v1alpha1.ClusterAvailable
		s.set(v1alpha1.ConditionFenced, metav1.ConditionFalse, reason(request, "Unfenced"), "Storage serves the cluster")
		s.set(v1alpha1.ConditionClean, metav1.ConditionTrue, "Clean", "Nothing of the fence is left")
	default:
		status.Phase = v1alpha1.ClusterUnfencing
		s.set(v1alpha1.ConditionFenced, metav1.ConditionFalse, "Unfencing", fmt.Sprintf("%s is letting the cluster back", request.Peer))
		s.set(v1alpha1.ConditionClean, metav1.ConditionFalse, "Unfencing", "The cluster is being let back")
	}
}

type settling struct {
	cluster *v1alpha1.DRCluster
	// by says who asked, and why; awaited what is missing.
	by, awaited string
	now         metav1.MicroTime
}

func (s settling) set(conditionType string, status metav1.ConditionStatus, reason, message string) {
	message += s.by + "."
	if s.awaited != "" {
		message += " " + s.awaited
	}
	meta.SetStatusCondition(&s.cluster.Status.Conditions, metav1.Condition{
		Type: conditionType, Status: status, Reason: reason, Message: message,
		ObservedGeneration: s.cluster.Generation, LastTransitionTime: metav1.NewTime(s.now.Time),
	})
}

func reason(request *v1alpha1.FenceRequest, state string) string {
	if request.Manual {
		return "Manually" + state
	}
	return state
}

// by says who asked for it, when and why.
func by(request *v1alpha1.FenceRequest) string {
	text := fmt.Sprintf(", as %s asked at %s", orSomebody(request.RequestedBy), request.RequestedTime.UTC().Format(time.RFC3339))
	if request.Reason != "" {
		text += fmt.Sprintf(" (%s)", request.Reason)
	}
	return text
}

// WithOrder is a peer's list of orders with what follows from a cluster's last request, and whether that changes anything. What
// follows from a later request stays.
func WithOrder(orders []v1alpha1.FenceOrder, cluster string, request *v1alpha1.FenceRequest) (changed []v1alpha1.FenceOrder, differs bool) {
	i := slices.IndexFunc(orders, func(o v1alpha1.FenceOrder) bool { return o.ClusterName == cluster })
	switch order := OrderOf(request, cluster); {
	case i < 0 && order == nil:
		return orders, false
	case i < 0:
		return append(slices.Clone(orders), *order), true
	case order == nil && orders[i].Number <= request.Number:
		return slices.Delete(slices.Clone(orders), i, i+1), true
	case order == nil || orders[i].Number >= order.Number:
		return orders, false
	default:
		changed = slices.Clone(orders)
		changed[i] = *order
		return changed, true
	}
}
