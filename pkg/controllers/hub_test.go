// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/informers"
	kubefake "k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/apiserver/apiservertest"
	"github.com/ramendr/dr-apiserver/pkg/controllers"
	"github.com/ramendr/dr-apiserver/pkg/generated/clientset/versioned"
	"github.com/ramendr/dr-apiserver/pkg/generated/informers/externalversions"
	"github.com/ramendr/dr-apiserver/pkg/heartbeat"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

const agentNamespace = "dr-agents"

// hub is a server, its controllers, and agents that do at once what they are told.
type hub struct {
	t       testing.TB
	client  versioned.Interface
	counted *rest.Config
	kube    *kubefake.Clientset
	tracker *heartbeat.Tracker
	// requests counts what the controllers ask of the server, by method and resource.
	requests *requests
}

type everyBucket struct{}

func (everyBucket) CheckBucket(context.Context, string) error { return nil }

func startHub(t testing.TB) *hub {
	t.Helper()
	h := &hub{t: t, kube: kubefake.NewClientset(), tracker: heartbeat.NewTracker(clock.RealClock{}), requests: &requests{}}
	for _, cluster := range []string{builder.DR1, builder.DR2} {
		h.renew(cluster)
	}
	leases := informers.NewSharedInformerFactoryWithOptions(h.kube, 0, informers.WithNamespace(agentNamespace))
	if _, err := h.tracker.Watch(leases.Coordination().V1().Leases().Informer()); err != nil {
		t.Fatal(err)
	}
	leases.StartWithContext(t.Context())
	leases.WaitForCacheSync(t.Context().Done())

	server, err := apiservertest.Start(h.tracker)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	config := server.As("admin")
	config.QPS = -1
	if h.client, err = versioned.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	h.counted = rest.CopyConfig(config)
	h.counted.Wrap(func(next http.RoundTripper) http.RoundTripper {
		h.requests.next = next
		return h.requests
	})
	return h
}

// run runs the controllers until they are stopped, at the latest at the end of the test.
func (h *hub) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c := controllers.Config{Loopback: h.counted, Heartbeat: h.tracker, AgentNamespace: agentNamespace}
		if err := controllers.RunForTest(ctx, c, everyBucket{}); err != nil {
			h.t.Error(err)
		}
	}()
	stop = func() {
		cancel()
		<-done
	}
	h.t.Cleanup(stop)
	return stop
}

// renew is what an agent does to its Lease.
func (h *hub) renew(cluster string) {
	h.t.Helper()
	lease := &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: agentNamespace, Name: cluster},
		Spec: coordinationv1.LeaseSpec{
			RenewTime: &metav1.MicroTime{Time: time.Now()}, LeaseDurationSeconds: ptr.To[int32](3600),
		},
	}
	if _, err := h.kube.CoordinationV1().Leases(agentNamespace).Create(h.t.Context(), lease, metav1.CreateOptions{}); err != nil {
		h.t.Fatal(err)
	}
}

// lose takes a cluster's Lease away, as if it had run out.
func (h *hub) lose(cluster string) {
	h.t.Helper()
	if err := h.kube.CoordinationV1().Leases(agentNamespace).Delete(h.t.Context(), cluster, metav1.DeleteOptions{}); err != nil {
		h.t.Fatal(err)
	}
}

// requests counts what goes through it.
type requests struct {
	next   http.RoundTripper
	lock   sync.Mutex
	counts map[string]int
}

func (r *requests) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method != http.MethodGet {
		parts := strings.Split(strings.Trim(request.URL.Path, "/"), "/")
		what := request.Method + " " + parts[5]
		if len(parts) > 7 {
			what += "/" + parts[7]
		}
		r.lock.Lock()
		if r.counts == nil {
			r.counts = map[string]int{}
		}
		r.counts[what]++
		r.lock.Unlock()
	}
	return r.next.RoundTrip(request)
}

func (r *requests) take() map[string]int {
	r.lock.Lock()
	defer r.lock.Unlock()
	taken := r.counts
	r.counts = nil
	return taken
}

// admin makes clusters, classes and policy.
func (h *hub) admin() {
	h.t.Helper()
	ctx := h.t.Context()
	for cluster, storage := range map[string]string{builder.DR1: "one", builder.DR2: "two"} {
		if _, err := h.client.DrV1alpha1().DRClusters().Create(ctx, builder.DRCluster(cluster).New().Obj(), metav1.CreateOptions{}); err != nil {
			h.t.Fatal(err)
		}
		config := builder.DRClusterConfig(cluster).StorageClass("fast", "csi", storage).
			ReplicationClass("5m", "csi", "5m", v1alpha1.LabelReplicationID, "mirror").Obj()
		created, err := h.client.DrV1alpha1().DRClusterConfigs().Create(ctx, config, metav1.CreateOptions{})
		if err != nil {
			h.t.Fatal(err)
		}
		created.Status = config.Status
		if _, err := h.client.DrV1alpha1().DRClusterConfigs().UpdateStatus(ctx, created, metav1.UpdateOptions{}); err != nil {
			h.t.Fatal(err)
		}
	}
	if _, err := h.client.DrV1alpha1().DRPolicies().Create(ctx, builder.DRPolicy(builder.PolicyName).New().Obj(), metav1.CreateOptions{}); err != nil {
		h.t.Fatal(err)
	}
}

// agent does at once what the groups of its cluster say, as long as it is not stopped.
func (h *hub) agent(cluster string) (stop func()) {
	h.t.Helper()
	ctx, cancel := context.WithCancel(h.t.Context())
	factory := externalversions.NewSharedInformerFactoryWithOptions(h.client, 0,
		externalversions.WithTweakListOptions(func(o *metav1.ListOptions) { o.FieldSelector = "spec.clusterName=" + cluster }))
	obey := func(obj any) { go h.obey(ctx, obj.(*v1alpha1.VolumeReplicationGroup).DeepCopy()) }
	if _, err := factory.Dr().V1alpha1().VolumeReplicationGroups().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: obey, UpdateFunc: func(_, obj any) { obey(obj) },
	}); err != nil {
		h.t.Fatal(err)
	}
	factory.StartWithContext(ctx)
	return cancel
}

func (h *hub) obey(ctx context.Context, group *v1alpha1.VolumeReplicationGroup) {
	groups := h.client.DrV1alpha1().VolumeReplicationGroups(group.Namespace)
	var err error
	switch {
	case group.DeletionTimestamp != nil:
		group.Finalizers = nil
		_, err = groups.Update(ctx, group, metav1.UpdateOptions{})
	case group.Status.ObservedGeneration != group.Generation:
		_, err = groups.UpdateStatus(ctx, report(group), metav1.UpdateOptions{})
	}
	if err != nil && ctx.Err() == nil {
		// Whatever was in the way comes as another event.
		h.t.Logf("agent of %s: %v", group.Spec.ClusterName, err)
	}
}

// report is what an agent says that has done at once what it was told.
func report(group *v1alpha1.VolumeReplicationGroup) *v1alpha1.VolumeReplicationGroup {
	b := builder.VRG(group.Namespace, group.Labels[v1alpha1.LabelDRPlacementControl], group.Spec.ClusterName)
	state := v1alpha1.SecondaryState
	if group.Spec.ReplicationState == v1alpha1.Primary {
		b.Primary(group.Spec.Epoch, group.Spec.Action)
		state = v1alpha1.PrimaryState
	} else {
		b.Secondary(group.Spec.Epoch, group.Spec.Action)
		if group.Spec.Action == v1alpha1.VRGActionRelocate {
			b.HandedOver(group.Spec.Epoch)
		}
	}
	done := b.Reports(state).Healthy(time.Now().Truncate(time.Second)).Obj()
	group.Status = done.Status
	group.Status.ObservedGeneration, group.Status.Session = group.Generation, group.Spec.Session
	return group
}

// applications creates so many placements and waits until all are protected.
func (h *hub) applications(n int) []types.NamespacedName {
	h.t.Helper()
	var keys []types.NamespacedName
	for i := range n {
		key := types.NamespacedName{Namespace: fmt.Sprintf("shop-%d", i), Name: "shop"}
		placement := builder.DRPC(key.Namespace, key.Name).Obj()
		if _, err := h.client.DrV1alpha1().DRPlacementControls(key.Namespace).Create(h.t.Context(), placement, metav1.CreateOptions{}); err != nil {
			h.t.Fatal(err)
		}
		keys = append(keys, key)
	}
	h.await(keys, isProtected)
	return keys
}

func isProtected(p *v1alpha1.DRPlacementControl) bool {
	return meta.IsStatusConditionTrue(p.Status.Conditions, v1alpha1.ConditionProtected) &&
		meta.IsStatusConditionTrue(p.Status.Conditions, v1alpha1.ConditionPeerReady) && p.Status.ObservedGeneration > 0
}

// await watches until every placement is as wanted, or gone.
func (h *hub) await(keys []types.NamespacedName, wanted func(*v1alpha1.DRPlacementControl) bool) {
	h.t.Helper()
	pending := map[types.NamespacedName]*v1alpha1.DRPlacementControl{}
	for _, key := range keys {
		pending[key] = nil
	}
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	watcher, err := h.client.DrV1alpha1().DRPlacementControls(metav1.NamespaceAll).Watch(ctx, metav1.ListOptions{
		SendInitialEvents: ptr.To(true), AllowWatchBookmarks: true, ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	defer watcher.Stop()
	for len(pending) > 0 {
		e, open := <-watcher.ResultChan()
		if !open {
			h.giveUp(pending)
		}
		placement, ok := e.Object.(*v1alpha1.DRPlacementControl)
		if !ok || e.Type == watch.Bookmark {
			continue
		}
		key := types.NamespacedName{Namespace: placement.Namespace, Name: placement.Name}
		if e.Type == watch.Deleted || wanted(placement) {
			delete(pending, key)
		} else if _, waited := pending[key]; waited {
			pending[key] = placement
		}
	}
}

// giveUp tells what one of the placements waited for looks like.
func (h *hub) giveUp(pending map[types.NamespacedName]*v1alpha1.DRPlacementControl) {
	h.t.Helper()
	for key, placement := range pending {
		groups, _ := h.client.DrV1alpha1().VolumeReplicationGroups(key.Namespace).List(context.Background(), metav1.ListOptions{})
		text, _ := json.MarshalIndent(map[string]any{"placement": placement, "groups": groups}, "", " ")
		h.t.Fatalf("%d placements are not as wanted, among them %s", len(pending), text)
	}
}
