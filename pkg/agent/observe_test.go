// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"testing"

	csiaddons "github.com/csi-addons/kubernetes-csi-addons/api/replication.storage/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication/volumereplication"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// mirroring is what a cluster has whose storage mirrors each write of some volumes.
func mirroring(t *testing.T) replication.Backends {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := csiaddons.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	class := &csiaddons.VolumeReplicationClass{
		ObjectMeta: metav1.ObjectMeta{Name: "mirror", Labels: map[string]string{v1alpha1.LabelReplicationID: "mirror"}},
		Spec:       csiaddons.VolumeReplicationClassSpec{Provisioner: "csi"},
	}
	return replication.Backends{&volumereplication.Backend{Reader: fake.NewClientBuilder().WithScheme(scheme).WithObjects(class).Build()}}
}

func TestVolumesOfAPlacementAreProtectedOnlyIfThePolicyFoundTheirPeer(t *testing.T) {
	peers := []v1alpha1.PeerClass{{StorageClassName: "mirrored", Method: v1alpha1.MethodVolumeReplication, ReplicationID: "mirror"}}
	for name, tc := range map[string]struct {
		sync   *v1alpha1.VRGSyncSpec
		byHand bool
		class  string
		want   string
	}{
		"one that was found":                      {&v1alpha1.VRGSyncSpec{PeerClasses: peers}, false, "mirrored", ""},
		"one beside those that were":              {&v1alpha1.VRGSyncSpec{PeerClasses: peers}, false, "copied", replication.ReasonNoPeerClass},
		"none was found":                          {nil, false, "mirrored", replication.ReasonNoPeerClass},
		"of a group that somebody made, any does": {nil, true, "copied", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := command(v1alpha1.Primary, "")
			w.Checkpoint.Spec.Async, w.Checkpoint.Spec.Sync, w.Checkpoint.PeersRequired = nil, tc.sync, !tc.byHand
			rules, err := rulesOf(w.Facts)
			if err != nil {
				t.Fatal(err)
			}
			pvc := claim("data")
			pvc.Spec.StorageClassName = ptr.To(tc.class)
			v := replication.Volume{PVC: &pvc, Rules: rules, PV: &corev1.PersistentVolume{Spec: corev1.PersistentVolumeSpec{
				PersistentVolumeSource: corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: "csi", VolumeHandle: "1"}},
			}}}
			choice, err := mirroring(t).Choose(v, "")
			if err != nil {
				t.Fatal(err)
			}
			reason := ""
			if choice.Problem != nil {
				reason = choice.Problem.Reason
			}
			if reason != tc.want || reason == "" && choice.Class != "mirror" {
				t.Errorf("chosen is %+v, %+v", choice, choice.Problem)
			}
		})
	}
}
