// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package fencing

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Reasons of the condition CIDRsValidated.
const (
	// ReasonCIDRsAgree means that spec.cidrs has what storage reports and nothing else.
	ReasonCIDRsAgree = "Succeeded"
	// ReasonCIDRsUnconfigured means that storage reports addresses that spec.cidrs does not have: a fence would have a gap.
	ReasonCIDRsUnconfigured = "DetectedCIDRsUnconfigured"
	// ReasonCIDRsUndetected means that spec.cidrs has addresses that storage does not report.
	ReasonCIDRsUndetected = "UndetectedCIDRsFound"
)

// CIDRsValidated holds what the administrator says against what storage reports; nil if one of the two says nothing.
func CIDRsValidated(f Facts) *metav1.Condition {
	configured, reported := f.Cluster.Spec.CIDRs, f.reported(f.Cluster.Name)
	if len(configured) == 0 || len(reported) == 0 {
		return nil
	}
	condition := &metav1.Condition{
		Type: v1alpha1.ConditionCIDRsValidated, Status: metav1.ConditionTrue, Reason: ReasonCIDRsAgree,
		Message:            "Storage reports the addresses that spec.cidrs has.",
		ObservedGeneration: f.Cluster.Generation, LastTransitionTime: metav1.NewTime(f.Now),
	}
	if missing := outside(reported, configured); len(missing) > 0 {
		condition.Status, condition.Reason = metav1.ConditionFalse, ReasonCIDRsUnconfigured
		condition.Message = fmt.Sprintf("Storage is reached from %s too, which a fence would leave open: add that to spec.cidrs.", strings.Join(missing, ", "))
	} else if unknown := outside(configured, reported); len(unknown) > 0 {
		condition.Reason = ReasonCIDRsUndetected
		condition.Message = fmt.Sprintf("Storage does not report %s of spec.cidrs: make sure that it is this cluster's.", strings.Join(unknown, ", "))
	}
	return condition
}

// outside are those of some address ranges that are in none of others.
func outside(some, others []string) []string {
	return slices.DeleteFunc(slices.Clone(some), func(a string) bool {
		return slices.ContainsFunc(others, func(b string) bool { return contains(b, a) })
	})
}

// overlapping are those of some address ranges that have an address in common with one of others.
func overlapping(some, others []string) []string {
	return slices.DeleteFunc(slices.Clone(some), func(a string) bool {
		return !slices.ContainsFunc(others, func(b string) bool { return contains(a, b) || contains(b, a) })
	})
}

func contains(outer, inner string) bool {
	a, errA := netip.ParsePrefix(outer)
	b, errB := netip.ParsePrefix(inner)
	if errA != nil || errB != nil {
		return outer == inner
	}
	return a.Bits() <= b.Bits() && a.Masked().Contains(b.Addr())
}
