// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package lifetime

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// gracePeriod is how long a kubelet waits before it kills, unless told otherwise.
const gracePeriod = 30 * time.Second

// gentle are the flags of a server that tells before it leaves, and leaves a busy machine the time to hear it.
var gentle = []string{"--shutdown-delay-duration=5s"}

var _ = Describe("A shutdown", func() {
	It("of one replica after the other is noticed by no client", func(ctx SpecContext) {
		_, flags := shared(ctx)
		flags = append(flags, gentle...)
		replicas := []*server{newServer(serverNames[0], flags...), newServer(serverNames[1], flags...)}
		for _, s := range replicas {
			Expect(s.Start(ctx)).To(Succeed())
		}
		announce(ctx, hub.CA)
		load := startTraffic(ctx)
		load.goesOn(ctx)
		for _, s := range replicas {
			By("replacing " + s.Name)
			Expect(s.Terminate(ctx)).To(Succeed())
			Expect(s.Start(ctx)).To(Succeed())
			load.goesOn(ctx)
		}
		Expect(load.finish()).To(Succeed())
		Expect(load.answers.tryAgain.Load()).To(BeZero(), "nobody was asked to try again")
	}, SpecTimeout(specTimeout))

	It("asks clients to connect anew while the server still answers them", func(ctx SpecContext) {
		s := embedded(ctx, append(quiet, "--shutdown-delay-duration=4s")...)
		client, connections := counting(s)
		list := func() {
			GinkgoHelper()
			_, err := client.DR.DrV1alpha1().DRClusters().List(ctx, metav1.ListOptions{})
			Expect(err).NotTo(HaveOccurred())
		}
		list()
		ended := make(chan error, 1)
		go func() { ended <- s.Terminate(ctx) }()
		for connections.Load() < 2 {
			list()
		}
		Expect(<-ended).To(Succeed())
	}, SpecTimeout(specTimeout))

	It("hands the controllers over as soon as it begins", func(ctx SpecContext) {
		_, flags := shared(ctx)
		leader, other := newServer(serverNames[0], append(flags, "--shutdown-delay-duration=1h")...), newServer(serverNames[1], flags...)
		Expect(leader.Start(ctx)).To(Succeed())
		holder := awaitLeader(ctx, Not(BeEmpty()))
		Expect(other.Start(ctx)).To(Succeed())
		terminating, kill := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- leader.Terminate(terminating) }()
		awaitLeader(ctx, Not(Or(BeEmpty(), Equal(holder))))
		code, body := leader.check(ctx, "/livez")
		Expect(code).To(Equal(http.StatusOK), body)
		kill()
		Expect(<-ended).To(MatchError(context.Canceled))
	}, SpecTimeout(specTimeout))

	It("lets a failover that was begun be answered, begins no other, and loses neither", func(ctx SpecContext) {
		held := newWebhook(ctx)
		s := embedded(ctx, "--enable-controllers=false")
		app := newApplication(ctx, s)
		answered := make(chan error, 1)
		var action *v1alpha1.DRAction
		go func() {
			var err error
			action, err = app.failover(ctx, hub.DR, "before")
			answered <- err
		}()
		request := held.await(ctx)
		ended := make(chan error, 1)
		go func() { ended <- s.Terminate(ctx) }()
		By("asking for another one while it shuts down")
		Eventually(ctx, func() string { _, body := s.check(ctx, "/readyz"); return body }).Should(ContainSubstring("[-]shutdown failed"))
		Eventually(ctx, func() error {
			return s.direct().DR.DrV1alpha1().RESTClient().Post().Namespace(app.namespace).Resource("drplacementcontrols").Name("shop").
				SubResource("failover").Body(app.request("during")).MaxRetries(0).Do(ctx).Error()
		}).Should(Satisfy(apierrors.IsTooManyRequests))
		By("letting the first one go on")
		request.allow()
		Expect(<-answered).To(Succeed())
		Expect(<-ended).To(Succeed())
		Expect(action.Name).To(Equal("before"))
		Expect(s.Start(ctx)).To(Succeed())
		awaitAnswer(ctx)
		placement, err := hub.DR.DrV1alpha1().DRPlacementControls(app.namespace).Get(ctx, "shop", metav1.GetOptions{})
		Expect(err).NotTo(HaveOccurred())
		Expect(placement.Status.CurrentAction).To(HaveField("Name", "before"))
		actions, err := hub.DR.DrV1alpha1().DRActions(app.namespace).List(ctx, metav1.ListOptions{})
		Expect(err).NotTo(HaveOccurred())
		Expect(actions.Items).To(HaveExactElements(HaveField("UID", action.UID)))
	}, SpecTimeout(specTimeout))

	It("ends watches as if they had timed out, and does not wait for their clients", func(ctx SpecContext) {
		s := embedded(ctx)
		body, err := s.direct().DR.DrV1alpha1().RESTClient().Get().Resource("drclusters").
			VersionedParams(&metav1.ListOptions{Watch: true}, metav1.ParameterCodec).Stream(ctx)
		Expect(err).NotTo(HaveOccurred())
		defer body.Close()
		read := make(chan error, 1)
		go func() {
			_, err := io.ReadAll(body)
			read <- err
		}()
		patient, cancel := context.WithTimeout(ctx, gracePeriod)
		defer cancel()
		Expect(s.Terminate(patient)).To(Succeed())
		Expect(<-read).To(Succeed(), "the watch has an end")
	}, SpecTimeout(specTimeout))

	It("is not needed for clients to be spread: with --goaway-chance they connect anew now and then", func(ctx SpecContext) {
		s := embedded(ctx, "--goaway-chance=0.02")
		client, connections := counting(s)
		for connections.Load() < 3 && ctx.Err() == nil {
			_, err := client.DR.DrV1alpha1().DRClusters().List(ctx, metav1.ListOptions{})
			Expect(err).NotTo(HaveOccurred())
		}
	}, SpecTimeout(specTimeout))
})

// counting is the admin's way to the server, and how many connections it takes.
func counting(s *server) (*framework.Identity, *atomic.Int64) {
	GinkgoHelper()
	connections := &atomic.Int64{}
	config := rest.CopyConfig(s.direct().Config)
	config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		connections.Add(1)
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	client, err := framework.NewIdentity(config)
	Expect(err).NotTo(HaveOccurred())
	return client, connections
}

var _ = Describe("Metrics", func() {
	It("of requests, storage and controllers are told to who may see them", func(ctx SpecContext) {
		s := embedded(ctx)
		metrics := func(ctx context.Context) (string, error) {
			text, err := s.direct().Kube.CoreV1().RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
			return string(text), err
		}
		for _, name := range []string{
			"apiserver_request_total", "apiserver_storage_size_bytes", "etcd_request_duration_seconds_bucket", "workqueue_depth",
			"rest_client_requests_total", "controller_runtime_max_concurrent_reconciles", "controller_runtime_reconcile_total",
		} {
			// Requests are served before the controllers run.
			Eventually(metrics).WithContext(ctx).Should(ContainSubstring("\n"+name), name)
		}
		code, _ := s.check(ctx, "/metrics")
		Expect(code).To(Equal(http.StatusForbidden))
	}, SpecTimeout(specTimeout))
})
