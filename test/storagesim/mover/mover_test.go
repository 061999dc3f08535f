// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package mover

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/ramendr/dr-apiserver/test/storagesim/engine"
	"github.com/ramendr/dr-apiserver/test/storagesim/faults"
	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

const (
	driver   = "sim.example"
	external = "198.19.0.7"
	internal = "10.96.0.7"
	timeout  = 20 * time.Second
)

var key = "volsync:" + strings.Repeat("ab", 32)

// cluster is one whose volume "v" is bound to the claim "data".
type cluster struct {
	*Movers
	t    *testing.T
	pods *pods
	dir  string
}

// newClusters are two of which the second has a Service in front of its destination.
func newClusters(t *testing.T) (dr1, dr2 *cluster) {
	t.Helper()
	one, two := http.NewServeMux(), http.NewServeMux()
	first, second := httptest.NewServer(one), httptest.NewServer(two)
	t.Cleanup(first.Close)
	t.Cleanup(second.Close)
	dr1 = newCluster(t, "dr1", first, second)
	dr1.Register(one)
	dr2 = newCluster(t, "dr2", second, first)
	dr2.Register(two)
	mode := corev1.LoadBalancerIngress{IP: external}
	dr2.create(&corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "dst"},
		Spec: corev1.ServiceSpec{
			ClusterIP: internal, Selector: map[string]string{"way": "in"}, Ports: []corev1.ServicePort{{Port: defaultPort}},
		},
		Status: corev1.ServiceStatus{LoadBalancer: corev1.LoadBalancerStatus{Ingress: []corev1.LoadBalancerIngress{mode}}},
	})
	return dr1, dr2
}

func newCluster(t *testing.T, name string, own, peer *httptest.Server) *cluster {
	t.Helper()
	c := &cluster{t: t, dir: t.TempDir()}
	injector := &faults.Injector{}
	array, err := engine.Open(engine.Options{Cluster: name, Dir: c.dir, Faults: injector})
	if err != nil {
		t.Fatal(err)
	}
	claim := layout.Claim{Namespace: "shop", Name: "data"}
	if err := array.Create(t.Context(), "v", 1<<20, claim); err != nil {
		t.Fatal(err)
	}
	c.Movers = &Movers{
		Cluster: name, Driver: driver, Engine: array, Faults: injector,
		Own: strings.TrimPrefix(own.URL, "http://"), Peer: strings.TrimPrefix(peer.URL, "http://"),
	}
	fakes := fake.NewClientBuilder().WithStatusSubresource(&corev1.Pod{}).Build()
	c.init(fakes, fakes)
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(func() { stop(); c.Wait(); _ = array.Close() })
	c.pods = &pods{movers: c.Movers, running: ctx, known: map[types.NamespacedName]types.UID{}}
	c.create(&corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "data", UID: "claim"},
		Spec:       corev1.PersistentVolumeClaimSpec{VolumeName: "pv"},
		Status:     corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound},
	})
	c.create(&corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "pv"}, Spec: corev1.PersistentVolumeSpec{
		ClaimRef: &corev1.ObjectReference{UID: "claim"},
		PersistentVolumeSource: corev1.PersistentVolumeSource{
			CSI: &corev1.CSIPersistentVolumeSource{Driver: driver, VolumeHandle: "v"},
		},
	}})
	return c
}

func (c *cluster) create(o client.Object) {
	c.t.Helper()
	if err := c.client.Create(c.t.Context(), o); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) key(text string) {
	c.t.Helper()
	c.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "key"}, Data: map[string][]byte{keyFile: []byte(text)}})
}

// run has a pod run as VolSync's Jobs make them.
func (c *cluster) run(script, address string) *corev1.Pod {
	c.t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: "mover", UID: types.UID(script), Labels: map[string]string{label: labelled, "way": "in"},
		},
		Spec: corev1.PodSpec{
			Containers: []corev1.Container{{
				Name: "rsync-tls", Command: []string{"/bin/bash", "-c", "/mover-rsync-tls/" + script},
				Env: []corev1.EnvVar{{Name: envAddress, Value: address}},
			}},
			Volumes: []corev1.Volume{
				{Name: volumeData, VolumeSource: corev1.VolumeSource{
					PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"},
				}},
				{Name: volumeKeys, VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "key"}}},
			},
		},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{Name: "rsync-tls"}}},
	}
	c.create(pod)
	c.reconcile(pod)
	return pod
}

func (c *cluster) reconcile(pod *corev1.Pod) {
	c.t.Helper()
	if _, err := c.pods.Reconcile(c.t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(pod)}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) await(what string, done func() bool) {
	c.t.Helper()
	for deadline := time.Now().Add(timeout); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			c.t.Fatalf("%s: not %s after %s", c.Cluster, what, timeout)
		}
	}
}

// ended waits until a pod has ended in a phase and returns what its container said.
func (c *cluster) ended(pod *corev1.Pod, phase corev1.PodPhase) string {
	c.t.Helper()
	var now corev1.Pod
	c.await("ended", func() bool {
		if err := c.client.Get(c.t.Context(), client.ObjectKeyFromObject(pod), &now); err != nil {
			c.t.Fatal(err)
		}
		return now.Status.Phase != corev1.PodRunning
	})
	said := now.Status.ContainerStatuses[0].State.Terminated.Message
	if now.Status.Phase != phase {
		c.t.Fatalf("pod on %s is %s: %s", c.Cluster, now.Status.Phase, said)
	}
	return said
}

func (c *cluster) write(n int) {
	c.t.Helper()
	for range n {
		if _, err := c.Engine.Append(c.t.Context(), "v", "pod"); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *cluster) holds() (records int, whole bool) {
	c.t.Helper()
	m := c.Engine.List()[0].Meta
	held, err := layout.ReadRecords(layout.RecordsPath(c.dir, &m), -1)
	if err != nil {
		c.t.Fatal(err)
	}
	for n, r := range held {
		if r.Seq != int64(n+1) {
			return len(held), false
		}
	}
	return len(held), true
}

func (c *cluster) listens() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.listeners) > 0
}

func TestSourceMakesTheDestinationHoldTheSame(t *testing.T) {
	dr1, dr2 := newClusters(t)
	dr1.key(key)
	dr2.key(key)
	dr1.write(300)
	source := dr1.run(sourceScript, external)
	destination := dr2.run("server.sh", "")
	dr1.ended(source, corev1.PodSucceeded)
	dr2.ended(destination, corev1.PodSucceeded)
	if n, whole := dr2.holds(); n != 300 || !whole {
		t.Errorf("the destination holds %d records, whole: %v", n, whole)
	}
	if m := dr2.Engine.List()[0]; m.Received == nil || m.Received.From != "dr1" {
		t.Errorf("%+v", m)
	}
}

func TestTransferThatBreaksOffIsVisibleAndIsTakenUpAgain(t *testing.T) {
	dr1, dr2 := newClusters(t)
	dr1.key(key)
	dr2.key(key)
	dr1.write(300)
	dr2.Faults.Add(faults.Fault{Kind: faults.Hang, Point: "mover-piece.after"})
	destination := dr2.run("server.sh", "")
	dr2.await("listening", dr2.listens)
	source := dr1.run(sourceScript, external)
	dr2.await("half way", func() bool { return dr2.Engine.List()[0].Incoming })
	if _, whole := dr2.holds(); whole {
		t.Error("what has arrived of it passes for whole")
	}
	dr2.Faults.Clear(faults.Fault{})
	dr2.Faults.Add(faults.Fault{Kind: faults.Fail, Point: "mover-finish.before", Count: 1}) // and it breaks off once more
	dr1.ended(source, corev1.PodSucceeded)
	dr2.ended(destination, corev1.PodSucceeded)
	if n, whole := dr2.holds(); n != 300 || !whole {
		t.Errorf("the destination holds %d records, whole: %v", n, whole)
	}
}

func TestSourceWithAnotherKeyIsRefused(t *testing.T) {
	dr1, dr2 := newClusters(t)
	dr1.key(key + "00")
	dr2.key(key)
	dr1.write(10)
	dr2.run("server.sh", "")
	dr2.await("listening", dr2.listens)
	if said := dr1.ended(dr1.run(sourceScript, external), corev1.PodFailed); !strings.Contains(said, "keys") {
		t.Errorf("it said %q", said)
	}
	if n, _ := dr2.holds(); n != 0 || !dr2.listens() {
		t.Errorf("the destination holds %d records, listens: %v", n, dr2.listens())
	}
}

func TestMoversWithoutAUsableKeyFail(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "no identity": strings.Repeat("ab", 32), "too short": "volsync:abcd", "no digits": "volsync:" + strings.Repeat("xy", 32)} {
		t.Run(name, func(t *testing.T) {
			_, dr2 := newClusters(t)
			dr2.key(text)
			if said := dr2.ended(dr2.run("server.sh", ""), corev1.PodFailed); !strings.Contains(said, keyFile) {
				t.Errorf("it said %q", said)
			}
		})
	}
}

func TestAddressesLeadWhereTheyWouldInLife(t *testing.T) {
	dr1, dr2 := newClusters(t)
	dr2.key(key)
	dr2.run("server.sh", "")
	dr2.await("listening", dr2.listens)
	for name, c := range map[string]struct {
		hello greeting
		err   string
	}{
		"a load balancer's from the other cluster":   {greeting{Address: external, Port: defaultPort}, ""},
		"a load balancer's from within":              {greeting{Address: external, Port: defaultPort, Local: true}, ""},
		"a cluster IP from within":                   {greeting{Address: internal, Port: defaultPort, Local: true}, ""},
		"a Service's name from within":               {greeting{Address: "dst.shop.svc.cluster.local", Port: defaultPort, Local: true}, ""},
		"a cluster IP from the other cluster":        {greeting{Address: internal, Port: defaultPort}, "no route"},
		"a Service's name from the other cluster":    {greeting{Address: "dst.shop.svc", Port: defaultPort}, "no route"},
		"one that is not exported":                   {greeting{Address: "dst.shop.svc.clusterset.local", Port: defaultPort}, "no route"},
		"nor from within":                            {greeting{Address: "dst.shop.svc.clusterset.local", Port: defaultPort, Local: true}, "no route"},
		"a load balancer's at a port it hasn't got":  {greeting{Address: external, Port: 22}, "refused"},
		"an address that nobody has":                 {greeting{Address: "198.19.0.8", Port: defaultPort}, "no route"},
		"no address, where one Service has none yet": {greeting{Address: "", Port: defaultPort}, "no route"},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := dr2.behind(t.Context(), c.hello)
			if c.err == "" && (err != nil || l == nil) || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("got %v, %v", l, err)
			}
		})
	}
	export := &unstructured.Unstructured{}
	export.SetAPIVersion("multicluster.x-k8s.io/v1alpha1")
	export.SetKind("ServiceExport")
	export.SetNamespace("shop")
	export.SetName("dst")
	dr2.create(export)
	if l, err := dr2.behind(t.Context(), greeting{Address: "dst.shop.svc.clusterset.local", Port: defaultPort}); err != nil || l == nil {
		t.Errorf("exported, got %v, %v", l, err)
	}
	if base, local, err := dr1.route(t.Context(), task{address: external}); err != nil || local || !strings.Contains(base, dr1.Peer) {
		t.Errorf("%s, %v, %v", base, local, err)
	}
	if base, local, err := dr2.route(t.Context(), task{address: internal}); err != nil || !local || !strings.Contains(base, dr2.Own) {
		t.Errorf("%s, %v, %v", base, local, err)
	}
}

func TestMoverStopsWithItsPod(t *testing.T) {
	_, dr2 := newClusters(t)
	dr2.key(key)
	pod := dr2.run("server.sh", "")
	dr2.await("listening", dr2.listens)
	if err := dr2.client.Delete(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	dr2.reconcile(pod)
	dr2.await("silent", func() bool { return !dr2.listens() })
	if len(dr2.running) != 0 || len(dr2.pods.known) != 0 {
		t.Errorf("left: %v, %v", dr2.running, dr2.pods.known)
	}
}

func TestOnlyWhatDiffersIsSentTheNewestFirst(t *testing.T) {
	blocks := func(hashes ...uint64) engine.Content {
		return engine.Content{Size: int64(len(hashes))*engine.BlockSize - 1, Blocks: hashes}
	}
	const b = engine.BlockSize
	for name, c := range map[string]struct {
		here, there engine.Content
		want        []piece
	}{
		"nothing":           {blocks(1, 2, 3), blocks(1, 2, 3), nil},
		"what was appended": {blocks(1, 2, 3, 4), blocks(1, 2), []piece{{3 * b, b - 1}, {2 * b, b}}},
		"what was changed":  {blocks(1, 9, 3), blocks(1, 2, 3), []piece{{b, b}}},
		"less than before":  {blocks(1, 2), blocks(1, 2, 3), nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := pieces(c.here, c.there)
			if len(got) != len(c.want) {
				t.Fatalf("%v, want %v", got, c.want)
			}
			for n := range got {
				if got[n] != c.want[n] {
					t.Errorf("%v, want %v", got, c.want)
				}
			}
		})
	}
}
