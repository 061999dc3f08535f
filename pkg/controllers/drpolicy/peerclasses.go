// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drpolicy

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// pair finds the storage classes that the policy's two clusters can replicate between them at the policy's interval,
// and says of every other one why not.
func pair(f Facts) (pairs []v1alpha1.PeerClass, unpaired []v1alpha1.UnpairedClass) {
	names := f.Policy.Spec.DRClusters
	a := side{cluster: names[0], config: f.Configs[names[0]]}
	b := side{cluster: names[1], config: f.Configs[names[1]]}
	for _, class := range sortedNames(a.config, b.config) {
		peer, why := pairClass(f.Policy, class, a, b)
		if why != "" {
			unpaired = append(unpaired, v1alpha1.UnpairedClass{StorageClassName: class, Message: why})
			continue
		}
		pairs = append(pairs, peer)
	}
	return pairs, unpaired
}

// side is one cluster and what its agent found there.
type side struct {
	cluster string
	config  *v1alpha1.DRClusterConfig
}

func (s side) storageClass(name string) *v1alpha1.ClassInfo {
	for i := range s.config.Status.StorageClasses {
		if s.config.Status.StorageClasses[i].Name == name {
			return &s.config.Status.StorageClasses[i]
		}
	}
	return nil
}

// pairClass pairs one storage class, or says why it can't be.
func pairClass(policy *v1alpha1.DRPolicy, name string, a, b side) (v1alpha1.PeerClass, string) {
	classes := map[string]*v1alpha1.ClassInfo{}
	for _, s := range []side{a, b} {
		class := s.storageClass(name)
		if class == nil {
			return v1alpha1.PeerClass{}, fmt.Sprintf("%s has no StorageClass of that name.", s.cluster)
		}
		if storageID(class) == "" {
			return v1alpha1.PeerClass{}, fmt.Sprintf("The StorageClass has no label %s on %s.", v1alpha1.LabelStorageID, s.cluster)
		}
		classes[s.cluster] = class
	}
	first, second := classes[a.cluster], classes[b.cluster]
	if first.Provisioner != second.Provisioner {
		return v1alpha1.PeerClass{}, fmt.Sprintf("The provisioner is %s on %s but %s on %s.",
			first.Provisioner, a.cluster, second.Provisioner, b.cluster)
	}
	if storageID(first) == storageID(second) {
		return v1alpha1.PeerClass{}, fmt.Sprintf("Both clusters use the same storage (%s), so there is nothing to replicate at intervals.",
			storageID(first))
	}
	replicationID, why := commonReplicationID(policy, first.Provisioner, a, b)
	if why != "" {
		return v1alpha1.PeerClass{}, why
	}
	return v1alpha1.PeerClass{
		StorageClassName: name,
		ReplicationID:    replicationID,
		StorageID:        []string{storageID(first), storageID(second)},
		Clusters:         []string{a.cluster, b.cluster},
	}, ""
}

// commonReplicationID is the replication ID that usable VolumeReplicationClasses of both clusters share.
func commonReplicationID(policy *v1alpha1.DRPolicy, provisioner string, a, b side) (id, why string) {
	idsOfA, why := replicationIDs(policy, provisioner, a)
	if why != "" {
		return "", why
	}
	idsOfB, why := replicationIDs(policy, provisioner, b)
	if why != "" {
		return "", why
	}
	for _, id := range idsOfA {
		if slices.Contains(idsOfB, id) {
			return id, ""
		}
	}
	return "", fmt.Sprintf("The VolumeReplicationClasses of %s (label %s: %v) and %s (%v) have no replication ID in common.",
		a.cluster, v1alpha1.LabelReplicationID, idsOfA, b.cluster, idsOfB)
}

// replicationIDs are those of the cluster's VolumeReplicationClasses that the policy can use for a provisioner, sorted.
func replicationIDs(policy *v1alpha1.DRPolicy, provisioner string, s side) (ids []string, why string) {
	selector, err := metav1.LabelSelectorAsSelector(policy.Spec.ReplicationClassSelector)
	if err != nil {
		return nil, fmt.Sprintf("replicationClassSelector of DRPolicy %s: %v.", policy.Name, err)
	}
	if policy.Spec.ReplicationClassSelector == nil {
		selector = labels.Everything()
	}
	for i := range s.config.Status.VolumeReplicationClasses {
		class := &s.config.Status.VolumeReplicationClasses[i]
		if class.Provisioner == provisioner && class.SchedulingInterval == policy.Spec.SchedulingInterval &&
			replicationID(class) != "" && selector.Matches(bothSpellings(class.Labels)) {
			ids = append(ids, replicationID(class))
		}
	}
	if len(ids) == 0 {
		return nil, fmt.Sprintf("%s has no VolumeReplicationClass with provisioner %s, schedulingInterval %s, a label %s and "+
			"labels that the policy's replicationClassSelector matches.", s.cluster, provisioner, policy.Spec.SchedulingInterval,
			v1alpha1.LabelReplicationID)
	}
	slices.Sort(ids)
	return slices.Compact(ids), ""
}

func storageID(class *v1alpha1.ClassInfo) string {
	if class.StorageID != "" {
		return class.StorageID
	}
	return class.Labels[v1alpha1.LabelStorageID]
}

func replicationID(class *v1alpha1.ClassInfo) string {
	if class.ReplicationID != "" {
		return class.ReplicationID
	}
	return bothSpellings(class.Labels)[v1alpha1.LabelReplicationID]
}

// bothSpellings gives the label of the replication ID in either spelling to selectors that use the other.
func bothSpellings(of map[string]string) labels.Set {
	set := labels.Set{}
	for key, value := range of {
		set[key] = value
	}
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
