// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package install

import (
	"context"
	"encoding/base64"
	"fmt"
	"os/exec"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
	"github.com/ramendr/dr-apiserver/test/playground/component"
	"github.com/ramendr/dr-apiserver/test/playground/network"
	"github.com/ramendr/dr-apiserver/test/playground/pki"
)

// choices for a hub, as docs/install.md lists them.
var (
	storages     = []string{"embedded", "etcd", "host"}
	certificates = []string{"self-issued", "cert-manager", "given"}
)

var _ = Describe("A hub", Ordered, func() {
	BeforeAll(func(ctx SpecContext) {
		writeKeys()
		_, err := kubectl(ctx, "apply", "--context", framework.Hub, "-f", "artifacts/hub/rbac/namespaces.yaml")
		Expect(err).NotTo(HaveOccurred())
		_, err = kubectl(ctx, "apply", "--context", framework.Hub, "--server-side", "-f", "bin/tools/crds/cert-manager")
		Expect(err).NotTo(HaveOccurred())
		_, err = kubectl(ctx, "wait", "--context", framework.Hub, "--for=condition=Established", "crd", "--all")
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func(ctx SpecContext) {
			_, err := kubectl(ctx, "delete", "--context", framework.Hub, "-f", "bin/tools/crds/cert-manager")
			Expect(err).NotTo(HaveOccurred())
		})
	}, NodeTimeout(specTimeout))

	It("accepts every object of every storage, of every certificate, of the agent and of all in one", func(ctx SpecContext) {
		kustomizations := []string{"artifacts/agent", "artifacts/all-in-one"}
		for _, storage := range storages {
			kustomizations = append(kustomizations, "artifacts/hub/overlays/"+storage)
		}
		for _, certificate := range certificates[1:] {
			kustomizations = append(kustomizations, choose(storages[0], certificate, ""))
		}
		for _, kustomization := range kustomizations {
			By("trying " + kustomization)
			output, err := kubectl(ctx, "apply", "--context", framework.Hub, "--dry-run=server", "--validate=strict", "-k", kustomization)
			Expect(err).NotTo(HaveOccurred())
			Expect(output).To(ContainSubstring("deployment.apps/dr-"))
			Expect(output).NotTo(ContainSubstring("Warning"))
		}
	}, SpecTimeout(specTimeout))

	It("refuses pods in dr-system that are not restricted", func(ctx SpecContext) {
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "root"},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "root", Image: "root"}}},
		}
		_, err := playground.Hub.Kube.CoreV1().Pods(component.SystemNamespace).Create(ctx, pod, metav1.CreateOptions{})
		Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
		Expect(err).To(MatchError(ContainSubstring(`violates PodSecurity "restricted`)))
	}, SpecTimeout(specTimeout))

	It("serves from an etcd that exists, with a given certificate, and is replaced without anybody noticing", func(ctx SpecContext) {
		tryHub(ctx, "etcd", "given", func() {
			startEtcd(ctx)
			giveCertificate(ctx)
		})
	}, SpecTimeout(specTimeout))

	It("serves from the hub itself, with a certificate of its own, and is replaced without anybody noticing", func(ctx SpecContext) {
		tryHub(ctx, "host", "self-issued", func() {})
	}, SpecTimeout(specTimeout))
})

// choose writes a kustomization of a hub, with more at its end, and returns its directory.
func choose(storage, certificate, more string) string {
	GinkgoHelper()
	directory := "hub-" + storage + "-" + certificate
	writeFile(playground.Root.Path(directory, "kustomization.yaml"), fmt.Sprintf(`apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
- ../artifacts/hub/base
components:
- ../artifacts/hub/storage/%s
- ../artifacts/hub/certificate/%s
%s`, storage, certificate, more))
	return directory
}

// tryHub installs a hub, after what is to be made for it, replaces both of its replicas while it is read and written, and takes
// it off again.
func tryHub(ctx context.Context, storage, certificate string, prepare func()) {
	GinkgoHelper()
	began := time.Now()
	directory := choose(storage, certificate, serve(framework.Hub))
	By("installing it")
	run(ctx, "kubectl apply --context hub -k "+directory)
	configure(ctx, framework.Hub)
	prepare()
	run(ctx, "kubectl rollout status --context hub -n dr-system deployment/dr-apiserver --timeout=3m")
	run(ctx, "kubectl wait --context hub --for=condition=Available apiservice/v1alpha1.dr.ramen.io --timeout=2m")
	clusters := playground.Hub.DR.DrV1alpha1().DRClusters()
	// The kube-apiserver says that it passes requests on a moment before it does.
	Eventually(ctx, func() error {
		_, err := clusters.Create(ctx, &v1alpha1.DRCluster{
			ObjectMeta: metav1.ObjectMeta{Name: "one"}, Spec: v1alpha1.DRClusterSpec{Region: "east", S3ProfileName: "s3-dr1"},
		}, metav1.CreateOptions{})
		return err
	}).WithTimeout(framework.Soon).Should(Succeed(), podLogs)

	By("replacing its replicas while it is read and written")
	replaced := make(chan error, 1)
	go func() {
		_, err := shell(ctx, "kubectl rollout restart --context hub -n dr-system deployment/dr-apiserver && "+
			"kubectl rollout status --context hub -n dr-system deployment/dr-apiserver --timeout=3m")
		replaced <- err
	}()
	requests := 0
	for done := false; !done; {
		select {
		case err := <-replaced:
			Expect(err).NotTo(HaveOccurred(), podLogs)
			done = true
		default:
		}
		label := fmt.Appendf(nil, `{"metadata":{"labels":{"request":"%d"}}}`, requests)
		_, err := clusters.Patch(ctx, "one", "application/merge-patch+json", label, metav1.PatchOptions{})
		Expect(err).NotTo(HaveOccurred(), podLogs)
		one, err := clusters.Get(ctx, "one", metav1.GetOptions{})
		Expect(err).NotTo(HaveOccurred(), podLogs)
		Expect(one.Labels).To(HaveKeyWithValue("request", fmt.Sprint(requests)))
		requests++
	}
	AddReportEntry("Requests while replicas were replaced", fmt.Sprintf("%d, all answered", 2*requests))
	nobodyWasDenied(began)

	By("taking it off")
	run(ctx, "kubectl delete --context hub -k artifacts/hub/apiservice")
	run(ctx, "kubectl delete --context hub --ignore-not-found -k "+directory)
	nothingIsLeft(ctx, framework.Hub)
}

// configure makes the RamenConfig and the object stores' keys, as docs/install.md says.
func configure(ctx context.Context, name string) {
	GinkgoHelper()
	run(ctx, "kubectl create --context "+name+" -n dr-system configmap dr-config --from-file=ramen_manager_config.yaml="+
		playground.Root.Run(name, "ramen_manager_config.yaml"))
	for _, store := range []string{"s3-dr1", "s3-dr2"} {
		run(ctx, "kubectl create --context "+name+" -n dr-system secret generic "+store+" --from-env-file="+store+".env")
	}
}

// run runs a command that has to succeed.
func run(ctx context.Context, command string) {
	GinkgoHelper()
	_, err := shell(ctx, command)
	Expect(err).NotTo(HaveOccurred(), podLogs)
}

// startEtcd runs an etcd that wants certificates, until the spec ends, and makes the Secret that leads there.
func startEtcd(ctx context.Context) {
	GinkgoHelper()
	const clients, peers = "etcd/clients", "etcd/peers"
	Expect(ports.Reserve(clients, peers)).To(Succeed())
	directory := pki.Directory(playground.Root.Run("etcd-pki"))
	Expect(directory.Ensure(map[string]pki.Subject{
		"server": {User: "etcd", Hosts: []string{"127.0.0.1"}}, "client": {User: "dr-apiserver"},
	})).To(Succeed())
	url, peer := "https://"+network.Address(ports.Get(clients)), "http://"+network.Address(ports.Get(peers))
	etcd := exec.Command(source.Tool("etcd"), "--data-dir="+playground.Root.Run("etcd"), "--log-level=error",
		"--listen-client-urls="+url, "--advertise-client-urls="+url, "--listen-peer-urls="+peer,
		"--initial-advertise-peer-urls="+peer, "--initial-cluster=default="+peer, "--unsafe-no-fsync",
		"--cert-file="+directory.Path("server.crt"), "--key-file="+directory.Path("server.key"),
		"--client-cert-auth", "--trusted-ca-file="+directory.Path("ca.crt"))
	etcd.Stdout, etcd.Stderr = GinkgoWriter, GinkgoWriter
	Expect(etcd.Start()).To(Succeed())
	DeferCleanup(func() {
		_ = etcd.Process.Kill()
		_ = etcd.Wait()
	})
	run(ctx, strings.Join([]string{"kubectl create --context hub -n dr-system secret generic dr-etcd",
		"--from-literal=servers=" + url, "--from-file=ca.crt=" + directory.Path("ca.crt"),
		"--from-file=tls.crt=" + directory.Path("client.crt"), "--from-file=tls.key=" + directory.Path("client.key")}, " "))
}

// giveCertificate makes a certificate as an administrator would.
func giveCertificate(ctx context.Context) {
	GinkgoHelper()
	directory := pki.Directory(playground.Root.Run("given-pki"))
	Expect(directory.Ensure(map[string]pki.Subject{"server": component.DRAPIServerCertificate()})).To(Succeed())
	ca, err := directory.CA()
	Expect(err).NotTo(HaveOccurred())
	run(ctx, "kubectl create --context hub -n dr-system secret tls dr-apiserver-tls --cert="+directory.Path("server.crt")+
		" --key="+directory.Path("server.key"))
	run(ctx, fmt.Sprintf(`kubectl patch --context hub apiservice v1alpha1.dr.ramen.io --type=merge -p '{"spec":{"caBundle":"%s"}}'`,
		base64.StdEncoding.EncodeToString(ca)))
}
