// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volumereplication

import (
	"strings"
	"testing"

	csiaddons "github.com/csi-addons/kubernetes-csi-addons/api/replication.storage/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

func boundTo(pv *corev1.PersistentVolume) replication.Volume {
	return replication.Volume{
		PVC: &corev1.PersistentVolumeClaim{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "data"},
			Spec:       corev1.PersistentVolumeClaimSpec{StorageClassName: ptr.To("fast")},
		},
		PV:           pv,
		StorageClass: &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "fast", Labels: map[string]string{v1alpha1.LabelStorageID: "s1"}}},
	}
}

func csiVolume(driver string) *corev1.PersistentVolume {
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "pv"},
		Spec: corev1.PersistentVolumeSpec{PersistentVolumeSource: corev1.PersistentVolumeSource{
			CSI: &corev1.CSIPersistentVolumeSource{Driver: driver, VolumeHandle: "h"},
		}},
	}
}

func class(name, driver, interval string, labels map[string]string) csiaddons.VolumeReplicationClass {
	c := csiaddons.VolumeReplicationClass{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Spec:       csiaddons.VolumeReplicationClassSpec{Provisioner: driver, Parameters: map[string]string{}},
	}
	if interval != "" {
		c.Spec.Parameters[intervalParameter] = interval
	}
	return c
}

func TestTheClassOfAVolume(t *testing.T) {
	lower, camel := map[string]string{v1alpha1.LabelReplicationID: "r1"}, map[string]string{v1alpha1.LabelReplicationIDCamel: "r1"}
	paired := replication.Rules{
		Async: true, Interval: "1m", PeersRequired: true,
		Peers: []v1alpha1.PeerClass{{StorageClassName: "fast", ReplicationID: "r1", StorageID: []string{"s1", "s2"}}},
	}
	edit := func(f func(*replication.Rules)) replication.Rules {
		r := paired
		f(&r)
		return r
	}
	isDefault := class("z-default", "sim", "1m", lower)
	isDefault.Annotations = map[string]string{defaultClassAnnotation: "true"}
	here, elsewhere := class("here", "sim", "1m", lower), class("elsewhere", "sim", "1m", lower)
	here.Labels = map[string]string{v1alpha1.LabelReplicationID: "r1", v1alpha1.LabelStorageID: "s1"}
	elsewhere.Labels = map[string]string{v1alpha1.LabelReplicationID: "r1", v1alpha1.LabelStorageID: "s9"}
	plain := csiVolume("sim")
	plain.Spec.CSI = nil
	for name, tc := range map[string]struct {
		pv      *corev1.PersistentVolume
		rules   replication.Rules
		classes []csiaddons.VolumeReplicationClass
		want    string
		reason  string
		says    []string
	}{
		"driver, replication id and interval fit": {pv: csiVolume("sim"), rules: paired, classes: []csiaddons.VolumeReplicationClass{class("c", "sim", "1m", lower)}, want: "c"},
		"the id in the older spelling":            {pv: csiVolume("sim"), rules: paired, classes: []csiaddons.VolumeReplicationClass{class("c", "sim", "1m", camel)}, want: "c"},
		"of several, the first by name": {pv: csiVolume("sim"), rules: paired,
			classes: []csiaddons.VolumeReplicationClass{class("b", "sim", "1m", lower), class("a", "sim", "1m", lower)}, want: "a"},
		"of several, the default":              {pv: csiVolume("sim"), rules: paired, classes: []csiaddons.VolumeReplicationClass{class("a", "sim", "1m", lower), isDefault}, want: "z-default"},
		"of several, that of the same storage": {pv: csiVolume("sim"), rules: paired, classes: []csiaddons.VolumeReplicationClass{elsewhere, here}, want: "here"},
		"not bound":                            {rules: paired, reason: replication.ReasonNotBound, says: []string{"shop/data"}},
		"not CSI":                              {pv: plain, rules: paired, reason: replication.ReasonNotCSI, says: []string{"shop/data", "PersistentVolume pv"}},
		"no peer class": {pv: csiVolume("sim"), rules: edit(func(r *replication.Rules) { r.Peers = nil }), classes: []csiaddons.VolumeReplicationClass{class("c", "sim", "1m", lower)},
			reason: replication.ReasonNoPeerClass, says: []string{"shop/data", `"fast"`, "status.unpaired"}},
		"a storage class that is on another storage": {pv: csiVolume("sim"), rules: edit(func(r *replication.Rules) {
			r.Peers = []v1alpha1.PeerClass{{StorageClassName: "fast", StorageID: []string{"x", "y"}}}
		}), reason: replication.ReasonNoPeerClass, says: []string{`"s1"`}},
		"a class of another driver": {pv: csiVolume("sim"), rules: paired, classes: []csiaddons.VolumeReplicationClass{class("c", "other", "1m", lower)},
			reason: ReasonNoReplicationClass, says: []string{"provisioner sim", "replicationid=r1", "schedulingInterval=1m", "create one"}},
		"a class of another interval":       {pv: csiVolume("sim"), rules: paired, classes: []csiaddons.VolumeReplicationClass{class("c", "sim", "5m", lower)}, reason: ReasonNoReplicationClass},
		"a class of another replication id": {pv: csiVolume("sim"), rules: paired, classes: []csiaddons.VolumeReplicationClass{class("c", "sim", "1m", nil)}, reason: ReasonNoReplicationClass},
		"a class that the policy leaves out": {pv: csiVolume("sim"), rules: edit(func(r *replication.Rules) { r.Selector = labels.SelectorFromSet(labels.Set{"tier": "gold"}) }),
			classes: []csiaddons.VolumeReplicationClass{class("c", "sim", "1m", lower)}, reason: ReasonNoReplicationClass, says: []string{"tier=gold"}},
		"a group made by hand needs no peers": {pv: csiVolume("sim"), rules: replication.Rules{Async: true, Interval: "1m"},
			classes: []csiaddons.VolumeReplicationClass{class("c", "sim", "1m", lower)}, want: "c"},
		"synchronous replication takes a class without an interval": {pv: csiVolume("sim"), rules: replication.Rules{},
			classes: []csiaddons.VolumeReplicationClass{class("async", "sim", "1m", nil), class("sync", "sim", "", nil)}, want: "sync"},
	} {
		t.Run(name, func(t *testing.T) {
			v := boundTo(tc.pv)
			v.Rules = tc.rules
			got, problem := ChooseClass(v, tc.classes)
			if problem == nil {
				problem = &replication.Problem{}
			}
			if got != tc.want || problem.Reason != tc.reason {
				t.Errorf("got %q, %+v", got, problem)
			}
			for _, word := range tc.says {
				if !strings.Contains(problem.Message, word) {
					t.Errorf("%q does not say %q", problem.Message, word)
				}
			}
		})
	}
}
