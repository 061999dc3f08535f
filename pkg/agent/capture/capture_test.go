// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"
	clientfake "sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/yaml"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
)

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	out := &unstructured.Unstructured{}
	if err := out.UnmarshalJSON(raw); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCleanKeepsWhatIsTrueEverywhere(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"metadata of this cluster and status go": {
			in: "{apiVersion: v1, kind: ConfigMap, data: {k: v}, status: {x: 1}, metadata: {name: a, namespace: shop, uid: u, resourceVersion: '3', generation: 2, " +
				"creationTimestamp: '2026-01-01T00:00:00Z', labels: {app: shop}, annotations: {keep: me, dr.ramen.io/volumereplicationgroup: shop/x}, " +
				"ownerReferences: [{kind: Other, name: o, uid: v, apiVersion: v1}], finalizers: [f], managedFields: []}}",
			want: "{apiVersion: v1, kind: ConfigMap, data: {k: v}, metadata: {name: a, namespace: shop, labels: {app: shop}, annotations: {keep: me}}}",
		},
		"a stopped workload is kept with the scale it had": {
			in:   "{apiVersion: apps/v1, kind: Deployment, spec: {replicas: 0}, metadata: {name: a, annotations: {dr.ramen.io/replicas: '3', deployment.kubernetes.io/revision: '4'}}}",
			want: "{apiVersion: apps/v1, kind: Deployment, spec: {replicas: 3}, metadata: {name: a}}",
		},
		"addresses and node ports of a service are left to the other cluster": {
			in:   "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {clusterIP: 10.0.0.1, clusterIPs: [10.0.0.1], healthCheckNodePort: 31000, ports: [{port: 80, nodePort: 30000}]}}",
			want: "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 80}]}}",
		},
		"a headless service stays headless": {
			in:   "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {clusterIP: None, clusterIPs: [None]}}",
			want: "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {clusterIP: None, clusterIPs: [None]}}",
		},
		"a pod loses its node and its token": {
			in: "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {nodeName: n, volumes: [{name: data}, {name: kube-api-access-x}], " +
				"containers: [{name: c, volumeMounts: [{name: kube-api-access-x}, {name: data}]}]}}",
			want: "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {volumes: [{name: data}], containers: [{name: c, volumeMounts: [{name: data}]}]}}",
		},
		"a job loses what its controller made up": {
			in: "{apiVersion: batch/v1, kind: Job, metadata: {name: a, labels: {app: shop, controller-uid: u, batch.kubernetes.io/controller-uid: u}}, " +
				"spec: {selector: {matchLabels: {controller-uid: u}}, template: {metadata: {labels: {app: shop, job-name: a}}}}}",
			want: "{apiVersion: batch/v1, kind: Job, metadata: {name: a, labels: {app: shop}}, spec: {template: {metadata: {labels: {app: shop}}}}}",
		},
		"a service account loses its token secrets": {
			in:   "{apiVersion: v1, kind: ServiceAccount, metadata: {name: a}, secrets: [{name: s}], imagePullSecrets: [{name: p}]}",
			want: "{apiVersion: v1, kind: ServiceAccount, metadata: {name: a}, imagePullSecrets: [{name: p}]}",
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := object(t, tc.in)
			before := in.DeepCopy()
			if diff := cmp.Diff(object(t, tc.want).Object, Clean(in).Object); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(before.Object, in.Object); diff != "" {
				t.Error("the original was changed:", diff)
			}
		})
	}
}

func TestBelongs(t *testing.T) {
	for name, tc := range map[string]struct {
		in   string
		want bool
	}{
		"a config map":                                     {"{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}", true},
		"the cluster's own config map":                     {"{apiVersion: v1, kind: ConfigMap, metadata: {name: kube-root-ca.crt}}", false},
		"the default service account":                      {"{apiVersion: v1, kind: ServiceAccount, metadata: {name: default}}", false},
		"a service account's token":                        {"{apiVersion: v1, kind: Secret, type: kubernetes.io/service-account-token, metadata: {name: a}}", false},
		"a controlled pod":                                 {"{apiVersion: v1, kind: Pod, metadata: {name: a, ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: s, uid: u, controller: true}]}}", false},
		"an object with an owner that does not control it": {"{apiVersion: v1, kind: Secret, metadata: {name: a, ownerReferences: [{apiVersion: v1, kind: X, name: s, uid: u}]}}", true},
		"an object being deleted":                          {"{apiVersion: v1, kind: Secret, metadata: {name: a, deletionTimestamp: '2026-01-01T00:00:00Z'}}", false},
		"a pod that has run":                               {"{apiVersion: v1, kind: Pod, metadata: {name: a}, status: {phase: Succeeded}}", false},
		"a job that runs":                                  {"{apiVersion: batch/v1, kind: Job, metadata: {name: a}}", true},
		"a job that has run":                               {"{apiVersion: batch/v1, kind: Job, metadata: {name: a}, status: {conditions: [{type: Complete, status: 'True'}]}}", false},
	} {
		if got := Belongs(object(t, tc.in)); got != tc.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

type kinds struct {
	resources []schema.GroupVersionResource
	excluded  []string
}

func (k *kinds) Having(string, labels.Selector) ([]schema.GroupVersionResource, error) {
	return k.resources, nil
}
func (k *kinds) Served(wanted schema.GroupResource) (schema.GroupVersionResource, bool) {
	i := slices.IndexFunc(k.resources, func(r schema.GroupVersionResource) bool { return r.GroupResource() == wanted })
	if i < 0 {
		return schema.GroupVersionResource{}, false
	}
	return k.resources[i], true
}
func (k *kinds) Exclude(r schema.GroupVersionResource, _ error) {
	k.excluded = append(k.excluded, r.Resource)
}

func collector(t *testing.T) (*Collector, *fake.FakeDynamicClient, *kinds) {
	t.Helper()
	namespaces := clientfake.NewClientBuilder().WithObjects(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", UID: "n"}}).Build()
	mine := object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: shop, uid: b, labels: {app: shop}}}")
	first := object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop, uid: a, labels: {app: shop}}}")
	other := object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: shop, uid: c, labels: {app: other}}}")
	elsewhere := object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: d, namespace: other, uid: d, labels: {app: shop}}}")
	widget := object(t, "{apiVersion: example.org/v1, kind: Widget, metadata: {name: w, namespace: shop, uid: w, labels: {app: shop}}}")
	configMaps, widgets := schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}, schema.GroupVersionResource{Group: "example.org", Version: "v1", Resource: "widgets"}
	client := fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), map[schema.GroupVersionResource]string{
		configMaps: "ConfigMapList", widgets: "WidgetList",
	}, mine, first, other, elsewhere, widget)
	k := &kinds{resources: []schema.GroupVersionResource{configMaps, widgets}}
	return &Collector{Resources: k, Client: client, Namespaces: namespaces}, client, k
}

func TestCollectTakesWhatTheSelectorCovers(t *testing.T) {
	c, _, _ := collector(t)
	got, err := c.Collect(t.Context(), "shop", labels.SelectorFromSet(labels.Set{"app": "shop"}))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, o := range got.Objects {
		names = append(names, o.Resource+"/"+o.Object.GetName())
	}
	if want := []string{"namespaces/shop", "configmaps/a", "configmaps/b", "widgets/w"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	if len(got.UIDs) != 4 || got.UIDs[1] != "a" || got.Objects[1].Object.GetUID() != "" {
		t.Errorf("UIDs %q", got.UIDs)
	}
}

func TestAnEssentialKindThatCannotBeReadFailsTheCapture(t *testing.T) {
	for resource, tc := range map[string]struct {
		err      error
		excluded bool
	}{
		"configmaps": {err: apierrors.NewForbidden(schema.GroupResource{}, "", errors.New("no"))},
		"widgets":    {err: apierrors.NewForbidden(schema.GroupResource{}, "", errors.New("no")), excluded: true},
	} {
		c, client, k := collector(t)
		client.PrependReactor("list", resource, func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, tc.err })
		_, err := c.Collect(t.Context(), "shop", labels.Everything())
		if tc.excluded {
			if err != nil || !slices.Equal(k.excluded, []string{resource}) {
				t.Errorf("%s: %v, excluded %q", resource, err, k.excluded)
			}
		} else if err == nil || !strings.Contains(err.Error(), resource) {
			t.Errorf("%s: %v", resource, err)
		}
	}
	c, client, _ := collector(t)
	client.PrependReactor("list", "widgets", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewServiceUnavailable("down")
	})
	if _, err := c.Collect(t.Context(), "shop", labels.Everything()); err == nil {
		t.Error("a kind that can't be read for the moment was left out")
	}
}

func TestCapturable(t *testing.T) {
	all := metav1.Verbs{"list", "create", "patch", "get"}
	got := capturable([]*metav1.APIResourceList{
		{GroupVersion: "v1", APIResources: []metav1.APIResource{
			{Name: "configmaps", Namespaced: true, Verbs: all}, {Name: "nodes", Verbs: all}, {Name: "pods/status", Namespaced: true, Verbs: all},
			{Name: "events", Namespaced: true, Verbs: all}, {Name: "persistentvolumeclaims", Namespaced: true, Verbs: all}, {Name: "bindings", Namespaced: true, Verbs: metav1.Verbs{"create"}},
		}},
		{GroupVersion: "metrics.k8s.io/v1", APIResources: []metav1.APIResource{{Name: "pods", Namespaced: true, Verbs: all}}},
		{GroupVersion: "example.org/v1", APIResources: []metav1.APIResource{{Name: "widgets", Namespaced: true, Verbs: all}}},
	})
	if len(got) != 2 || got[0].Resource != "configmaps" || got[1].Resource != "widgets" {
		t.Errorf("%v", got)
	}
}

func TestAVolumeIsCapturedWithoutItsBinding(t *testing.T) {
	pvc := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: "data", UID: "u", ResourceVersion: "1", Finalizers: []string{"kubernetes.io/pvc-protection"}, Labels: map[string]string{"app": "shop", mark.VolumeGroup: "shop-1"},
			Annotations: map[string]string{
				mark.Owner: "shop/shop.dr1", "pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes",
				"replication.storage.openshift.io/volume-replication-name": "data", "keep": "me",
			},
		},
		Spec:   corev1.PersistentVolumeClaimSpec{VolumeName: "pv", DataSource: &corev1.TypedLocalObjectReference{Name: "snapshot"}},
		Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound},
	}
	pv := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "pv", UID: "p", Annotations: map[string]string{mark.ReclaimPolicy: "Delete", "pv.kubernetes.io/provisioned-by": "sim"}},
		Spec: corev1.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			ClaimRef:                      &corev1.ObjectReference{Namespace: "shop", Name: "data", UID: "u", ResourceVersion: "1"},
			PersistentVolumeSource:        corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: "sim", VolumeHandle: "h"}},
		},
	}
	v := Volume(pvc, pv)
	if diff := cmp.Diff(metav1.ObjectMeta{Namespace: "shop", Name: "data", Labels: map[string]string{"app": "shop"}, Annotations: map[string]string{"keep": "me"}}, v.PVC.ObjectMeta); diff != "" {
		t.Error(diff)
	}
	if v.PVC.Spec.VolumeName != "pv" || v.PVC.Spec.DataSource != nil || v.PVC.Status.Phase != "" {
		t.Errorf("%+v", v.PVC)
	}
	if ref := v.PV.Spec.ClaimRef; ref.UID != "" || ref.ResourceVersion != "" || ref.Name != "data" {
		t.Errorf("%+v", ref)
	}
	if v.PV.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimDelete || v.PV.Annotations[mark.ReclaimPolicy] != "" || v.PV.Spec.CSI.VolumeHandle != "h" {
		t.Errorf("%+v", v.PV)
	}
	if pvc.Annotations[mark.Owner] == "" || pv.Spec.ClaimRef.UID == "" {
		t.Error("the originals were changed")
	}
}
