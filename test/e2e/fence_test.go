// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// sharedClass is of storage that both clusters reach.
const sharedClass = "sim-shared"

var _ = Describe("A cluster that is lost", Serial, func() {
	It("is fenced off, and let back once it has stopped: shared storage loses nothing, and nobody acknowledges that the cluster may still write",
		func(ctx SpecContext) {
			policy := syncPolicy(ctx)
			shared, replicated := newApp(), protected(ctx)
			Expect(shared.Deploy(ctx, framework.DR1, 1, "--storage-class", sharedClass)).To(Succeed())
			protectBy(ctx, shared, policy)
			settled(ctx, shared, framework.DR1)
			start := countRecords(shared)
			knownAddresses(ctx, framework.DR1)

			disrupt(ctx, []string{"kill", framework.DR1}, []string{"start", framework.DR1})
			awaitDRCluster(ctx, framework.DR1, framework.False[*v1alpha1.DRCluster](v1alpha1.ConditionConnected))

			By("failing over what is on shared storage")
			waiting, err := shared.Failover(ctx, toDR2)
			Expect(err).NotTo(HaveOccurred())
			Expect(waiting.Status.DataLossWindow.Duration.Duration).To(BeZero())
			inStep(ctx, shared, waiting.Name, v1alpha1.StepFence)
			itIsSaid(ctx, shared, waiting.Name, "drclusters/dr1/fence")
			_, err = replicated.Failover(ctx, toDR2)
			Expect(framework.RefusedOnly(err, http.StatusConflict, action.CheckSourceStopped)).To(Succeed())

			fenceDR1(ctx)
			succeeded(ctx, shared, waiting.Name)
			failover := failedOver(ctx, replicated, toDR2)
			itStillWrites(ctx, shared, framework.DR2)
			_, err = unfence(ctx, framework.DR1)
			Expect(framework.RefusedOnly(err, http.StatusConflict, v1alpha1.CheckApplicationsStopped)).To(Succeed())

			do(ctx, "start", framework.DR1)
			Expect(shared.AwaitStopped(ctx, framework.DR1, framework.Replication)).To(Succeed())
			settled(ctx, shared, framework.DR2)
			_, err = shared.Relocate(ctx, toDR1)
			Expect(framework.Refused(err, http.StatusConflict, action.CheckTargetNotFenced)).To(Succeed())
			unfenceDR1(ctx)

			settled(ctx, replicated, framework.DR2)
			atFailover := nothingLostBefore(replicated, failover)
			for _, app := range []*framework.App{shared, replicated} {
				relocated(ctx, app, toDR1)
				itStillWrites(ctx, app, framework.DR1)
			}
			nothingLostSince(replicated, atFailover)
			nothingLostSince(shared, start)
		}, SpecTimeout(2*specTimeout))
})

// syncPolicy is a DRPolicy without an interval.
func syncPolicy(ctx context.Context) string {
	GinkgoHelper()
	policies := playground.Hub.DR.DrV1alpha1().DRPolicies()
	created, err := policies.Create(ctx, &v1alpha1.DRPolicy{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "sync-"},
		Spec:       v1alpha1.DRPolicySpec{DRClusters: []string{framework.DR1, framework.DR2}},
	}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func(ctx SpecContext) {
		if !keep() {
			Expect(policies.Delete(ctx, created.Name, metav1.DeleteOptions{})).To(Succeed())
		}
	})
	_, err = framework.Await(ctx, policies, created.Name, framework.Soon, framework.True[*v1alpha1.DRPolicy](v1alpha1.ConditionValidated))
	Expect(err).NotTo(HaveOccurred())
	return created.Name
}

// protectBy protects an application on dr1 by a policy.
func protectBy(ctx context.Context, app *framework.App, policy string) {
	GinkgoHelper()
	placement := framework.Placement(app.Namespace, app.Name)
	placement.Spec.DRPolicyRef.Name = policy
	_, err := app.Placements().Create(ctx, placement, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
}

// knownAddresses has the cluster's DRCluster say what its storage reports, for the rest of the spec: a driver that goes down
// before its cluster does takes its report back.
func knownAddresses(ctx context.Context, cluster string) {
	GinkgoHelper()
	By("telling the hub from where " + cluster + " reaches its storage")
	configs, clusters := playground.Hub.DR.DrV1alpha1().DRClusterConfigs(), playground.Hub.DR.DrV1alpha1().DRClusters()
	config, err := framework.Await(ctx, configs, cluster, framework.Soon, framework.Wanted[*v1alpha1.DRClusterConfig]{
		What: "with addresses", Reached: func(c *v1alpha1.DRClusterConfig) (bool, string, error) {
			return len(c.Status.StorageAccessDetails) > 0, fmt.Sprintf("%+v", c.Status.StorageAccessDetails), nil
		},
	})
	Expect(err).NotTo(HaveOccurred())
	say := func(ctx context.Context, cidrs []string) {
		patch, err := json.Marshal(map[string]any{"spec": map[string]any{"cidrs": cidrs}})
		Expect(err).NotTo(HaveOccurred())
		_, err = clusters.Patch(ctx, cluster, types.MergePatchType, patch, metav1.PatchOptions{})
		Expect(err).NotTo(HaveOccurred())
	}
	DeferCleanup(func(ctx SpecContext) { say(ctx, nil) })
	say(ctx, config.Status.StorageAccessDetails[0].CIDRs)
	awaitDRCluster(ctx, cluster, framework.True[*v1alpha1.DRCluster](v1alpha1.ConditionCIDRsValidated))
}

// fenceDR1 has dr1 fenced off by dr2.
func fenceDR1(ctx context.Context) {
	GinkgoHelper()
	By("fencing dr1 off")
	clusters := playground.Hub.DR.DrV1alpha1().DRClusters()
	answer, err := clusters.Fence(ctx, framework.DR1, &v1alpha1.ClusterFence{Spec: v1alpha1.ClusterFenceSpec{Reason: "dr1 is gone"}}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	Expect(answer.Status.Request.Peer).To(Equal(framework.DR2))
	awaitDRCluster(ctx, framework.DR1, framework.True[*v1alpha1.DRCluster](v1alpha1.ConditionFenced))
}

func unfence(ctx context.Context, cluster string) (*v1alpha1.ClusterFence, error) {
	return playground.Hub.DR.DrV1alpha1().DRClusters().Unfence(ctx, cluster, &v1alpha1.ClusterFence{}, metav1.CreateOptions{})
}

// unfenceDR1 has dr1 let back as soon as that is not refused.
func unfenceDR1(ctx context.Context) {
	GinkgoHelper()
	By("letting dr1 back")
	Eventually(func() error {
		_, err := unfence(ctx, framework.DR1)
		return err
	}).WithContext(ctx).WithTimeout(framework.Replication).Should(Succeed())
	awaitDRCluster(ctx, framework.DR1, framework.True[*v1alpha1.DRCluster](v1alpha1.ConditionClean))
}
