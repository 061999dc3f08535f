// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

func failover() *v1alpha1.DRAction {
	return &v1alpha1.DRAction{Spec: v1alpha1.DRActionSpec{
		TargetCluster: builder.DR2, Acknowledgements: []v1alpha1.Acknowledgement{v1alpha1.AckSourceMayStillWrite},
	}}
}

func relocate(to string) *v1alpha1.DRAction {
	return &v1alpha1.DRAction{Spec: v1alpha1.DRActionSpec{TargetCluster: to}}
}

func succeeded(p *v1alpha1.DRPlacementControl) bool {
	current := p.Status.CurrentAction
	return current != nil && action.Ended(current) &&
		meta.FindStatusCondition(current.Status.Conditions, v1alpha1.ConditionComplete).Reason == v1alpha1.ReasonSucceeded
}

// each does something for every placement at once.
func each(t testing.TB, keys []types.NamespacedName, do func(types.NamespacedName) error) {
	t.Helper()
	var group sync.WaitGroup
	for _, key := range keys {
		group.Go(func() {
			if err := do(key); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

// records waits until every record says what its placement says, for it is written last.
func (h *hub) records(keys []types.NamespacedName) {
	h.t.Helper()
	for _, key := range keys {
		placement, err := h.client.DrV1alpha1().DRPlacementControls(key.Namespace).Get(h.t.Context(), key.Name, metav1.GetOptions{})
		if err != nil {
			h.t.Fatal(err)
		}
		current := placement.Status.CurrentAction
		deadline := time.Now().Add(10 * time.Second)
		for {
			recorded, err := h.client.DrV1alpha1().DRActions(key.Namespace).Get(h.t.Context(), current.Name, metav1.GetOptions{})
			if err == nil && meta.IsStatusConditionTrue(recorded.Status.Conditions, v1alpha1.ConditionComplete) {
				break
			}
			if time.Now().After(deadline) {
				h.t.Fatalf("the record of %s is %+v: %v", current.Name, recorded, err)
			}
			time.Sleep(time.Millisecond)
		}
	}
}

// TestTheHubsSideOfAStory runs the controllers against the real server, with agents that do everything at once.
func TestTheHubsSideOfAStory(t *testing.T) {
	const applications = 3
	h := startHub(t)
	h.run()
	h.admin()
	stop := h.agent(builder.DR1)
	h.agent(builder.DR2)
	keys := h.applications(applications)
	ctx := t.Context()

	stop()
	h.lose(builder.DR1)
	h.await(keys, func(p *v1alpha1.DRPlacementControl) bool {
		c := meta.FindStatusCondition(p.Status.Conditions, v1alpha1.ConditionAvailable)
		return c != nil && c.Reason == "ClusterNotConnected"
	})
	h.requests.take()
	each(t, keys, func(key types.NamespacedName) error {
		_, err := h.client.DrV1alpha1().DRPlacementControls(key.Namespace).Failover(ctx, key.Name, failover(), metav1.CreateOptions{})
		return err
	})
	h.await(keys, succeeded)
	h.records(keys)
	want := map[string]int{
		"PUT volumereplicationgroups":    2 * applications,
		"PUT drplacementcontrols/status": applications,
		"PUT dractions/status":           applications,
	}
	if got := h.requests.take(); !maps.Equal(got, want) {
		t.Errorf("a failover of %d applications took %v of the controllers, want %v", applications, got, want)
	}

	h.renew(builder.DR1)
	h.agent(builder.DR1)
	h.await(keys, isProtected)
	h.requests.take()
	each(t, keys, func(key types.NamespacedName) error {
		_, err := h.client.DrV1alpha1().DRPlacementControls(key.Namespace).Relocate(ctx, key.Name, relocate(builder.DR1), metav1.CreateOptions{})
		return err
	})
	h.await(keys, succeeded)
	h.await(keys, isProtected)
	t.Logf("a relocate of %d applications took %v of the controllers", applications, h.requests.take())

	each(t, keys, func(key types.NamespacedName) error {
		return h.client.DrV1alpha1().DRPlacementControls(key.Namespace).Delete(ctx, key.Name, metav1.DeleteOptions{})
	})
	h.await(keys, func(*v1alpha1.DRPlacementControl) bool { return false })
	groups, err := h.client.DrV1alpha1().VolumeReplicationGroups(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil || len(groups.Items) > 0 {
		t.Errorf("%d groups are left: %v", len(groups.Items), err)
	}
	records, err := h.client.DrV1alpha1().DRActions(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil || len(records.Items) != 2*applications {
		t.Errorf("%d records are left: %v", len(records.Items), err)
	}
}

func TestControllersThatAreStartedAgainGoOn(t *testing.T) {
	h := startHub(t)
	stop := h.run()
	h.admin()
	h.agent(builder.DR1)
	h.agent(builder.DR2)
	keys := h.applications(1)
	namespace, name := keys[0].Namespace, keys[0].Name

	stop()
	placements := h.client.DrV1alpha1().DRPlacementControls(namespace)
	accepted, err := placements.Relocate(t.Context(), name, relocate(builder.DR2), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// The record is lost, as if the server had died before it wrote it.
	if err := h.client.DrV1alpha1().DRActions(namespace).Delete(t.Context(), accepted.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	h.run()
	h.await(keys, succeeded)
	h.records(keys)
}

// BenchmarkFailover measures the hub's share of failing over a hundred applications at once.
func BenchmarkFailover(b *testing.B) {
	h := startHub(b)
	h.run()
	h.admin()
	h.agent(builder.DR1)
	h.agent(builder.DR2)
	keys := h.applications(100)
	from := map[string]string{builder.DR1: builder.DR2, builder.DR2: builder.DR1}
	target := builder.DR2
	writes := map[string]int{}
	for b.Loop() {
		h.requests.take()
		each(b, keys, func(key types.NamespacedName) error {
			_, err := h.client.DrV1alpha1().DRPlacementControls(key.Namespace).Failover(b.Context(), key.Name, &v1alpha1.DRAction{
				Spec: v1alpha1.DRActionSpec{TargetCluster: target, Force: true},
			}, metav1.CreateOptions{})
			return err
		})
		h.await(keys, succeeded)
		b.StopTimer()
		for what, count := range h.requests.take() {
			writes[what] += count
		}
		h.await(keys, isProtected)
		target = from[target]
		b.StartTimer()
	}
	for what, count := range writes {
		b.ReportMetric(float64(count)/float64(b.N*len(keys)), strings.ReplaceAll(what, " ", "-")+"/app")
	}
}
