// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drpolicy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// rules are what a policy says of the classes that may be used.
type rules struct {
	interval                               string
	grouping                               bool
	replication, snapshots, groupSnapshots labels.Selector
}

// rulesOf reads a policy, or says what of it can't be read.
func rulesOf(policy *v1alpha1.DRPolicy) (rules, string) {
	spec := policy.Spec
	r := rules{interval: spec.SchedulingInterval, grouping: spec.ConsistencyGroups != v1alpha1.ConsistencyGroupsNever}
	for _, s := range []struct {
		name string
		from *metav1.LabelSelector
		to   *labels.Selector
	}{
		{"replicationClassSelector", spec.ReplicationClassSelector, &r.replication},
		{"volumeSnapshotClassSelector", spec.VolumeSnapshotClassSelector, &r.snapshots},
		{"volumeGroupSnapshotClassSelector", spec.VolumeGroupSnapshotClassSelector, &r.groupSnapshots},
	} {
		*s.to = labels.Everything()
		if s.from == nil {
			continue
		}
		selector, err := metav1.LabelSelectorAsSelector(s.from)
		if err != nil {
			return r, fmt.Sprintf("%s of DRPolicy %s: %v.", s.name, policy.Name, err)
		}
		*s.to = selector
	}
	return r, ""
}

// usable tells whether the policy leaves a replication class in.
func (r rules) usable(class *v1alpha1.ClassInfo) bool {
	return class.SchedulingInterval == r.interval && r.replication.Matches(bothSpellings(class.Labels))
}

// says is the interval in words.
func (r rules) says() string {
	if r.interval == "" {
		return "no schedulingInterval"
	}
	return "schedulingInterval " + r.interval
}

// side is a storage class on one cluster, and what else the agent found there.
type side struct {
	cluster string
	config  *v1alpha1.DRClusterConfigStatus
	// class is nil where the cluster has none of that name.
	class *v1alpha1.ClassInfo
}

func newSide(cluster string, config *v1alpha1.DRClusterConfig, name string) side {
	s := side{cluster: cluster, config: &config.Status}
	if i := slices.IndexFunc(s.config.StorageClasses, func(c v1alpha1.ClassInfo) bool { return c.Name == name }); i >= 0 {
		s.class = &s.config.StorageClasses[i]
	}
	return s
}

// fits tells whether another class goes with the storage class: it is of the same driver and, if it says, of the same storage.
func (s side) fits(class *v1alpha1.ClassInfo) bool {
	id := storageID(class)
	return class.Provisioner == s.class.Provisioner && (id == "" || id == storageID(s.class))
}

// ids are what the classes have that go with the storage class and are usable, sorted.
func (s side) ids(classes []v1alpha1.ClassInfo, usable func(*v1alpha1.ClassInfo) bool, id func(*v1alpha1.ClassInfo) string) []string {
	var ids []string
	for i := range classes {
		if class := &classes[i]; s.fits(class) && usable(class) && id(class) != "" {
			ids = append(ids, id(class))
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// intervals are those at which the storage class's volumes can be replicated by their storage, sorted.
func (s side) intervals() []string {
	scheduled := func(class *v1alpha1.ClassInfo) bool { return class.SchedulingInterval != "" }
	return s.ids(s.config.VolumeReplicationClasses, scheduled, func(class *v1alpha1.ClassInfo) string { return class.SchedulingInterval })
}

// has tells whether one of the classes goes with the storage class and is selected.
func (s side) has(classes []v1alpha1.ClassInfo, selector labels.Selector) bool {
	return slices.ContainsFunc(classes, func(c v1alpha1.ClassInfo) bool { return s.fits(&c) && selector.Matches(labels.Set(c.Labels)) })
}

func storageID(class *v1alpha1.ClassInfo) string {
	return cmp.Or(class.StorageID, class.Labels[v1alpha1.LabelStorageID])
}

func replicationID(class *v1alpha1.ClassInfo) string {
	return cmp.Or(class.ReplicationID, bothSpellings(class.Labels)[v1alpha1.LabelReplicationID])
}

func groupReplicationID(class *v1alpha1.ClassInfo) string {
	return cmp.Or(class.GroupReplicationID, class.Labels[v1alpha1.LabelGroupReplicationID])
}

// bothSpellings gives the label of the replication ID in either spelling to selectors that use the other.
func bothSpellings(of map[string]string) labels.Set {
	set := labels.Set(maps.Clone(of))
	current, hasCurrent := of[v1alpha1.LabelReplicationID]
	older, hasOlder := of[v1alpha1.LabelReplicationIDCamel]
	switch {
	case hasCurrent && !hasOlder:
		set[v1alpha1.LabelReplicationIDCamel] = current
	case hasOlder && !hasCurrent:
		set[v1alpha1.LabelReplicationID] = older
	}
	return set
}
