// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package ramendr

import (
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/apiserver/apiservertest"
	"github.com/ramendr/dr-apiserver/pkg/config"
)

// outcome is what becomes of the objects in a manifest.
type outcome struct {
	file string
	// change is done to the first object before.
	change func(*unstructured.Unstructured)
	// refused is what the refusal says; empty if the objects are created.
	refused []string
	// warnings, one of each, that the writer gets.
	warnings []string
}

// outcomes of the manifests for kinds of ours, in the order in which they are applied.
var outcomes = []outcome{
	{file: "02-drpolicy.yaml", warnings: []string{
		"spec.drClusters[0]: there is no DRCluster ramen-dr1 yet", "spec.drClusters[1]: there is no DRCluster ramen-dr2 yet",
	}},
	{file: "04-drcluster.yaml"},
	{file: "03-drplacementcontrol.yaml", warnings: []string{
		"spec.drPolicyRef.namespace: ignored", "spec.replicationState: ignored",
	}},
	{file: "12-drpolicy.yaml", warnings: []string{
		"spec.drClusterSet: of an early version of RamenDR", "spec.drClusterSet[0]: region", "spec.drClusterSet[1]: region",
		"spec.drClusters[0]: there is no DRCluster east-cluster yet", "spec.drClusters[1]: there is no DRCluster west-cluster yet",
	}},
	{file: "13-statefulset-drplacementcontrol.yaml", warnings: []string{
		"spec.drPolicyRef.namespace: ignored", "spec.placementRef: ignored, no Placement is changed",
	}},
	// Its agent is not named by the VolumeReplicationGroup, which in RamenDR is on the agent's own cluster.
	{file: "01-volumereplicationgroup.yaml", refused: []string{"spec.clusterName: Required value", "one of ramen-dr1, ramen-dr2"}},
	{
		file:     "01-volumereplicationgroup.yaml",
		change:   set("ramen-dr1", "spec", "clusterName"),
		warnings: []string{"spec.action: Relocate contradicts the missing spec.handoverToken"},
	},
	{file: "02-drpolicy.yaml", change: set("5 minutes", "spec", "schedulingInterval"), refused: []string{"spec.schedulingInterval", "5 minutes", "such as 5m"}},
	{file: "02-drpolicy.yaml", change: set("5m", "spec", "asyncSchedulingInterval"), refused: []string{`unknown field "spec.asyncSchedulingInterval"`}},
	{file: "12-drpolicy.yaml", change: set([]any{"a", "b"}, "spec", "drClusters"), refused: []string{
		"spec.drClusterSet", "east-cluster, west-cluster", "contradicts spec.drClusters, which names a, b",
	}},
	{file: "04-drcluster.yaml", change: set("other-s3", "spec", "s3ProfileName"), refused: []string{"spec.s3ProfileName", "other-s3", "which has minio-s3"}},
	{file: "03-drplacementcontrol.yaml", change: set("none", "spec", "drPolicyRef", "name"), refused: []string{"spec.drPolicyRef.name", "no such DRPolicy"}},
	{file: "03-drplacementcontrol.yaml", change: set("east-cluster", "spec", "failoverCluster"), refused: []string{
		"spec.failoverCluster", "east-cluster", "name one of ramen-dr1, ramen-dr2",
	}},
	{file: "03-drplacementcontrol.yaml", change: nothing, refused: []string{"spec.pvcSelector", "DRPlacementControl nginx-test-drpc"}},
}

// configurations are the manifests that the servers' and agents' --config reads.
var configurations = []string{"05-configmap.yaml", "06-fragment.yaml", "11-ramenconfig.yaml"}

func set(value any, fields ...string) func(*unstructured.Unstructured) {
	return func(object *unstructured.Unstructured) {
		if err := unstructured.SetNestedField(object.Object, value, fields...); err != nil {
			panic(err)
		}
	}
}

func nothing(*unstructured.Unstructured) {}

func TestEachManifestHasItsOutcome(t *testing.T) {
	profiles, err := config.Open(filepath.Join("manifests", configurations[0]))
	if err != nil {
		t.Fatal(err)
	}
	server, err := apiservertest.Start(&apiservertest.Heartbeats{},
		apiservertest.WithAdmission(profiles, authorizerfactory.NewAlwaysAllowAuthorizer()))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	users := newWriter(t, server)
	for _, o := range outcomes {
		t.Run(o.file, func(t *testing.T) {
			users.warnings = nil
			err := users.write(t, o)
			if err == nil && len(o.refused) > 0 {
				t.Errorf("it was created, wanted it refused with %q", o.refused)
			}
			if err != nil && len(o.refused) == 0 {
				t.Errorf("it was refused: %v", err)
			}
			for _, part := range o.refused {
				if err != nil && !strings.Contains(err.Error(), part) {
					t.Errorf("the refusal %q does not say %q", err, part)
				}
			}
			if err == nil {
				users.expectWarnings(t, o.warnings)
			}
		})
	}
}

// writer writes as a user's tools do: it creates with strict field validation, and then applies the same on the server's side.
type writer struct {
	client dynamic.Interface
	mapper meta.RESTMapper

	lock     sync.Mutex
	warnings []string
}

func newWriter(t *testing.T, server *apiservertest.Server) *writer {
	t.Helper()
	w := &writer{}
	settings := server.As("ada")
	settings.WarningHandler = w
	disco, err := discovery.NewDiscoveryClientForConfig(settings)
	if err != nil {
		t.Fatal(err)
	}
	resources, err := restmapper.GetAPIGroupResources(disco)
	if err != nil {
		t.Fatal(err)
	}
	w.mapper = restmapper.NewDiscoveryRESTMapper(resources)
	if w.client, err = dynamic.NewForConfig(settings); err != nil {
		t.Fatal(err)
	}
	return w
}

// HandleWarningHeader notes a warning.
func (w *writer) HandleWarningHeader(code int, _ string, text string) {
	w.lock.Lock()
	defer w.lock.Unlock()
	if code == http.StatusNonAuthoritativeInfo || code == 299 {
		w.warnings = append(w.warnings, text)
	}
}

func (w *writer) write(t *testing.T, o outcome) error {
	t.Helper()
	objects, err := Objects(o.file)
	if err != nil {
		t.Fatal(err)
	}
	objects = slices.DeleteFunc(objects, func(object *unstructured.Unstructured) bool {
		return object.GroupVersionKind().Group != v1alpha1.GroupName
	})
	if len(objects) == 0 {
		t.Fatal("there is nothing of ours in it")
	}
	if o.change != nil {
		o.change(objects[0])
		objects[0].SetName(objects[0].GetName() + "-changed")
	}
	for _, object := range objects {
		if err := w.create(t, object); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) create(t *testing.T, object *unstructured.Unstructured) error {
	t.Helper()
	mapping, err := w.mapper.RESTMapping(object.GroupVersionKind().GroupKind())
	if err != nil {
		t.Fatal(err)
	}
	var resource dynamic.ResourceInterface = w.client.Resource(mapping.Resource)
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		resource = w.client.Resource(mapping.Resource).Namespace(object.GetNamespace())
	}
	if _, err := resource.Create(t.Context(), object, metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict}); err != nil {
		return err
	}
	_, err = resource.Apply(t.Context(), object.GetName(), object, metav1.ApplyOptions{FieldManager: "apply", Force: true})
	return err
}

func (w *writer) expectWarnings(t *testing.T, wanted []string) {
	t.Helper()
	w.lock.Lock()
	defer w.lock.Unlock()
	if len(w.warnings) != len(wanted) {
		t.Errorf("warned of %q, wanted %q", w.warnings, wanted)
	}
	for _, part := range wanted {
		if !slices.ContainsFunc(w.warnings, func(text string) bool { return strings.Contains(text, part) }) {
			t.Errorf("nothing in %q says %q", w.warnings, part)
		}
	}
}

func TestEachConfigurationIsRead(t *testing.T) {
	for _, file := range configurations {
		t.Run(file, func(t *testing.T) {
			c, err := config.Open(filepath.Join("manifests", file))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Profile("minio-s3"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNoManifestOfOursIsLeftOut(t *testing.T) {
	known := sets.New(configurations...)
	for _, o := range outcomes {
		known.Insert(o.file)
	}
	files, err := fs.Glob(manifests, "manifests/*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		objects, err := Objects(filepath.Base(file))
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range objects {
			if object.GroupVersionKind().Group == v1alpha1.GroupName && !known.Has(filepath.Base(file)) {
				t.Errorf("%s has a %s and no outcome", file, object.GetKind())
			}
		}
	}
}
