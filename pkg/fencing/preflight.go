// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package fencing

import (
	"fmt"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Preflight answers a request: the checks and what each found, and the request as it would be recorded. Nothing is changed;
// see Refusal and Accept. A request for what was asked for already is answered with that, and no checks.
func Preflight(f Facts, asked Asked) v1alpha1.ClusterFenceStatus {
	if last := f.request(); repeats(last, asked) {
		return v1alpha1.ClusterFenceStatus{Request: last.DeepCopy()}
	}
	q := question{Facts: f, Asked: asked}
	if asked.State == v1alpha1.FenceStateFenced {
		q.choosePeer()
	}
	return v1alpha1.ClusterFenceStatus{Checks: q.checks(), Request: q.record()}
}

// repeats tells whether a request asks for what is so already, or is being done.
func repeats(last *v1alpha1.FenceRequest, asked Asked) bool {
	if last == nil {
		return false
	}
	// Somebody may come to vouch for what no driver gets done.
	vouches := asked.Spec.Manual && !last.Manual && last.CompletionTime == nil
	return last.State == asked.State && !vouches
}

// record is the request as it is kept. What an earlier fence left with a peer, that peer is to take off, also if somebody
// vouches for the cluster.
func (q question) record() *v1alpha1.FenceRequest {
	last := q.request()
	record := &v1alpha1.FenceRequest{
		Number: 1, State: q.State, Manual: q.Spec.Manual, Reason: q.Spec.Reason, Force: q.Spec.Force,
		RequestedBy: q.RequestedBy, RequestedTime: metav1.NewMicroTime(q.Now),
	}
	if last != nil {
		record.Number = last.Number + 1
	}
	switch {
	case q.State == v1alpha1.FenceStateFenced && !q.Spec.Manual:
		record.Peer, record.CIDRs, record.NetworkFenceClasses = q.peer, q.cidrs(), q.classes(q.peer)
	case q.leftovers():
		record.Peer, record.CIDRs, record.NetworkFenceClasses = last.Peer, last.CIDRs, last.NetworkFenceClasses
	}
	if record.Peer == "" {
		record.CompletionTime = record.RequestedTime.DeepCopy()
	}
	return record
}

// Accept puts a request that Refusal does not refuse into the DRCluster's status, ready for the one guarded write that is
// its commit point. From then on a cluster that is let back does not count as fenced any more.
func Accept(cluster *v1alpha1.DRCluster, answer v1alpha1.ClusterFenceStatus) {
	request := answer.Request
	if request == nil || cluster.Status.Fence != nil && cluster.Status.Fence.Number == request.Number {
		return
	}
	cluster.Status.Fence = request.DeepCopy()
	Settle(cluster, Outcome{}, request.RequestedTime)
}

// fieldsOfChecks are the fields of the request that a failed check is about.
var fieldsOfChecks = map[string]string{
	v1alpha1.CheckPeerAvailable:    "spec.manual",
	v1alpha1.CheckFenceClassKnown:  "spec.manual",
	v1alpha1.CheckApplicationsDown: "spec.force",
}

// Refusal is the answer to a request that a check stands against, with one cause per failed check; nil if none does.
func Refusal(cluster string, state v1alpha1.FenceState, checks []v1alpha1.PreflightCheck) *apierrors.StatusError {
	var causes []metav1.StatusCause
	var found []string
	for _, check := range checks {
		if check.Result != v1alpha1.CheckFailed {
			continue
		}
		causes = append(causes, metav1.StatusCause{
			Type: metav1.CauseType(check.Name), Message: check.Message, Field: fieldsOfChecks[check.Name],
		})
		found = append(found, fmt.Sprintf("%s: %s", check.Name, check.Message))
	}
	if len(causes) == 0 {
		return nil
	}
	what := "fence"
	if state == v1alpha1.FenceStateUnfenced {
		what = "unfence"
	}
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusConflict, Reason: metav1.StatusReasonConflict,
		Message: fmt.Sprintf("%s of %s is refused, nothing was changed: %s", what, cluster, strings.Join(found, "; ")),
		Details: &metav1.StatusDetails{Group: v1alpha1.GroupName, Kind: "drclusters", Name: cluster, Causes: causes},
	}}
}

// Hold says why a cluster that is to be let back is kept fenced off for now; empty if nothing stands against it. It is asked
// after the request was accepted, for what it rested on may have changed since.
func Hold(f Facts) string {
	q := question{Facts: f, Asked: Asked{State: v1alpha1.FenceStateUnfenced}}
	for _, find := range []func(question) (bool, string){question.findNoActionWaiting, question.findApplicationsStopped} {
		if ok, message := find(q); !ok {
			return message
		}
	}
	return ""
}
