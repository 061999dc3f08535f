// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"sigs.k8s.io/yaml"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// kind is all that the specs know of a kind. In its manifests $name stands for the object's name.
type kind struct {
	name       string
	resource   string
	singular   string
	shortNames []string
	namespaced bool
	// actions are the subresources that one creates DRActions at, or what body says.
	actions []string
	body    string
	// computed are the subresources that are made up when they are read, and their kinds.
	computed map[string]string
	// fields that can be selected on, besides those that every kind has, and what they are in a new object.
	fields map[string]string
	// manifest is what a minimal object has besides its type and metadata.
	manifest string
	// change is a merge patch of spec, fixed one that is refused: the spec of most kinds can't be changed. At says where.
	change, fixed, at string
	// status is a merge patch of status.
	status string
	// record is true of a kind that is created with the status it has.
	record bool
}

// stored are the kinds with objects that are written and read.
var stored = []kind{
	{
		name: "DRPlacementControl", resource: "drplacementcontrols", singular: "drplacementcontrol", shortNames: []string{"drpc"},
		namespaced: true,
		actions:    []string{"failover", "relocate", "abort"},
		fields:     map[string]string{v1alpha1.FieldDRPolicyName: policy, v1alpha1.FieldPhase: string(v1alpha1.PhaseWaitForUser)},
		manifest:   `spec: {drPolicyRef: {name: ` + policy + `}, preferredCluster: ` + east + `, pvcSelector: {matchLabels: {app: $name}}}`,
		change:     `spec: {failoverCluster: ` + west + `}`,
		fixed:      `spec: {drPolicyRef: {name: other}}`, at: "spec.drPolicyRef.name",
		status: `status: {lastKubeObjectProtectionTime: "2026-01-02T03:04:05Z"}`,
	},
	{
		name: "DRAction", resource: "dractions", singular: "draction", shortNames: []string{"dra"},
		namespaced: true,
		fields:     map[string]string{v1alpha1.FieldDRPlacementControl: "gone"},
		manifest: `
spec: {type: Failover, drPlacementControl: gone, targetCluster: ` + east + `, epoch: 1}
status: {conditions: [{type: Complete, status: "True", reason: Succeeded, message: "", lastTransitionTime: "2026-01-02T03:04:05Z"}]}`,
		fixed: `spec: {reason: second thoughts}`, at: "spec",
		status: `status: {protectedTime: "2026-01-02T03:04:05.678900Z"}`,
		record: true,
	},
	{
		name: "VolumeReplicationGroup", resource: "volumereplicationgroups", singular: "volumereplicationgroup", shortNames: []string{"vrg"},
		namespaced: true,
		computed:   map[string]string{"replicationkey": "ReplicationKey"},
		fields:     map[string]string{v1alpha1.FieldClusterName: east},
		manifest:   `spec: {clusterName: ` + east + `, replicationState: primary, pvcSelector: {matchLabels: {app: $name}}, s3Profiles: [s3-dr1]}`,
		change:     `spec: {s3Profiles: [s3-dr1, s3-dr2]}`,
		fixed:      `spec: {clusterName: other}`, at: "spec.clusterName",
		status: `status: {state: Unknown, observedGeneration: 1}`,
	},
	{
		name: "DRPolicy", resource: "drpolicies", singular: "drpolicy", shortNames: []string{"drp"},
		manifest: `spec: {drClusters: [` + east + `, ` + west + `], schedulingInterval: 5m}`,
		fixed:    `spec: {schedulingInterval: 1h}`, at: "spec.schedulingInterval",
		status: `status: {unpaired: [{storageClassName: plain, message: has no peer}]}`,
	},
	{
		name: "DRCluster", resource: "drclusters", singular: "drcluster", shortNames: []string{"drcl"},
		actions: []string{"fence", "unfence"}, body: "ClusterFence",
		manifest: `spec: {region: east, s3ProfileName: s3-dr1}`,
		fixed:    `spec: {s3ProfileName: other}`, at: "spec.s3ProfileName",
		status: `status: {conditions: [{type: Conformance, status: "True", reason: Tried, message: "", lastTransitionTime: "2026-01-02T03:04:05Z"}]}`,
	},
	{
		name: "DRClusterConfig", resource: "drclusterconfigs", singular: "drclusterconfig", shortNames: []string{"drcc"},
		manifest: `spec: {clusterID: 7d1c7a4e-3e2b-4f0a-9d43-6a1f0b6f9a11}`,
		fixed:    `spec: {clusterID: 00000000-0000-0000-0000-000000000000}`, at: "spec.clusterID",
		status: `status: {lastUpdateTime: "2026-01-02T03:04:05Z"}`,
	},
	{
		name: "MaintenanceMode", resource: "maintenancemodes", singular: "maintenancemode", shortNames: []string{"mmode"},
		fields:   map[string]string{v1alpha1.FieldClusterName: east},
		manifest: `spec: {clusterName: ` + east + `, storageProvisioner: storagesim.dr.ramen.io, targetID: pair, modes: [Failover]}`,
		fixed:    `spec: {targetID: other}`, at: "spec.targetID",
		status: `status: {state: Progressing, observedGeneration: 1}`,
	},
}

// computed are the kinds whose objects are made up when they are read.
var computed = []kind{
	{name: "ProtectedVolume", resource: "protectedvolumes", singular: "protectedvolume", shortNames: []string{"pvol"}, namespaced: true},
	{name: "ReplicationGroupSource", resource: "replicationgroupsources", singular: "replicationgroupsource", shortNames: []string{"rgs"}, namespaced: true},
	{name: "ReplicationGroupDestination", resource: "replicationgroupdestinations", singular: "replicationgroupdestination", shortNames: []string{"rgd"}, namespaced: true},
}

// eachStored adds what body says of a kind for every kind that is stored.
func eachStored(text string, body func(k kind)) bool {
	return Describe(text, func() {
		for _, k := range stored {
			Context(k.name, func() { body(k) })
		}
	})
}

func (k kind) gvr() schema.GroupVersionResource {
	return v1alpha1.SchemeGroupVersion.WithResource(k.resource)
}

func (k kind) gvk() schema.GroupVersionKind { return v1alpha1.SchemeGroupVersion.WithKind(k.name) }

// objects are those of the kind; of a namespaced one those in the specs' namespace.
func (k kind) objects() dynamic.ResourceInterface { return k.objectsIn(namespace) }

// objectsIn are those in a namespace, if the kind is namespaced.
func (k kind) objectsIn(namespace string) dynamic.ResourceInterface {
	if k.namespaced {
		return hub.Dynamic.Resource(k.gvr()).Namespace(namespace)
	}
	return hub.Dynamic.Resource(k.gvr())
}

// metadatas are the objects' metadata.
func (k kind) metadatas() metadata.ResourceInterface {
	if k.namespaced {
		return metadatas.Resource(k.gvr()).Namespace(namespace)
	}
	return metadatas.Resource(k.gvr())
}

// path is the address of the kind's objects, or of one, or of a subresource of one.
func (k kind) path(elements ...string) string {
	path := "/apis/" + v1alpha1.SchemeGroupVersion.String()
	if k.namespaced {
		path += "/namespaces/" + namespace
	}
	return strings.Join(append([]string{path, k.resource}, elements...), "/")
}

// object returns a minimal object that has not been created.
func (k kind) object(name string) *unstructured.Unstructured {
	GinkgoHelper()
	object := &unstructured.Unstructured{Object: parse(k.manifest, name)}
	object.SetGroupVersionKind(k.gvk())
	object.SetName(name)
	if k.namespaced {
		object.SetNamespace(namespace)
	}
	return object
}

// parse reads a piece of a manifest.
func parse(manifest, name string) map[string]any {
	GinkgoHelper()
	var content map[string]any
	Expect(yaml.Unmarshal([]byte(strings.ReplaceAll(manifest, "$name", name)), &content)).To(Succeed())
	return content
}

// patch is a piece of a manifest as a merge patch.
func patch(manifest string) []byte {
	GinkgoHelper()
	content, err := yaml.YAMLToJSON([]byte(manifest))
	Expect(err).NotTo(HaveOccurred())
	return content
}
