// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"errors"
	"maps"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	clienttesting "k8s.io/client-go/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/yaml"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

var owner = types.NamespacedName{Namespace: "shop", Name: "shop.dr2"}

func captured() archive.Volume {
	return archive.Volume{
		PVC: corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "data"}, Spec: corev1.PersistentVolumeClaimSpec{VolumeName: "pv"}},
		PV: corev1.PersistentVolume{
			ObjectMeta: metav1.ObjectMeta{Name: "pv"},
			Spec: corev1.PersistentVolumeSpec{
				PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimDelete,
				ClaimRef:                      &corev1.ObjectReference{Namespace: "shop", Name: "data"},
				PersistentVolumeSource:        corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: "sim", VolumeHandle: "h"}},
			},
		},
	}
}

func onVolumes(objects ...client.Object) (*Restorer, client.Client) {
	c := fake.NewClientBuilder().WithObjects(objects...).Build()
	return &Restorer{Client: c, Live: c}, c
}

func TestVolumesAreRestoredOnceAndKept(t *testing.T) {
	r, c := onVolumes()
	namespace := &archive.Object{Object: object(t, "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: x}}}")}
	for range 2 {
		if err := r.Volumes(t.Context(), owner, []archive.Volume{captured()}, namespace); err != nil {
			t.Fatal(err)
		}
	}
	var pv corev1.PersistentVolume
	var pvc corev1.PersistentVolumeClaim
	var ns corev1.Namespace
	for _, err := range []error{
		c.Get(t.Context(), client.ObjectKey{Name: "pv"}, &pv), c.Get(t.Context(), client.ObjectKey{Namespace: "shop", Name: "data"}, &pvc),
		c.Get(t.Context(), client.ObjectKey{Name: "shop"}, &ns),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if pv.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimRetain || pv.Annotations[mark.ReclaimPolicy] != "Delete" ||
		pv.Spec.CSI.VolumeHandle != "h" || pv.Spec.ClaimRef.UID != pvc.UID {
		t.Errorf("%+v", pv)
	}
	if pvc.Annotations[mark.Owner] != owner.String() || pvc.Spec.VolumeName != "pv" || pvc.Annotations["pv.kubernetes.io/bind-completed"] != "yes" {
		t.Errorf("%+v", pvc)
	}
	if ns.Labels["team"] != "x" {
		t.Errorf("%+v", ns)
	}
}

func TestOnlyANamespaceThatWasMadeToReceiveVolumesIsCompleted(t *testing.T) {
	namespace := &archive.Object{Object: object(t, "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: x}, annotations: {note: y}}}")}
	for name, tc := range map[string]struct{ before, after map[string]string }{
		"made by the agent": {map[string]string{mark.ManagedBy: mark.Agent}, map[string]string{"team": "x"}},
		"somebody's own":    {map[string]string{"team": "z"}, map[string]string{"team": "z"}},
	} {
		r, c := onVolumes(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: tc.before}})
		for range 2 {
			if err := r.Volumes(t.Context(), owner, nil, namespace); err != nil {
				t.Fatal(err)
			}
		}
		var ns corev1.Namespace
		if err := c.Get(t.Context(), client.ObjectKey{Name: "shop"}, &ns); err != nil || !maps.Equal(ns.Labels, tc.after) {
			t.Errorf("%s: %v, %v", name, ns.Labels, err)
		}
	}
}

func TestVolumesThatAreInTheWayAreNamed(t *testing.T) {
	pv := func(edit func(*corev1.PersistentVolume)) *corev1.PersistentVolume {
		v := captured().PV
		edit(&v)
		return &v
	}
	pvc := func(edit func(*corev1.PersistentVolumeClaim)) *corev1.PersistentVolumeClaim {
		v := captured().PVC
		edit(&v)
		return &v
	}
	for name, tc := range map[string]struct {
		existing client.Object
		want     string
	}{
		"a claim with another volume":           {pvc(func(c *corev1.PersistentVolumeClaim) { c.Spec.VolumeName = "other" }), "PersistentVolumeClaim shop/data exists and has another volume"},
		"a claim of another group":              {pvc(func(c *corev1.PersistentVolumeClaim) { c.Annotations = map[string]string{mark.Owner: "shop/else"} }), "protected by VolumeReplicationGroup shop/else"},
		"a volume with another handle":          {pv(func(v *corev1.PersistentVolume) { v.Spec.CSI.VolumeHandle = "x" }), "PersistentVolume pv exists and is another volume"},
		"a volume of another claim":             {pv(func(v *corev1.PersistentVolume) { v.Spec.ClaimRef.Name = "x" }), "PersistentVolume pv exists and belongs to another claim"},
		"the very volume and claim":             {pv(func(*corev1.PersistentVolume) {}), ""},
		"a claim of the same volume":            {pvc(func(c *corev1.PersistentVolumeClaim) { c.UID = "claim" }), ""},
		"a volume that its claim has let go of": {pv(func(v *corev1.PersistentVolume) { v.Spec.ClaimRef.UID, v.Status.Phase = "old", corev1.VolumeReleased }), ""},
	} {
		t.Run(name, func(t *testing.T) {
			r, c := onVolumes(tc.existing)
			err := r.Volumes(t.Context(), owner, []archive.Volume{captured()}, nil)
			if tc.want == "" {
				if err != nil {
					t.Error(err)
				}
			} else if !errors.Is(err, ErrConflict) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			var volume corev1.PersistentVolume
			var claim corev1.PersistentVolumeClaim
			volumeErr, claimErr := c.Get(t.Context(), client.ObjectKey{Name: "pv"}, &volume), c.Get(t.Context(), client.ObjectKey{Namespace: "shop", Name: "data"}, &claim)
			bound := volumeErr == nil && claimErr == nil && volume.Spec.ClaimRef.UID == claim.UID && claim.Annotations["pv.kubernetes.io/bind-completed"] == "yes"
			if bound != (tc.want == "") {
				t.Errorf("bound: %t; %+v, %+v", bound, volume.Spec.ClaimRef, claim.Annotations)
			}
		})
	}
}

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	out := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &out.Object); err != nil {
		t.Fatal(err)
	}
	return out
}

func onObjects(existing ...runtime.Object) (*Restorer, *dynamicfake.FakeDynamicClient) {
	c := dynamicfake.NewSimpleDynamicClient(clientgoscheme.Scheme, existing...)
	return &Restorer{Dynamic: c}, c
}

var plurals = map[string]string{"ConfigMap": "configmaps", "Deployment": "deployments", "Service": "services", "ServiceAccount": "serviceaccounts", "HorizontalPodAutoscaler": "horizontalpodautoscalers", "Namespace": "namespaces"}

func archived(objects ...*unstructured.Unstructured) []archive.Object {
	var out []archive.Object
	for _, o := range objects {
		out = append(out, archive.Object{Resource: plurals[o.GetKind()], Object: o})
	}
	return out
}

func TestObjectsAreCreatedInTheOrderTheyNeedEachOther(t *testing.T) {
	r, c := onObjects()
	err := r.Objects(t.Context(), owner, nil, archived(
		object(t, "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: a, namespace: shop}}"),
		object(t, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, namespace: shop}}"),
		object(t, "{apiVersion: v1, kind: Service, metadata: {name: a, namespace: shop}}"),
		object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}}"),
		object(t, "{apiVersion: v1, kind: ServiceAccount, metadata: {name: a, namespace: shop}}"),
		object(t, "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}"),
	))
	if err != nil {
		t.Fatal(err)
	}
	var created []string
	for _, action := range c.Actions() {
		created = append(created, action.GetResource().Resource)
	}
	if got, want := strings.Join(created, " "), "serviceaccounts configmaps services deployments horizontalpodautoscalers"; got != want {
		t.Errorf("created %s, want %s", got, want)
	}
}

func TestAnExistingObject(t *testing.T) {
	const wanted = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}, data: {k: new}}"
	for name, tc := range map[string]struct {
		existing string
		known    sets.Set[types.UID]
		refused  bool
		data     string
	}{
		"like the captured one":          {existing: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop, uid: u, resourceVersion: '7'}, data: {k: new}}", data: "new"},
		"restored for this group before": {existing: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop, annotations: {dr.ramen.io/volumereplicationgroup: shop/shop.dr2}}, data: {k: old}}", data: "new"},
		"the application's own, from when it ran here": {
			existing: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop, uid: mine}, data: {k: old}}", known: sets.New[types.UID]("mine"), data: "new",
		},
		"somebody else's": {existing: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop, uid: u}, data: {k: old}}", refused: true, data: "old"},
	} {
		t.Run(name, func(t *testing.T) {
			r, c := onObjects(object(t, tc.existing))
			err := r.Objects(t.Context(), owner, tc.known, archived(
				object(t, wanted), object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: shop}}")))
			if tc.refused != errors.Is(err, ErrConflict) || tc.refused && !strings.Contains(err.Error(), "ConfigMap shop/a exists") {
				t.Error(err)
			}
			resource := c.Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Namespace("shop")
			got, err := resource.Get(t.Context(), "a", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if data, _, _ := unstructured.NestedString(got.Object, "data", "k"); data != tc.data {
				t.Errorf("data %q, want %q", data, tc.data)
			}
			if _, err := resource.Get(t.Context(), "b", metav1.GetOptions{}); err != nil {
				t.Errorf("the others: %v", err)
			}
		})
	}
}

func TestAStoppedWorkloadRunsAgain(t *testing.T) {
	existing := object(t, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, namespace: shop, uid: mine, annotations: {dr.ramen.io/replicas: '2'}}, spec: {replicas: 0, paused: false}, status: {replicas: 0}}")
	r, c := onObjects(existing)
	wanted := object(t, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, namespace: shop}, spec: {replicas: 3, paused: false}}")
	for range 2 {
		if err := r.Objects(t.Context(), owner, sets.New[types.UID]("mine"), archived(wanted)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := c.Resource(schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}).Namespace("shop").Get(t.Context(), "a", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	replicas, _, _ := unstructured.NestedInt64(got.Object, "spec", "replicas")
	if _, stopped := got.GetAnnotations()[mark.Replicas]; replicas != 3 || stopped {
		t.Errorf("%v", got.Object)
	}
}

func TestAnObjectThatCannotBeChangedIsNamed(t *testing.T) {
	r, c := onObjects(object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop, uid: mine}, data: {k: old}}"))
	c.PrependReactor("patch", "configmaps", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewInvalid(schema.GroupKind{Kind: "ConfigMap"}, "a", nil)
	})
	err := r.Objects(t.Context(), owner, sets.New[types.UID]("mine"), archived(object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}, data: {k: new}}")))
	if !errors.Is(err, ErrConflict) || !strings.Contains(err.Error(), "can't be brought to the captured state") {
		t.Error(err)
	}
}
