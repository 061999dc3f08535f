// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"slices"
	"strings"
	"testing"

	csiaddons "github.com/csi-addons/kubernetes-csi-addons/api/csiaddons/v1alpha1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

const (
	fencedWord   = csiaddons.FenceOperationSuccessfulMessage
	unfencedWord = csiaddons.UnFenceOperationSuccessfulMessage
)

func order(state v1alpha1.FenceState, number int64, classes ...string) v1alpha1.FenceOrder {
	return v1alpha1.FenceOrder{ClusterName: "dr1", Number: number, State: state, CIDRs: []string{"10.0.1.0/24"}, NetworkFenceClasses: classes}
}

// made is the NetworkFence of dr1 by a class, as csi-addons left it.
func made(class string, state csiaddons.FenceState, result csiaddons.FencingOperationResult, message string) csiaddons.NetworkFence {
	fence := newFence(order(v1alpha1.FenceStateFenced, 1), class)
	fence.Spec.FenceState = state
	fence.Status.Result, fence.Status.Message = result, message
	return fence
}

func succeeded(class string, state csiaddons.FenceState, message string) csiaddons.NetworkFence {
	return made(class, state, csiaddons.FencingOperationResultSucceeded, message)
}

func TestDecide(t *testing.T) {
	const fence, unfence = v1alpha1.FenceStateFenced, v1alpha1.FenceStateUnfenced
	for name, test := range map[string]struct {
		orders                  []v1alpha1.FenceOrder
		told                    []v1alpha1.FenceReport
		fences                  []csiaddons.NetworkFence
		create, unfence, delete []string
		done                    bool
		says                    string
	}{
		"a fence is made for every class": {
			orders: []v1alpha1.FenceOrder{order(fence, 1, "a", "b")},
			create: []string{"fence.dr1.a", "fence.dr1.b"}, says: "NetworkFenceClass a is being asked; NetworkFenceClass b",
		},
		"it is not done before every class has confirmed": {
			orders: []v1alpha1.FenceOrder{order(fence, 1, "a", "b")},
			fences: []csiaddons.NetworkFence{
				succeeded("a", csiaddons.Fenced, fencedWord),
				made("b", csiaddons.Fenced, csiaddons.FencingOperationResultFailed, "no route to storage"),
			},
			says: "NetworkFence fence.dr1.b: no route to storage",
		},
		"it is done once every class has": {
			orders: []v1alpha1.FenceOrder{order(fence, 1, "a", "b")},
			fences: []csiaddons.NetworkFence{succeeded("a", csiaddons.Fenced, fencedWord), succeeded("b", csiaddons.Fenced, fencedWord)},
			done:   true,
		},
		"a result that is of the state before does not count as fenced": {
			orders: []v1alpha1.FenceOrder{order(fence, 3, "a")},
			fences: []csiaddons.NetworkFence{succeeded("a", csiaddons.Fenced, unfencedWord)},
			says:   "has not answered",
		},
		"a result that is of the state before does not count as let back": {
			orders: []v1alpha1.FenceOrder{order(unfence, 2, "a")},
			fences: []csiaddons.NetworkFence{succeeded("a", csiaddons.Unfenced, fencedWord)},
			says:   "has not answered",
		},
		"one that was unfenced is made anew to be fenced": {
			orders: []v1alpha1.FenceOrder{order(fence, 3, "a")},
			fences: []csiaddons.NetworkFence{succeeded("a", csiaddons.Unfenced, unfencedWord)},
			delete: []string{"fence.dr1.a"}, says: "in the way",
		},
		"one that fences other addresses is made anew": {
			orders: []v1alpha1.FenceOrder{{ClusterName: "dr1", Number: 3, State: fence, CIDRs: []string{"10.0.9.0/24"}, NetworkFenceClasses: []string{"a"}}},
			fences: []csiaddons.NetworkFence{succeeded("a", csiaddons.Fenced, fencedWord)},
			delete: []string{"fence.dr1.a"}, says: "in the way",
		},
		"a fence is told to unfence, and not deleted": {
			orders:  []v1alpha1.FenceOrder{order(unfence, 2, "a")},
			fences:  []csiaddons.NetworkFence{succeeded("a", csiaddons.Fenced, fencedWord)},
			unfence: []string{"fence.dr1.a"}, says: "is being told",
		},
		"a class whose NetworkFence somebody deleted is unfenced nevertheless": {
			orders: []v1alpha1.FenceOrder{order(unfence, 2, "a")},
			create: []string{"fence.dr1.a"}, says: "is being asked",
		},
		"a fence by a class that is no longer ordered is unfenced too": {
			orders:  []v1alpha1.FenceOrder{order(unfence, 2, "a")},
			fences:  []csiaddons.NetworkFence{succeeded("a", csiaddons.Unfenced, unfencedWord), succeeded("old", csiaddons.Fenced, fencedWord)},
			unfence: []string{"fence.dr1.old"}, says: "is being told",
		},
		"what is unfenced is reported first and kept until the hub knows": {
			orders: []v1alpha1.FenceOrder{order(unfence, 2, "a")},
			fences: []csiaddons.NetworkFence{succeeded("a", csiaddons.Unfenced, unfencedWord)},
			done:   true,
		},
		"what the hub knows to be unfenced is deleted and not made again": {
			orders: []v1alpha1.FenceOrder{order(unfence, 2, "a", "b")},
			told:   []v1alpha1.FenceReport{{ClusterName: "dr1", Number: 2, State: unfence, Done: true}},
			fences: []csiaddons.NetworkFence{succeeded("a", csiaddons.Unfenced, unfencedWord)},
			delete: []string{"fence.dr1.a"}, done: true,
		},
		"what the hub knew of an earlier order is no reason to delete": {
			orders: []v1alpha1.FenceOrder{order(unfence, 4, "a")},
			told:   []v1alpha1.FenceReport{{ClusterName: "dr1", Number: 2, State: unfence, Done: true}},
			fences: []csiaddons.NetworkFence{made("a", csiaddons.Unfenced, "", "")},
			says:   "has not answered",
		},
		"without an order only what is unfenced is cleared away": {
			fences: []csiaddons.NetworkFence{succeeded("a", csiaddons.Unfenced, unfencedWord), succeeded("b", csiaddons.Fenced, fencedWord)},
			delete: []string{"fence.dr1.a"},
		},
		"the NetworkFences of others are left alone": {
			fences: []csiaddons.NetworkFence{{Spec: csiaddons.NetworkFenceSpec{FenceState: csiaddons.Unfenced}, Status: csiaddons.NetworkFenceStatus{
				Result: csiaddons.FencingOperationResultSucceeded, Message: unfencedWord,
			}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := Decide(test.orders, test.told, test.fences)
			for what, got := range map[string][]string{"create": names(d.Create), "unfence": names(d.Unfence), "delete": names(d.Delete)} {
				want := map[string][]string{"create": test.create, "unfence": test.unfence, "delete": test.delete}[what]
				if !slices.Equal(got, want) {
					t.Errorf("%s: got %v, want %v", what, got, want)
				}
			}
			if len(d.Reports) != len(test.orders) {
				t.Fatalf("%d reports on %d orders", len(d.Reports), len(test.orders))
			}
			for i, report := range d.Reports {
				if report.Number != test.orders[i].Number || report.Done != test.done || !strings.Contains(report.Message, test.says) {
					t.Errorf("reported %+v, want done=%t and %q", report, test.done, test.says)
				}
			}
		})
	}
}

func names(fences []csiaddons.NetworkFence) []string {
	var all []string
	for _, fence := range fences {
		all = append(all, fence.Name)
	}
	return all
}
