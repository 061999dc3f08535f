// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"encoding/json"
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

func TestWhatACaptureHoldsOfOtherNamespacesIsNotRestored(t *testing.T) {
	foreignClaim, foreignRef, noRef := captured(), captured(), captured()
	foreignClaim.PVC.Namespace = "kube-system"
	foreignRef.PV.Spec.ClaimRef.Namespace = "kube-system"
	noRef.PV.Spec.ClaimRef = nil
	for name, volume := range map[string]archive.Volume{
		"a claim of another namespace": foreignClaim, "a volume of another namespace": foreignRef, "a volume of nobody": noRef,
	} {
		t.Run(name, func(t *testing.T) {
			r, c := onVolumes()
			if err := r.Volumes(t.Context(), owner, []archive.Volume{volume}, nil); !errors.Is(err, ErrConflict) {
				t.Errorf("error %v, want a conflict", err)
			}
			var volumes corev1.PersistentVolumeList
			if err := c.List(t.Context(), &volumes); err != nil || len(volumes.Items) > 0 {
				t.Errorf("there are %d volumes, %v", len(volumes.Items), err)
			}
		})
	}
	r, c := onObjects()
	role := object(t, "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: a, namespace: kube-system}}")
	if err := r.Objects(t.Context(), owner, nil, archived(role)); !errors.Is(err, ErrConflict) || len(c.Actions()) > 0 {
		t.Errorf("error %v, want a conflict; did %v", err, c.Actions())
	}
}

// FuzzRestore restores whatever a capture may hold that is as its manifest says. Nothing gets into other namespaces.
func FuzzRestore(f *testing.F) {
	good, err := json.Marshal([]archive.Volume{captured()})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, []byte(`[{"resource":"configmaps","object":{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"shop"}}}]`))
	f.Add([]byte(`[{}]`), []byte(`[{"resource":"x","object":{"kind":"List","items":[{}]}}]`))
	f.Add([]byte(`[{"pvc":{"metadata":{"namespace":"shop","name":"a"}}}]`), []byte(`[{"resource":"","object":{"apiVersion":"a/b/c","kind":"K"}}]`))
	f.Add([]byte(`[]`), []byte(`[{"resource":"pods","object":{"apiVersion":1,"kind":"Pod","metadata":{"namespace":"shop","name":"a","annotations":[]}}}]`))
	f.Add([]byte(`[]`), []byte(`[{"resource":"secrets","object":{"apiVersion":"v1","kind":"Secret","metadata":{"namespace":"kube-system","name":"a"}}}]`))
	f.Fuzz(func(t *testing.T, volumeData, objectData []byte) {
		var volumes []archive.Volume
		var objects []archive.Object
		if json.Unmarshal(volumeData, &volumes) != nil || json.Unmarshal(objectData, &objects) != nil {
			return
		}
		for _, o := range objects {
			if o.Object == nil {
				return // such a capture is passed over by who reads it
			}
		}
		c := fake.NewClientBuilder().Build()
		d := dynamicfake.NewSimpleDynamicClient(runtime.NewScheme())
		r := &Restorer{Client: c, Live: c, Dynamic: d}
		_ = r.Volumes(t.Context(), owner, volumes, Namespace(objects))
		_ = r.Objects(t.Context(), owner, nil, objects)

		var claims corev1.PersistentVolumeClaimList
		if err := c.List(t.Context(), &claims); err != nil {
			t.Fatal(err)
		}
		for _, claim := range claims.Items {
			if claim.Namespace != owner.Namespace {
				t.Errorf("a claim in namespace %q", claim.Namespace)
			}
		}
		for _, action := range d.Actions() {
			if created, ok := action.(clienttesting.CreateAction); ok && created.GetNamespace() != owner.Namespace {
				t.Errorf("%s in namespace %q", created.GetResource().Resource, created.GetNamespace())
			}
		}
	})
}
