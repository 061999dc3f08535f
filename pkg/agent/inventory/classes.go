// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/served"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// schedulingIntervalParameter is the parameter of a class that says how often its volumes are synced.
const schedulingIntervalParameter = "schedulingInterval"

// optional is a kind of class that a cluster may not have.
type optional struct {
	// group, versions that are understood, the best first, and kind.
	group    string
	versions []string
	kind     string
	// provisioner and parameters are where a class has these.
	provisioner, parameters []string
	// into is where the report has what was found.
	into func(*v1alpha1.DRClusterConfigStatus) *[]v1alpha1.ClassInfo
}

var (
	inSpec     = []string{"spec", "provisioner"}
	paramsSpec = []string{"spec", "parameters"}
)

// optionals are the classes that storage and its controllers bring along.
var optionals = []optional{
	{"replication.storage.openshift.io", []string{"v1alpha1"}, "VolumeReplicationClass", inSpec, paramsSpec,
		func(s *v1alpha1.DRClusterConfigStatus) *[]v1alpha1.ClassInfo { return &s.VolumeReplicationClasses }},
	{"replication.storage.openshift.io", []string{"v1alpha1"}, "VolumeGroupReplicationClass", inSpec, paramsSpec,
		func(s *v1alpha1.DRClusterConfigStatus) *[]v1alpha1.ClassInfo { return &s.VolumeGroupReplicationClasses }},
	{"snapshot.storage.k8s.io", []string{"v1"}, "VolumeSnapshotClass", []string{"driver"}, nil,
		func(s *v1alpha1.DRClusterConfigStatus) *[]v1alpha1.ClassInfo { return &s.VolumeSnapshotClasses }},
	{"groupsnapshot.storage.k8s.io", []string{"v1", "v1beta2", "v1beta1"}, "VolumeGroupSnapshotClass", []string{"driver"}, nil,
		func(s *v1alpha1.DRClusterConfigStatus) *[]v1alpha1.ClassInfo { return &s.VolumeGroupSnapshotClasses }},
	{"csiaddons.openshift.io", []string{"v1alpha1"}, "NetworkFenceClass", inSpec, nil,
		func(s *v1alpha1.DRClusterConfigStatus) *[]v1alpha1.ClassInfo { return &s.NetworkFenceClasses }},
}

// nodes are csi-addons' notes of the drivers on each node.
var nodes = optional{group: "csiaddons.openshift.io", versions: []string{"v1alpha1"}, kind: "CSIAddonsNode"}

func (o optional) watch(kinds *served.Kinds, changed func(client.Object)) (*served.Kind, error) {
	objects := make([]client.Object, 0, len(o.versions))
	for _, version := range o.versions {
		object := &unstructured.Unstructured{}
		object.SetGroupVersionKind(schema.GroupVersionKind{Group: o.group, Version: version, Kind: o.kind})
		objects = append(objects, object)
	}
	return kinds.Watch(changed, objects...)
}

// list is what there is of a kind; nothing where the cluster does not serve it.
func list(ctx context.Context, reader client.Reader, kind *served.Kind) ([]unstructured.Unstructured, error) {
	version, ok := kind.Version()
	if !ok {
		return nil, nil
	}
	found := &unstructured.UnstructuredList{}
	found.SetGroupVersionKind(version.GroupVersion().WithKind(version.Kind + "List"))
	if err := reader.List(ctx, found); err != nil && !meta.IsNoMatchError(err) {
		return nil, fmt.Errorf("listing %s: %w", version.GroupKind(), err)
	}
	return found.Items, nil
}

func (o optional) describe(class *unstructured.Unstructured) v1alpha1.ClassInfo {
	provisioner, _, _ := unstructured.NestedString(class.Object, o.provisioner...)
	interval := ""
	if o.parameters != nil {
		interval, _, _ = unstructured.NestedString(class.Object, append(slices.Clone(o.parameters), schedulingIntervalParameter)...)
	}
	return describe(class, provisioner, interval)
}

// describe says of a class what the hub needs to pair it. Of its parameters only the interval is told: others may name secrets.
func describe(class client.Object, provisioner, interval string) v1alpha1.ClassInfo {
	labels := class.GetLabels()
	return v1alpha1.ClassInfo{
		Name:               class.GetName(),
		Provisioner:        provisioner,
		StorageID:          labels[v1alpha1.LabelStorageID],
		ReplicationID:      cmp.Or(labels[v1alpha1.LabelReplicationID], labels[v1alpha1.LabelReplicationIDCamel]),
		GroupReplicationID: labels[v1alpha1.LabelGroupReplicationID],
		Global:             said(labels, v1alpha1.LabelGlobal),
		Offloaded:          said(labels, v1alpha1.LabelOffloaded),
		SchedulingInterval: interval,
		Labels:             labels,
	}
}

// said tells whether a label is there and does not say false. Vendors set these to "true" or to nothing at all.
func said(labels map[string]string, label string) bool {
	value, found := labels[label]
	return found && value != "false"
}

func sortByName(classes []v1alpha1.ClassInfo) {
	slices.SortFunc(classes, func(a, b v1alpha1.ClassInfo) int { return cmp.Compare(a.Name, b.Name) })
}

// accessDetails are the addresses that each driver says the cluster's nodes have for its storage.
func accessDetails(nodes []unstructured.Unstructured) []v1alpha1.StorageAccessDetail {
	cidrs := map[string][]string{}
	for i := range nodes {
		driver, _, _ := unstructured.NestedString(nodes[i].Object, "spec", "driver", "name")
		statuses, _, _ := unstructured.NestedSlice(nodes[i].Object, "status", "networkFenceClientStatus")
		for _, status := range statuses {
			cidrs[driver] = append(cidrs[driver], cidrsOf(status)...)
		}
	}
	var details []v1alpha1.StorageAccessDetail
	for _, driver := range slices.Sorted(maps.Keys(cidrs)) {
		slices.Sort(cidrs[driver])
		details = append(details, v1alpha1.StorageAccessDetail{StorageProvisioner: driver, CIDRs: slices.Compact(cidrs[driver])})
	}
	return details
}

func cidrsOf(status any) []string {
	fields, _ := status.(map[string]any)
	clients, _, _ := unstructured.NestedSlice(fields, "ClientDetails")
	var cidrs []string
	for _, client := range clients {
		detail, _ := client.(map[string]any)
		own, _, _ := unstructured.NestedStringSlice(detail, "cidrs")
		cidrs = append(cidrs, own...)
	}
	return cidrs
}
