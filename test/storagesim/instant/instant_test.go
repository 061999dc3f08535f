// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package instant

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	replicationv1alpha1 "github.com/csi-addons/kubernetes-csi-addons/api/replication.storage/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/ramendr/dr-apiserver/test/storagesim/engine"
	"github.com/ramendr/dr-apiserver/test/storagesim/faults"
	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

const driver = "sim.example"

var name = types.NamespacedName{Namespace: "shop", Name: "data"}

// direct is a peer in the same process.
type direct struct{ to **engine.Engine }

func (d direct) Hello(ctx context.Context, states []engine.PeerState) ([]engine.PeerState, error) {
	return (*d.to).Hello(ctx, states)
}

func (d direct) Send(ctx context.Context, s engine.Snapshot, body io.Reader) error {
	return (*d.to).Receive(ctx, s, body)
}

func (d direct) Fetch(context.Context, engine.PeerState) (engine.Snapshot, io.ReadCloser, error) {
	return engine.Snapshot{}, nil, engine.ErrRefused
}

func (d direct) SendGroup(ctx context.Context, s engine.GroupSnapshot, body io.Reader) error {
	return (*d.to).ReceiveGroup(ctx, s, body)
}

func (d direct) FetchGroup(context.Context, engine.GroupHave) (engine.GroupSnapshot, io.ReadCloser, error) {
	return engine.GroupSnapshot{}, nil, engine.ErrRefused
}

// newPair returns a controller of the array on dr1, which has the volume "v", and the faults of both arrays.
func newPair(t *testing.T, state replicationv1alpha1.ReplicationState) (*Controller, *engine.Engine, *faults.Injector) {
	t.Helper()
	var here, there *engine.Engine
	injector := &faults.Injector{}
	for cluster, own := range map[string]**engine.Engine{"dr1": &here, "dr2": &there} {
		peer := map[string]**engine.Engine{"dr1": &there, "dr2": &here}[cluster]
		array, err := engine.Open(engine.Options{Cluster: cluster, Dir: t.TempDir(), Faults: injector, Peer: direct{peer},
			Timeouts: engine.Timeouts{Settle: 10 * time.Millisecond}})
		if err != nil {
			t.Fatal(err)
		}
		*own = array
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{}, 2)
	for _, array := range []*engine.Engine{here, there} {
		go func() { array.Run(ctx); done <- struct{}{} }()
	}
	t.Cleanup(func() { cancel(); <-done; <-done; _ = here.Close(); _ = there.Close() })
	if err := here.Create(ctx, "v", 1<<20, layout.Claim{}); err != nil {
		t.Fatal(err)
	}
	return newController(t, here, state), there, injector
}

func newController(t *testing.T, array *engine.Engine, state replicationv1alpha1.ReplicationState) *Controller {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), replicationv1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	vr := &replicationv1alpha1.VolumeReplication{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name, Generation: 1}}
	vr.Spec.VolumeReplicationClass, vr.Spec.ReplicationState = "class", state
	vr.Spec.DataSource = corev1.TypedLocalObjectReference{Kind: claimKind, Name: "claim"}
	class := &replicationv1alpha1.VolumeReplicationClass{ObjectMeta: metav1.ObjectMeta{Name: "class"}}
	class.Spec.Provisioner, class.Spec.Parameters = driver, map[string]string{"schedulingInterval": "1m"}
	pvc := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: "claim"},
		Spec:       corev1.PersistentVolumeClaimSpec{VolumeName: "volume"},
		Status:     corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound},
	}
	pv := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "volume"}}
	pv.Spec.CSI = &corev1.CSIPersistentVolumeSource{Driver: driver, VolumeHandle: "v"}
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(vr, class, pvc, pv).WithStatusSubresource(vr).Build()
	return &Controller{
		client: c, engine: array, driver: driver,
		handles: map[types.NamespacedName]string{}, names: map[string]types.NamespacedName{},
	}
}

func (c *Controller) reconcile(t *testing.T) (ctrl.Result, *replicationv1alpha1.VolumeReplication, error) {
	t.Helper()
	result, err := c.Reconcile(t.Context(), ctrl.Request{NamespacedName: name})
	vr := &replicationv1alpha1.VolumeReplication{}
	if getErr := c.client.Get(t.Context(), name, vr); getErr != nil {
		t.Fatal(getErr)
	}
	return result, vr, err
}

func (c *Controller) ask(t *testing.T, state replicationv1alpha1.ReplicationState) {
	t.Helper()
	vr := &replicationv1alpha1.VolumeReplication{}
	if err := c.client.Get(t.Context(), name, vr); err != nil {
		t.Fatal(err)
	}
	vr.Spec.ReplicationState = state
	vr.Generation++
	if err := c.client.Update(t.Context(), vr); err != nil {
		t.Fatal(err)
	}
}

func mustSay(t *testing.T, vr *replicationv1alpha1.VolumeReplication, state replicationv1alpha1.State, conditions map[string]string) {
	t.Helper()
	if vr.Status.State != state || vr.Status.ObservedGeneration != vr.Generation {
		t.Errorf("state %q at generation %d of %d", vr.Status.State, vr.Status.ObservedGeneration, vr.Generation)
	}
	for kind, want := range conditions {
		c := meta.FindStatusCondition(vr.Status.Conditions, kind)
		got := "absent"
		if c != nil {
			got = string(c.Status) + " " + c.Reason
		}
		if got != want || (c != nil && c.ObservedGeneration != vr.Generation && want != "absent") {
			t.Errorf("%s is %s, want %s: %+v", kind, got, want, c)
		}
	}
}

func TestPrimaryIsAnsweredAtOnce(t *testing.T) {
	c, _, _ := newPair(t, replicationv1alpha1.Primary)
	result, vr, err := c.reconcile(t)
	if err != nil || result.RequeueAfter != time.Minute {
		t.Fatalf("%+v, %v", result, err)
	}
	mustSay(t, vr, replicationv1alpha1.PrimaryState, map[string]string{
		"Completed": "True Promoted", "Degraded": "False Healthy", "Resyncing": "False NotResyncing",
		"Replicating": "True Replicating", "Validated": "absent",
	})
	if vr.Status.LastSyncTime == nil {
		t.Error("no lastSyncTime")
	}
	version := vr.ResourceVersion
	if _, vr, _ = c.reconcile(t); vr.ResourceVersion != version {
		t.Error("the status was written again though nothing happened")
	}
}

func TestDemotionIsAnsweredOnceThePeerHasAll(t *testing.T) {
	c, peer, injector := newPair(t, replicationv1alpha1.Primary)
	if _, _, err := c.reconcile(t); err != nil {
		t.Fatal(err)
	}
	if _, err := c.engine.Append(t.Context(), "v", "pod"); err != nil {
		t.Fatal(err)
	}
	injector.Add(faults.Fault{Kind: faults.Fail, Point: "ship.before"})
	c.ask(t, replicationv1alpha1.Secondary)
	result, vr, err := c.reconcile(t)
	if err != nil || result.RequeueAfter != retryCopy {
		t.Fatalf("%+v, %v", result, err)
	}
	mustSay(t, vr, replicationv1alpha1.SecondaryState, map[string]string{
		"Completed": "True Demoted", "Degraded": "True VolumeDegraded", "Resyncing": "True ResyncTriggered", "Replicating": "absent",
	})
	injector.Clear(faults.Fault{})
	for deadline := time.Now().Add(20 * time.Second); result.RequeueAfter != 0 && time.Now().Before(deadline); {
		if result, vr, err = c.reconcile(t); err != nil {
			t.Fatal(err)
		}
	}
	mustSay(t, vr, replicationv1alpha1.SecondaryState, map[string]string{
		"Completed": "True Demoted", "Degraded": "False Healthy", "Resyncing": "False NotResyncing",
	})
	if peer.List()[0].Records != 1 || vr.Status.LastSyncTime != nil {
		t.Errorf("the peer holds %d records; lastSyncTime %v", peer.List()[0].Records, vr.Status.LastSyncTime)
	}
}

func TestFailoverIsForced(t *testing.T) {
	c, peer, _ := newPair(t, replicationv1alpha1.Primary)
	if _, _, err := c.reconcile(t); err != nil {
		t.Fatal(err)
	}
	other := newController(t, peer, replicationv1alpha1.Primary)
	_, vr, err := other.reconcile(t)
	if err != nil {
		t.Fatal(err)
	}
	mustSay(t, vr, replicationv1alpha1.PrimaryState, map[string]string{"Completed": "True Promoted"})
	if peer.List()[0].Generation != 2 || c.engine.List()[0].Writable {
		t.Errorf("generation %d, the old primary is writable: %v", peer.List()[0].Generation, c.engine.List()[0].Writable)
	}
}

func TestFailuresAreReported(t *testing.T) {
	c, _, injector := newPair(t, replicationv1alpha1.Primary)
	injector.Add(faults.Fault{Kind: faults.Fail, Point: "promote.before", Count: 1})
	_, vr, err := c.reconcile(t)
	if err == nil {
		t.Error("a promotion that failed is not repeated")
	}
	mustSay(t, vr, replicationv1alpha1.UnknownState, map[string]string{
		"Completed": "False FailedToPromote", "Degraded": "True Error", "Validated": "True PrerequisiteMet",
	})
	if _, vr, err = c.reconcile(t); err != nil {
		t.Fatal(err)
	}
	mustSay(t, vr, replicationv1alpha1.PrimaryState, map[string]string{"Completed": "True Promoted", "Degraded": "False Healthy"})
}

func TestReplicationEndsWithItsObject(t *testing.T) {
	c, _, _ := newPair(t, replicationv1alpha1.Primary)
	_, vr, err := c.reconcile(t)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.client.Delete(t.Context(), vr); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	if _, err := c.Reconcile(t.Context(), ctrl.Request{NamespacedName: name}); err != nil {
		t.Fatal(err)
	}
	if role := c.engine.List()[0].Role; role != layout.Standalone {
		t.Errorf("the volume is %s", role)
	}
}
