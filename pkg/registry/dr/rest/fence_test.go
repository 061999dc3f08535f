// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

// fenceable gives both clusters of an application the same storage, and a class of fences.
func (a *application) fenceable() {
	a.Helper()
	for i, cluster := range []string{a.source, a.target} {
		config := builder.DRClusterConfig(cluster).StorageClass("shared", "csi.example.com", "array").Obj()
		config.Status.NetworkFenceClasses = []v1alpha1.ClassInfo{{Name: "fence", Provisioner: "csi.example.com"}}
		config.Status.StorageAccessDetails = []v1alpha1.StorageAccessDetail{
			{StorageProvisioner: "csi.example.com", CIDRs: []string{[]string{"10.0.1.0/24", "10.0.2.0/24"}[i]}},
		}
		configs := a.client.DrV1alpha1().DRClusterConfigs()
		created := ok[*v1alpha1.DRClusterConfig](a.T)(configs.Create(a.Context(), config, metav1.CreateOptions{}))
		created.Status = config.Status
		ok[*v1alpha1.DRClusterConfig](a.T)(configs.UpdateStatus(a.Context(), created, metav1.UpdateOptions{}))
	}
}

func (a *application) fence(spec v1alpha1.ClusterFenceSpec, dryRun ...string) (*v1alpha1.ClusterFence, error) {
	return a.client.DrV1alpha1().DRClusters().Fence(a.Context(), a.source, &v1alpha1.ClusterFence{Spec: spec}, metav1.CreateOptions{DryRun: dryRun})
}

func (a *application) unfence(spec v1alpha1.ClusterFenceSpec) (*v1alpha1.ClusterFence, error) {
	return a.client.DrV1alpha1().DRClusters().Unfence(a.Context(), a.source, &v1alpha1.ClusterFence{Spec: spec}, metav1.CreateOptions{})
}

func (a *application) cluster() *v1alpha1.DRCluster {
	a.Helper()
	return ok[*v1alpha1.DRCluster](a.T)(a.client.DrV1alpha1().DRClusters().Get(a.Context(), a.source, metav1.GetOptions{}))
}

// causes are the types of a refusal's causes.
func causes(t *testing.T, err error) []string {
	t.Helper()
	var refusal *apierrors.StatusError
	if !errors.As(err, &refusal) || refusal.ErrStatus.Details == nil {
		t.Fatalf("got %v, want a refusal with causes", err)
	}
	var types []string
	for _, cause := range refusal.ErrStatus.Details.Causes {
		types = append(types, string(cause.Type))
	}
	return types
}

func TestAcceptedFenceIsInTheClusterWithWhoAskedAndWhy(t *testing.T) {
	a := newApplication(t)
	a.fenceable()
	before := a.cluster()

	tried := ok[*v1alpha1.ClusterFence](t)(a.fence(v1alpha1.ClusterFenceSpec{}, metav1.DryRunAll))
	if tried.Status.Request == nil || len(tried.Status.Checks) == 0 || a.cluster().ResourceVersion != before.ResourceVersion {
		t.Fatalf("a dry run answers %+v and changed the cluster: %t", tried.Status, a.cluster().ResourceVersion != before.ResourceVersion)
	}

	answer := ok[*v1alpha1.ClusterFence](t)(a.fence(v1alpha1.ClusterFenceSpec{Reason: "the site burns"}))
	cluster := a.cluster()
	request := cluster.Status.Fence
	switch {
	case request == nil || !apiequality.Semantic.DeepEqual(request, answer.Status.Request):
		t.Fatalf("the cluster has %+v, the answer was %+v", request, answer.Status.Request)
	case request.Peer != a.target || !slices.Equal(request.CIDRs, []string{"10.0.1.0/24"}) || !slices.Equal(request.NetworkFenceClasses, []string{"fence"}):
		t.Errorf("%s is to fence %v off by %v", request.Peer, request.CIDRs, request.NetworkFenceClasses)
	case request.RequestedBy != user || request.Reason != "the site burns" || request.RequestedTime.IsZero():
		t.Errorf("on record is %+v", request)
	case cluster.Status.Phase != v1alpha1.ClusterFencing || meta.IsStatusConditionTrue(cluster.Status.Conditions, v1alpha1.ConditionFenced):
		t.Errorf("the cluster is %s and has %+v, though nobody has fenced it yet", cluster.Status.Phase, cluster.Status.Conditions)
	case cluster.Generation != before.Generation:
		t.Errorf("generation went from %d to %d though no spec changed", before.Generation, cluster.Generation)
	}

	again := ok[*v1alpha1.ClusterFence](t)(a.fence(v1alpha1.ClusterFenceSpec{Reason: "still"}))
	if again.Status.Request.Number != request.Number || a.cluster().ResourceVersion != cluster.ResourceVersion {
		t.Errorf("repeating it made it request %d", again.Status.Request.Number)
	}
}

func TestFenceIsRefusedWithOneCausePerCheck(t *testing.T) {
	t.Run("nobody can carry it out", func(t *testing.T) {
		a := newApplication(t)
		a.fenceable()
		heartbeats.Kill(a.target)
		_, err := a.fence(v1alpha1.ClusterFenceSpec{})
		if got := causes(t, err); !slices.Equal(got, []string{v1alpha1.CheckPeerAvailable}) {
			t.Errorf("refused for %v: %v", got, err)
		}
		if a.cluster().Status.Fence != nil {
			t.Error("the refused request is in the cluster")
		}
	})
	t.Run("nothing is known of its storage, and its application is alive", func(t *testing.T) {
		a := newApplication(t)
		heartbeats.Revive(a.source)
		_, err := a.fence(v1alpha1.ClusterFenceSpec{})
		want := []string{v1alpha1.CheckFenceClassKnown, v1alpha1.CheckCIDRsKnown, v1alpha1.CheckApplicationsDown}
		if got := causes(t, err); !slices.Equal(got, want) {
			t.Errorf("refused for %v, want %v: %v", got, want, err)
		}
	})
	t.Run("it is another cluster's request", func(t *testing.T) {
		a := newApplication(t)
		_, err := a.client.DrV1alpha1().DRClusters().Fence(t.Context(), a.source,
			&v1alpha1.ClusterFence{ObjectMeta: metav1.ObjectMeta{Name: a.target}}, metav1.CreateOptions{})
		if !apierrors.IsInvalid(err) {
			t.Errorf("got %v, want a refusal of the name", err)
		}
	})
	t.Run("it was never fenced", func(t *testing.T) {
		a := newApplication(t)
		_, err := a.unfence(v1alpha1.ClusterFenceSpec{Manual: true})
		if got := causes(t, err); !slices.Equal(got, []string{v1alpha1.CheckPeerAvailable}) || !strings.Contains(err.Error(), "never fenced") {
			t.Errorf("refused for %v: %v", got, err)
		}
	})
}

func TestFailoverNeedsNoAcknowledgementOfAClusterFencedByHand(t *testing.T) {
	a := newApplication(t)
	ok[*v1alpha1.ClusterFence](t)(a.fence(v1alpha1.ClusterFenceSpec{Manual: true, Reason: "power is off"}))
	if cluster := a.cluster(); !meta.IsStatusConditionTrue(cluster.Status.Conditions, v1alpha1.ConditionFenced) || cluster.Status.Phase != v1alpha1.ClusterFenced {
		t.Fatalf("the cluster is %s and has %+v", cluster.Status.Phase, cluster.Status.Conditions)
	}
	ok[*v1alpha1.DRAction](t)(a.failover(&v1alpha1.DRAction{}))

	_, err := a.unfence(v1alpha1.ClusterFenceSpec{Manual: true})
	want := []string{v1alpha1.CheckNoActionWaiting, v1alpha1.CheckApplicationsStopped}
	a.end(a.target)
	if got := causes(t, err); !slices.Contains(got, want[0]) {
		t.Errorf("during the failover refused for %v, want %v: %v", got, want, err)
	}
	_, err = a.unfence(v1alpha1.ClusterFenceSpec{Manual: true})
	if got := causes(t, err); !slices.Equal(got, want[1:]) {
		t.Errorf("after the failover refused for %v, want %v: %v", got, want[1:], err)
	}
	if err := a.client.DrV1alpha1().DRClusters().Delete(t.Context(), a.source, metav1.DeleteOptions{}); !apierrors.IsConflict(err) || !strings.Contains(err.Error(), "unfence it first") {
		t.Errorf("deleting a fenced cluster: %v", err)
	}
}
