// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilrand "k8s.io/apimachinery/pkg/util/rand"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

func TestSpecAndStatusHaveTheirOwnWriters(t *testing.T) {
	placements := clientset(t).DrV1alpha1().DRPlacementControls("ns-" + utilrand.String(6))
	withStatus := builder.DRPC("", "shop").Running("dr1", 7, v1alpha1.PhaseDeployed).Obj()
	created := ok[*v1alpha1.DRPlacementControl](t)(placements.Create(t.Context(), withStatus, metav1.CreateOptions{}))
	if created.Status.Epoch != 0 || created.Generation != 1 {
		t.Errorf("created with status %+v and generation %d", created.Status, created.Generation)
	}

	created.Status.Epoch, created.Spec.FailoverCluster = 2, "dr2"
	created.Labels = map[string]string{"a": "b"}
	afterStatus := ok[*v1alpha1.DRPlacementControl](t)(placements.UpdateStatus(t.Context(), created.DeepCopy(), metav1.UpdateOptions{}))
	if afterStatus.Status.Epoch != 2 || afterStatus.Spec.FailoverCluster != "" || len(afterStatus.Labels) != 0 || afterStatus.Generation != 1 {
		t.Errorf("writing status gave %+v", afterStatus)
	}

	afterStatus.Status.Epoch, afterStatus.Spec.FailoverCluster = 9, "dr2"
	afterSpec := ok[*v1alpha1.DRPlacementControl](t)(placements.Update(t.Context(), afterStatus.DeepCopy(), metav1.UpdateOptions{}))
	if afterSpec.Status.Epoch != 2 || afterSpec.Spec.FailoverCluster != "dr2" || afterSpec.Generation != 2 {
		t.Errorf("writing spec gave %+v", afterSpec)
	}

	afterSpec.Labels = map[string]string{"a": "b"}
	afterLabel := ok[*v1alpha1.DRPlacementControl](t)(placements.Update(t.Context(), afterSpec.DeepCopy(), metav1.UpdateOptions{}))
	if afterLabel.Generation != 2 {
		t.Errorf("a label made generation %d", afterLabel.Generation)
	}

	afterLabel.Status.Epoch = 1
	if _, err := placements.UpdateStatus(t.Context(), afterLabel, metav1.UpdateOptions{}); !apierrors.IsInvalid(err) {
		t.Errorf("turning back the epoch: %v", err)
	}
	afterLabel.Status.Epoch, afterLabel.ResourceVersion = 3, ""
	if _, err := placements.UpdateStatus(t.Context(), afterLabel, metav1.UpdateOptions{}); err == nil {
		t.Error("status was written over one that was not read")
	}
}

func TestComputedFieldsAreReadAndNotStored(t *testing.T) {
	a := newApplication(t)
	placement := a.placement()
	placement.Status.Clusters = []v1alpha1.ClusterView{{Name: a.source}, {Name: a.target}}
	placements := a.client.DrV1alpha1().DRPlacementControls(a.namespace)
	ok[*v1alpha1.DRPlacementControl](t)(placements.UpdateStatus(t.Context(), placement, metav1.UpdateOptions{}))

	listed := ok[*v1alpha1.DRPlacementControlList](t)(placements.List(t.Context(), metav1.ListOptions{})).Items[0]
	got := a.placement()
	for _, views := range [][]v1alpha1.ClusterView{listed.Status.Clusters, got.Status.Clusters} {
		if views[0].Freshness != v1alpha1.Stale || views[1].Freshness != v1alpha1.Fresh {
			t.Errorf("of a dead and a living cluster it says %+v", views)
		}
	}
	heartbeats.Revive(a.source)
	if view := a.placement().Status.Clusters[0]; view.Freshness != v1alpha1.Fresh {
		t.Errorf("the cluster is back and it says %+v", view)
	}
	// The first write makes its writer a manager of what it wrote.
	ok[*v1alpha1.DRPlacementControl](t)(placements.UpdateStatus(t.Context(), got, metav1.UpdateOptions{}))
	heartbeats.Kill(a.target)
	got = a.placement()
	written := ok[*v1alpha1.DRPlacementControl](t)(placements.UpdateStatus(t.Context(), got, metav1.UpdateOptions{}))
	if written.ResourceVersion != got.ResourceVersion || written.Status.Clusters[0].Freshness != "" {
		t.Errorf("writing back what was read stored %+v", written.Status.Clusters)
	}

	heartbeats.Revive(a.target)
	clusters := a.client.DrV1alpha1().DRClusters()
	cluster := ok[*v1alpha1.DRCluster](t)(clusters.Get(t.Context(), a.target, metav1.GetOptions{}))
	if age := cluster.Status.HeartbeatAge; age == nil || age.Duration < time.Second || age.Duration > time.Minute {
		t.Errorf("the heartbeat is %v old", age)
	}
	rewritten := ok[*v1alpha1.DRCluster](t)(clusters.UpdateStatus(t.Context(), cluster, metav1.UpdateOptions{}))
	if rewritten.ResourceVersion != cluster.ResourceVersion {
		t.Error("writing back the cluster as it was read made a new version")
	}
}

func TestVolumesHaveOneProtector(t *testing.T) {
	client := clientset(t).DrV1alpha1()
	namespace := "ns-" + utilrand.String(6)
	placements := client.DRPlacementControls(namespace)
	ok[*v1alpha1.DRPlacementControl](t)(placements.Create(t.Context(), builder.DRPC("", "first").Obj(), metav1.CreateOptions{}))

	overlapping := builder.DRPC("", "second").Obj()
	overlapping.Spec.PVCSelector.MatchLabels = map[string]string{"tier": "db"}
	_, err := placements.Create(t.Context(), overlapping, metav1.CreateOptions{})
	if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "DRPlacementControl first") {
		t.Errorf("a selector that may select the same: %v", err)
	}
	apart := builder.DRPC("", "third").Obj()
	ok[*v1alpha1.DRPlacementControl](t)(placements.Create(t.Context(), apart, metav1.CreateOptions{}))
	elsewhere := overlapping.DeepCopy()
	ok[*v1alpha1.DRPlacementControl](t)(client.DRPlacementControls(namespace+"-2").Create(t.Context(), elsewhere, metav1.CreateOptions{}))
}

func TestOfConcurrentProtectorsOneIsAccepted(t *testing.T) {
	placements := clientset(t).DrV1alpha1().DRPlacementControls("ns-" + utilrand.String(6))
	names := []string{"a", "b", "c", "d", "e"}
	errs := make([]error, len(names))
	var group sync.WaitGroup
	for i, name := range names {
		group.Go(func() {
			placement := builder.DRPC("", name).Obj()
			placement.Spec.PVCSelector.MatchLabels = map[string]string{"app": "shop"}
			_, errs[i] = placements.Create(t.Context(), placement, metav1.CreateOptions{})
		})
	}
	group.Wait()
	accepted := 0
	for _, err := range errs {
		switch {
		case err == nil:
			accepted++
		case !apierrors.IsInvalid(err):
			t.Error(err)
		}
	}
	if accepted != 1 {
		t.Errorf("%d were accepted: %v", accepted, errs)
	}
}

func TestWhatIsUsedIsNotDeleted(t *testing.T) {
	a := newApplication(t)
	client := a.client.DrV1alpha1()
	policy := a.placement().Spec.DRPolicyRef.Name
	named := metav1.ListOptions{FieldSelector: "metadata.name=" + a.source}

	if err := client.DRClusters().Delete(t.Context(), a.source, metav1.DeleteOptions{}); !apierrors.IsConflict(err) || !strings.Contains(err.Error(), policy) {
		t.Errorf("deleting a cluster that a policy names: %v", err)
	}
	if err := client.DRClusters().DeleteCollection(t.Context(), metav1.DeleteOptions{}, named); !apierrors.IsConflict(err) {
		t.Errorf("deleting a collection of clusters that a policy names: %v", err)
	}
	if err := client.DRPolicies().Delete(t.Context(), policy, metav1.DeleteOptions{}); !apierrors.IsConflict(err) || !strings.Contains(err.Error(), a.namespace+"/shop") {
		t.Errorf("deleting a policy that a placement uses: %v", err)
	}
	for _, unused := range []func() error{
		func() error {
			return client.DRPlacementControls(a.namespace).Delete(t.Context(), "shop", metav1.DeleteOptions{})
		},
		func() error { return client.DRPolicies().Delete(t.Context(), policy, metav1.DeleteOptions{}) },
		func() error { return client.DRClusters().Delete(t.Context(), a.source, metav1.DeleteOptions{}) },
	} {
		if err := unused(); err != nil {
			t.Error(err)
		}
	}
}

func TestRecordsAreNotRewritten(t *testing.T) {
	a := newApplication(t)
	action := ok[*v1alpha1.DRAction](t)(a.failover(deadSource("")))
	a.end(a.target)
	ended := a.placement().Status.CurrentAction.Status
	actions := a.client.DrV1alpha1().DRActions(a.namespace)
	patch := func(subresource, body string) error {
		_, err := patchAction(t, a.namespace, action.Name, subresource, body)
		return err
	}
	if err := patch("", `{"spec":{"reason":"another"}}`); !apierrors.IsInvalid(err) {
		t.Errorf("changing what was asked for: %v", err)
	}
	if err := patch("status", `{"status":{"completionTime":"2026-01-01T00:00:00.000000Z","conditions":[
		{"type":"Complete","status":"True","reason":"Succeeded","message":"","lastTransitionTime":"2026-01-01T00:00:00Z"}]}}`); err != nil {
		t.Errorf("completing the record: %v", err)
	}
	if err := patch("status", `{"status":{"completionTime":"2027-01-01T00:00:00.000000Z"}}`); !apierrors.IsInvalid(err) {
		t.Errorf("changing the record of an ended action: %v", err)
	}
	if err := patch("status", `{"status":{"protectedTime":"2026-01-01T00:01:00.000000Z"}}`); err != nil {
		t.Errorf("filling in when it was protected again: %v", err)
	}
	if err := patch("status", `{"status":{"protectedTime":"2027-01-01T00:01:00.000000Z"}}`); !apierrors.IsInvalid(err) {
		t.Errorf("changing when it was protected again: %v", err)
	}
	if ended.CompletionTime == nil {
		t.Error("the placement's action has not ended")
	}
	if err := actions.Delete(t.Context(), action.Name, metav1.DeleteOptions{}); err != nil {
		t.Error(err)
	}
}
