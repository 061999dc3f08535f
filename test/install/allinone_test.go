// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package install

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

var _ = Describe("A cluster that is hub and managed cluster in one", func() {
	It("protects its own applications with another cluster", func(ctx SpecContext) {
		began := time.Now()
		writeKeys()
		writeFile(playground.Root.Path("all-in-one", "kustomization.yaml"), `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
- ../artifacts/all-in-one
`+serve(framework.DR1))
		By("installing hub and agent on dr1")
		run(ctx, "kubectl apply --context dr1 -k all-in-one")
		run(ctx, "kubectl create --context dr1 -n dr-system configmap dr-cluster --from-literal=name=dr1")
		configure(ctx, framework.DR1)
		run(ctx, "kubectl rollout status --context dr1 -n dr-system deployment/dr-apiserver --timeout=3m")
		run(ctx, "kubectl wait --context dr1 --for=condition=Available apiservice/v1alpha1.dr.ramen.io --timeout=2m")

		By("installing an agent on dr2")
		run(ctx, "kubectl apply --context dr2 -k artifacts/agent")
		configure(ctx, framework.DR2)
		run(ctx, "kubectl drpc join dr2 --context dr1 | kubectl apply --context dr2 -f -")
		run(ctx, "kubectl rollout status --context dr2 -n dr-system deployment/dr-agent --timeout=3m")
		writeFile(playground.Root.Path("policy.yaml"), `
{apiVersion: dr.ramen.io/v1alpha1, kind: DRCluster, metadata: {name: dr1}, spec: {region: east, s3ProfileName: s3-dr1}}
---
{apiVersion: dr.ramen.io/v1alpha1, kind: DRCluster, metadata: {name: dr2}, spec: {region: west, s3ProfileName: s3-dr2}}
---
{apiVersion: dr.ramen.io/v1alpha1, kind: DRPolicy, metadata: {name: dr-policy}, spec: {drClusters: [dr1, dr2], schedulingInterval: 1m}}
`)
		run(ctx, "kubectl apply --context dr1 -f policy.yaml")
		run(ctx, "kubectl wait --context dr1 --for=condition=Validated drcluster/dr1 drcluster/dr2 drpolicy/dr-policy --timeout=2m")

		story(ctx, playground.App("all-in-one").As(playground.Managed[framework.DR1]))
		nobodyWasDenied(began)
		Expect(user(framework.DR1, account{namespace: "dr-agents", name: framework.DR1})).NotTo(BeEmpty(), "the agent in the server is an agent to the hub")

		By("taking everything off")
		run(ctx, "kubectl delete --context dr1 drplacementcontrols --all --all-namespaces")
		run(ctx, "kubectl delete --context dr2 -k artifacts/agent")
		run(ctx, "kubectl delete --context dr1 -k artifacts/hub/apiservice")
		run(ctx, "kubectl delete --context dr1 --ignore-not-found -k all-in-one")
		nothingIsLeft(ctx, framework.DR1, framework.DR2)
	}, SpecTimeout(specTimeout))
})
