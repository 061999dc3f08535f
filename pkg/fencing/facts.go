// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package fencing decides about fences of clusters: whether a cluster may be fenced off from storage or let back, who carries
// that out and how, and what a DRCluster says of it. Everything here is a pure function of values; the time is one of them.
package fencing

import (
	"slices"
	"strings"
	"time"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Facts is all that a decision about a fence rests on.
type Facts struct {
	// Now is the time of the decision.
	Now time.Time
	// Cluster that is to be fenced off or let back.
	Cluster *v1alpha1.DRCluster
	// Clusters are that cluster and those it shares a policy with, by name.
	Clusters map[string]action.ClusterFacts
	// Configs are what the agents found, by cluster.
	Configs map[string]*v1alpha1.DRClusterConfig
	// Policies that name the cluster.
	Policies []v1alpha1.DRPolicy
	// Placements are all there are that have to do with the cluster.
	Placements []v1alpha1.DRPlacementControl
	// Groups are those of the cluster.
	Groups []v1alpha1.VolumeReplicationGroup
}

// Asked is what somebody asks for.
type Asked struct {
	// State that shall be.
	State v1alpha1.FenceState
	// Spec is the request's body.
	Spec v1alpha1.ClusterFenceSpec
	// RequestedBy is the user who asks.
	RequestedBy string
}

// request is the last one that was accepted; nil if none was.
func (f Facts) request() *v1alpha1.FenceRequest { return f.Cluster.Status.Fence }

// leftovers tells whether storage may still have something of an earlier fence, which only its peer can take off.
func (f Facts) leftovers() bool {
	request := f.request()
	return request != nil && request.Peer != "" && !Lifted(request)
}

// Lifted tells whether a request left nothing behind.
func Lifted(request *v1alpha1.FenceRequest) bool {
	return request.State == v1alpha1.FenceStateUnfenced && request.CompletionTime != nil
}

// peers are the clusters that share a policy with the cluster, sorted.
func (f Facts) peers() []string {
	var peers []string
	for i := range f.Policies {
		for _, name := range f.Policies[i].Spec.DRClusters {
			if name != f.Cluster.Name {
				peers = append(peers, name)
			}
		}
	}
	slices.Sort(peers)
	return slices.Compact(peers)
}

// classes are the NetworkFenceClasses of a peer whose storage the cluster uses: those of a driver that serves a StorageClass
// of the cluster and, where they say which storage they are of, of that storage.
func (f Facts) classes(peer string) []string {
	config, own := f.Configs[peer], f.Configs[f.Cluster.Name]
	if config == nil || own == nil {
		return nil
	}
	var classes []string
	for i := range config.Status.NetworkFenceClasses {
		class := &config.Status.NetworkFenceClasses[i]
		if slices.ContainsFunc(own.Status.StorageClasses, func(s v1alpha1.ClassInfo) bool { return covers(class, &s) }) {
			classes = append(classes, class.Name)
		}
	}
	slices.Sort(classes)
	return classes
}

// covers tells whether a NetworkFenceClass is of the storage of a StorageClass.
func covers(fence, storage *v1alpha1.ClassInfo) bool {
	return storage.Provisioner == fence.Provisioner && (fence.StorageID == "" || storesIn(storage.StorageID, fence.StorageID))
}

// uncovered are the cluster's StorageClasses that its policies replicate and that no class of the peer fences off.
func (f Facts) uncovered(peer string) []string {
	var names []string
	fences := f.Configs[peer].Status.NetworkFenceClasses
	for i := range f.Configs[f.Cluster.Name].Status.StorageClasses {
		class := &f.Configs[f.Cluster.Name].Status.StorageClasses[i]
		if f.replicated(class.Name) && !slices.ContainsFunc(fences, func(c v1alpha1.ClassInfo) bool { return covers(&c, class) }) {
			names = append(names, class.Name)
		}
	}
	return names
}

// replicated tells whether volumes of a StorageClass are protected under one of the cluster's policies.
func (f Facts) replicated(class string) bool {
	for i := range f.Policies {
		for _, peers := range []*v1alpha1.PeerClasses{f.Policies[i].Status.Async, f.Policies[i].Status.Sync} {
			if peers != nil && slices.ContainsFunc(peers.PeerClasses, func(p v1alpha1.PeerClass) bool { return p.StorageClassName == class }) {
				return true
			}
		}
	}
	return false
}

// storesIn tells whether a list of storage IDs, separated by commas, has one that the storage of a StorageClass is.
func storesIn(storageID, ids string) bool {
	return slices.ContainsFunc(strings.Split(ids, ","), func(id string) bool { return strings.TrimSpace(id) == storageID })
}

// reported are the addresses that the storage drivers of a cluster report its nodes at.
func (f Facts) reported(cluster string) []string {
	config := f.Configs[cluster]
	if config == nil {
		return nil
	}
	var cidrs []string
	for _, detail := range config.Status.StorageAccessDetails {
		cidrs = append(cidrs, detail.CIDRs...)
	}
	slices.Sort(cidrs)
	return slices.Compact(cidrs)
}

// cidrs are the addresses to fence off: what the administrator says or else what storage reports, and what is fenced off
// already.
func (f Facts) cidrs() []string {
	cidrs := slices.Clone(f.Cluster.Spec.CIDRs)
	if len(cidrs) == 0 {
		cidrs = f.reported(f.Cluster.Name)
	}
	if f.leftovers() {
		cidrs = append(cidrs, f.request().CIDRs...)
	}
	slices.Sort(cidrs)
	return slices.Compact(cidrs)
}
