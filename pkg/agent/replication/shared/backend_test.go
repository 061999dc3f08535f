// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package shared

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// volume is the claim data of shop, on storage that both clusters have.
func volume() replication.Volume {
	return replication.Volume{
		PVC: &corev1.PersistentVolumeClaim{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "data", UID: "1"},
			Spec:       corev1.PersistentVolumeClaimSpec{VolumeName: "pv", StorageClassName: ptr.To("shared")},
		},
		PV: &corev1.PersistentVolume{Spec: corev1.PersistentVolumeSpec{PersistentVolumeSource: corev1.PersistentVolumeSource{
			CSI: &corev1.CSIPersistentVolumeSource{Driver: "csi.example.com", VolumeHandle: "vol-1"},
		}}},
		Rules: replication.Rules{Cluster: "dr1", Peers: []v1alpha1.PeerClass{{StorageClassName: "shared", Method: v1alpha1.MethodShared, StorageID: []string{"array"}}}},
	}
}

func newBackend(objects ...client.Object) *Backend {
	c := fake.NewClientBuilder().WithObjects(objects...).Build()
	return &Backend{Reader: c, Client: c}
}

func TestClassIsNoneButThePeerHasToHaveTheStorage(t *testing.T) {
	b := newBackend()
	if class, problem := b.Class(volume()); class != "" || problem != nil {
		t.Errorf("got class %q and problem %+v", class, problem)
	}
	lonely := volume()
	lonely.Rules.Peers = nil
	if _, problem := b.Class(lonely); problem == nil || problem.Reason != replication.ReasonNoPeerClass {
		t.Errorf("without a peer class the problem is %+v", problem)
	}
}

func TestRoles(t *testing.T) {
	v := volume()
	b := newBackend(v.PVC)
	report := func() *replication.State {
		t.Helper()
		state, err := b.Report(v.Key())
		if err != nil {
			t.Fatal(err)
		}
		return state
	}
	read := func() replication.Volume {
		t.Helper()
		now := volume()
		if err := b.Client.Get(t.Context(), v.Key(), now.PVC); err != nil {
			t.Fatal(err)
		}
		return now
	}
	if state := report(); state != nil {
		t.Fatalf("of a volume that nobody promoted it says %+v", state)
	}
	for range 2 {
		if err := b.Promote(t.Context(), read(), ""); err != nil {
			t.Fatal(err)
		}
	}
	if state := report(); state == nil || state.Role != replication.Primary || state.Unhealthy {
		t.Fatalf("of a primary it says %+v", state)
	}

	attachment := &storagev1.VolumeAttachment{
		ObjectMeta: metav1.ObjectMeta{Name: "a"},
		Spec: storagev1.VolumeAttachmentSpec{
			NodeName: "node-1", Source: storagev1.VolumeAttachmentSource{PersistentVolumeName: ptr.To("pv")},
		},
	}
	if err := b.Client.Create(t.Context(), attachment); err != nil {
		t.Fatal(err)
	}
	if err := b.Demote(t.Context(), read(), "", replication.FinalSync); err != nil {
		t.Fatal(err)
	}
	if state := report(); state.Role != "" || state.Wanted != replication.Secondary || state.InSync || !strings.Contains(state.Message, "attached to node-1") {
		t.Fatalf("while a node has the volume it says %+v", state)
	}
	if err := b.Client.Delete(t.Context(), attachment); err != nil {
		t.Fatal(err)
	}
	if state := report(); state.Role != replication.Secondary || !state.InSync {
		t.Fatalf("once no node has it it says %+v", state)
	}

	if gone, err := b.Remove(t.Context(), v.Key()); err != nil || !gone {
		t.Fatalf("removing: %t, %v", gone, err)
	}
	if state := report(); state != nil || read().PVC.Annotations[mark.Shared] != "" {
		t.Errorf("of a released volume it says %+v", state)
	}
}
