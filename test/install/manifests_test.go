// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package install

import (
	"context"
	"os"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/spf13/pflag"
	appsv1 "k8s.io/api/apps/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ramendr/dr-apiserver/pkg/apiserver/options"
	"github.com/ramendr/dr-apiserver/test/playground/objects"
)

var _ = Describe("The manifests", func() {
	for _, storage := range storages {
		It("give a server that keeps its objects "+where[storage]+" the time that it takes to end", func(ctx SpecContext) {
			rendered := render(ctx, "artifacts/hub/overlays/"+storage)
			deployment := find[appsv1.Deployment](rendered, "Deployment")
			pod := deployment.Spec.Template.Spec
			o := parse(pod.Containers[0].Args)
			needed := o.ServerRun.ShutdownDelayDuration + o.ServerRun.RequestTimeout + o.ServerRun.ShutdownWatchTerminationGracePeriod
			Expect(*pod.TerminationGracePeriodSeconds).To(BeNumerically(">=", needed.Seconds()),
				"shutdown delay, requests in flight and watches take %s", needed)
			if storage == "embedded" {
				Expect(*deployment.Spec.Replicas).To(BeEquivalentTo(1))
				Expect(deployment.Spec.Strategy.Type).To(Equal(appsv1.RecreateDeploymentStrategyType), "two processes can't share the store")
				return
			}
			Expect(*deployment.Spec.Replicas).To(BeNumerically(">", 1))
			Expect(o.ServerRun.ShutdownDelayDuration).NotTo(BeZero(), "nobody is to be sent to a replica that has gone")
			budget := find[policyv1.PodDisruptionBudget](rendered, "PodDisruptionBudget")
			Expect(budget.Spec.Selector).To(Equal(deployment.Spec.Selector))
			Expect(budget.Spec.MaxUnavailable.IntValue()).To(BeNumerically("<", *deployment.Spec.Replicas))
			for _, volume := range pod.Volumes {
				Expect(volume.PersistentVolumeClaim).To(BeNil(), "replicas on several nodes share no volume")
			}
		}, SpecTimeout(specTimeout))
	}

	It("give the server flags that go together, whatever is chosen", func(ctx SpecContext) {
		for _, storage := range storages {
			for _, certificate := range certificates {
				deployment := find[appsv1.Deployment](render(ctx, choose(storage, certificate, "")), "Deployment")
				o := parse(deployment.Spec.Template.Spec.Containers[0].Args)
				Expect(o.Storage).To(Equal(storage))
				Expect(o.Validate()).To(Succeed(), "%s and %s", storage, certificate)
				Expect(o.ServingCert.Secret == "").To(Equal(o.SecureServing.ServerCert.CertKey.CertFile != ""), "one certificate with %s", certificate)
			}
		}
	}, SpecTimeout(specTimeout))

	It("run the programs of the image as its user", func(ctx SpecContext) {
		dockerfile, err := os.ReadFile(source.Path("Dockerfile"))
		Expect(err).NotTo(HaveOccurred())
		stages := strings.Split(string(dockerfile), "\nFROM ")
		image := stages[len(stages)-1]
		Expect(image).To(HavePrefix("scratch\n"))
		Expect(image).To(ContainSubstring("\nUSER 65532:65532\n"))
		for _, kustomization := range []string{"artifacts/hub/overlays/embedded", "artifacts/agent"} {
			pod := find[appsv1.Deployment](render(ctx, kustomization), "Deployment").Spec.Template.Spec
			Expect(*pod.SecurityContext.RunAsUser).To(BeEquivalentTo(65532))
			Expect(*pod.SecurityContext.RunAsGroup).To(BeEquivalentTo(65532))
			_, err := os.Stat(source.Path("bin", "image", pod.Containers[0].Command[0]))
			Expect(err).NotTo(HaveOccurred(), "hack/build-release.sh builds what %s runs", kustomization)
		}
	}, SpecTimeout(specTimeout))
})

var where = map[string]string{"embedded": "in itself", "etcd": "in an etcd that exists", "host": "in the hub"}

// parse is what the server makes of its arguments.
func parse(args []string) *options.Options {
	GinkgoHelper()
	o := options.NewOptions()
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, section := range o.Flags().FlagSets {
		flags.AddFlagSet(section)
	}
	Expect(flags.Parse(args)).To(Succeed())
	return o
}

func render(ctx context.Context, kustomization string) []*unstructured.Unstructured {
	GinkgoHelper()
	text, err := kubectl(ctx, "kustomize", kustomization)
	Expect(err).NotTo(HaveOccurred())
	rendered, err := objects.Decode(strings.NewReader(text))
	Expect(err).NotTo(HaveOccurred())
	return rendered
}

// find is the object of a kind.
func find[T any](rendered []*unstructured.Unstructured, kind string) *T {
	GinkgoHelper()
	for _, object := range rendered {
		if object.GetKind() == kind {
			typed := new(T)
			Expect(runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, typed)).To(Succeed())
			return typed
		}
	}
	Fail("there is no " + kind)
	return nil
}
