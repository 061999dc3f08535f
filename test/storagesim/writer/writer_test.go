// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package writer

import (
	"context"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
	patience = 20 * time.Second
)

var (
	pod   = types.NamespacedName{Namespace: "shop", Name: "shop-0"}
	claim = layout.Claim{Namespace: "shop", Name: "data"}
)

type scene struct {
	t       *testing.T
	array   *engine.Engine
	faults  *faults.Injector
	writers *Writers
	client  client.Client
	pods    *pods
	stop    context.CancelFunc
}

// newScene has a pod that does not run yet, its claim bound to the volume "v", and a claim of another driver's.
func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{t: t, faults: &faults.Injector{}}
	array, err := engine.Open(engine.Options{Cluster: "dr1", Dir: t.TempDir(), Faults: s.faults})
	if err != nil {
		t.Fatal(err)
	}
	if err := array.Create(t.Context(), "v", 1<<20, layout.Claim{}); err != nil {
		t.Fatal(err)
	}
	s.array = array
	s.writers = &Writers{Engine: array, AckDir: t.TempDir(), Interval: time.Millisecond}
	s.client = fake.NewClientBuilder().WithObjects(
		mounting(pod.Name, "data", "other", "missing"), bound("data", "pv-data"), bound("other", "pv-other"),
		volumeOf("pv-data", "data", driver), volumeOf("pv-other", "other", "another.example"),
	).WithStatusSubresource(&corev1.Pod{}).Build()
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.pods = &pods{client: s.client, writers: s.writers, driver: driver, running: ctx}
	t.Cleanup(func() { stop(); s.writers.Wait(); _ = array.Close() })
	return s
}

func mounting(name string, claims ...string) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: name, UID: types.UID(name)}}
	for _, c := range claims {
		source := corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: c}}
		p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: c, VolumeSource: source})
	}
	return p
}

func bound(name, volume string) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: name, UID: types.UID(name)},
		Spec:       corev1.PersistentVolumeClaimSpec{VolumeName: volume},
		Status:     corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound},
	}
}

func volumeOf(name, claim, driver string) *corev1.PersistentVolume {
	source := corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: driver, VolumeHandle: "v"}}
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeSpec{
			PersistentVolumeSource: source,
			ClaimRef:               &corev1.ObjectReference{Namespace: pod.Namespace, Name: claim, UID: types.UID(claim)},
		},
	}
}

func (s *scene) phase(phase corev1.PodPhase) {
	s.t.Helper()
	var p corev1.Pod
	if err := s.client.Get(s.t.Context(), pod, &p); err != nil {
		s.t.Fatal(err)
	}
	p.Status.Phase = phase
	if err := s.client.Status().Update(s.t.Context(), &p); err != nil {
		s.t.Fatal(err)
	}
	s.reconcile()
}

func (s *scene) reconcile() {
	s.t.Helper()
	if _, err := s.pods.Reconcile(s.t.Context(), ctrl.Request{NamespacedName: pod}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) acked() []layout.Record {
	s.t.Helper()
	acks, err := layout.ReadRecords(layout.AckPath(s.writers.AckDir, claim), -1)
	if err != nil {
		s.t.Fatal(err)
	}
	return acks
}

func (s *scene) awaitRecords(n int64) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); s.array.List()[0].Records < n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("%d records after %s", s.array.List()[0].Records, patience)
		}
	}
}

func TestPodWritesWhileItRuns(t *testing.T) {
	s := newScene(t)
	s.phase(corev1.PodPending)
	if n := s.writers.active.Load(); n != 0 {
		t.Fatalf("%d writers of a pod that does not run", n)
	}
	s.phase(corev1.PodRunning)
	s.reconcile()
	if n := s.writers.active.Load(); n != 1 {
		t.Fatalf("%d writers, want one for the driver's volume", n)
	}
	s.awaitRecords(5)
	s.phase(corev1.PodSucceeded)
	s.writers.Wait()
	acks := s.acked()
	for i, r := range acks {
		if r.Seq != int64(i+1) || r.Pod != pod.Name || r.Cluster != "dr1" || r.Volume != "v" || r.Generation != 1 {
			t.Fatalf("acknowledgement %d is %+v", i+1, r)
		}
	}
	if v := s.array.List()[0]; v.Records != int64(len(acks)) || v.Claim != claim {
		t.Errorf("%d acknowledged of %d, claim %v", len(acks), v.Records, v.Claim)
	}

	s.phase(corev1.PodRunning)
	s.awaitRecords(int64(len(acks)) + 1)
	if err := s.client.Delete(t.Context(), mounting(pod.Name)); err != nil {
		t.Fatal(err)
	}
	s.reconcile()
	s.writers.Wait()
	if again := s.acked(); again[len(acks)].Seq != int64(len(acks)+1) {
		t.Errorf("numbering goes on with %d after %d", again[len(acks)].Seq, len(acks))
	}
}

func TestNothingIsAcknowledgedThatIsNotWritten(t *testing.T) {
	s := newScene(t)
	s.faults.Add(faults.Fault{Kind: faults.Hang, Point: "write.before"})
	s.phase(corev1.PodRunning)
	s.faults.Add(faults.Fault{Kind: faults.Fail, Point: "write.after"})
	s.stop()
	s.writers.Wait()
	if acks := s.acked(); len(acks) != 0 {
		t.Errorf("acknowledged: %+v", acks)
	}
}

func TestPodMayWriteToAllItsVolumesAtOnce(t *testing.T) {
	s := newScene(t)
	if err := s.array.Create(t.Context(), "w", 1<<20, layout.Claim{}); err != nil {
		t.Fatal(err)
	}
	p := mounting("shop-1", "data", "logs")
	p.Annotations = map[string]string{annotationTogether: "true"}
	p.Status.Phase = corev1.PodRunning
	if wanted, err := s.pods.batches(t.Context(), p); err != nil || len(wanted) != 0 {
		t.Errorf("%v, %v: it writes before all its volumes are there", wanted, err)
	}
	logs := volumeOf("pv-logs", "logs", driver)
	logs.Spec.CSI.VolumeHandle = "w"
	for _, o := range []client.Object{bound("logs", "pv-logs"), logs} {
		if err := s.client.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	wanted, err := s.pods.batches(t.Context(), p)
	if err != nil || len(wanted) != 1 || !slices.Equal(wanted[0].handles(), []string{"v", "w"}) {
		t.Fatalf("%v, %v", wanted, err)
	}
	s.writers.set(s.pods.running, pod, wanted)
	s.awaitRecords(5)
	s.stop()
	s.writers.Wait()
	onLogs, err := layout.ReadRecords(layout.AckPath(s.writers.AckDir, layout.Claim{Namespace: pod.Namespace, Name: "logs"}), -1)
	if err != nil {
		t.Fatal(err)
	}
	onData := s.acked()
	if len(onData) != len(onLogs) {
		t.Fatalf("%d and %d records", len(onData), len(onLogs))
	}
	for n := range onData {
		if onData[n].Together == 0 || onData[n].Together != onLogs[n].Together || onData[n].Volume != "v" || onLogs[n].Volume != "w" {
			t.Fatalf("%+v beside %+v", onData[n], onLogs[n])
		}
	}
}

func TestMoversWriteNoRecords(t *testing.T) {
	s := newScene(t)
	p := mounting("volsync-src", "data")
	p.Labels = map[string]string{"app.kubernetes.io/component": moverComponent}
	p.Status.Phase = corev1.PodRunning
	if wanted, err := s.pods.batches(t.Context(), p); err != nil || len(wanted) != 0 {
		t.Errorf("%v, %v", wanted, err)
	}
}

func TestManyVolumesAreWrittenToLessOften(t *testing.T) {
	w := &Writers{Interval: 20 * time.Millisecond}
	for active, want := range map[int64]time.Duration{1: 20 * time.Millisecond, 200: 400 * time.Millisecond} {
		w.active.Store(active)
		if got := w.pause(); got != want {
			t.Errorf("%d volumes: %s", active, got)
		}
	}
}
