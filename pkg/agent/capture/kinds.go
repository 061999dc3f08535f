// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/discovery"
	"k8s.io/klog/v2"
)

// rediscovery is how often the cluster is asked which kinds it has.
const rediscovery = time.Minute

// excludedGroups hold what storage, controllers and the cluster itself keep, and what only reports.
var excludedGroups = sets.New(
	"authentication.k8s.io", "authorization.k8s.io", "certificates.k8s.io", "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io",
	"metrics.k8s.io", "storage.k8s.io", "internal.apiserver.k8s.io",
	"replication.storage.openshift.io", "csiaddons.openshift.io", "snapshot.storage.k8s.io", "groupsnapshot.storage.k8s.io",
	"volsync.backube", "dr.ramen.io", "ramendr.openshift.io",
)

// essentialGroups are those without which no capture counts as one, whatever the reason that they can't be read.
var essentialGroups = sets.New("", "apps", "autoscaling", "batch", "networking.k8s.io", "policy", "rbac.authorization.k8s.io")

// excludedResources of the groups that are not excluded. PersistentVolumeClaims are captured with their volumes.
var excludedResources = sets.New(
	schema.GroupResource{Resource: "events"},
	schema.GroupResource{Resource: "endpoints"},
	schema.GroupResource{Resource: "bindings"},
	schema.GroupResource{Resource: "persistentvolumeclaims"},
	schema.GroupResource{Group: "apps", Resource: "controllerrevisions"},
)

// Kinds knows which kinds of namespaced objects the cluster has that can be captured and created again.
type Kinds struct {
	discovery discovery.DiscoveryInterface

	lock    sync.Mutex
	current []schema.GroupVersionResource
	// excluded were said to be left out.
	excluded sets.Set[schema.GroupVersionResource]
}

// Exclude leaves a resource out until the kinds are looked at again, because it can't be read.
func (k *Kinds) Exclude(resource schema.GroupVersionResource, reason error) {
	k.lock.Lock()
	defer k.lock.Unlock()
	rest := slices.DeleteFunc(slices.Clone(k.current), func(r schema.GroupVersionResource) bool { return r == resource })
	if !k.excluded.Has(resource) {
		k.excluded.Insert(resource)
		klog.Background().Info("Objects of a kind are not captured; let the agent read and create them if they belong to applications",
			"resource", resource.String(), "reason", reason.Error())
	}
	k.current = rest
}

// NewKinds returns Kinds that asks the given client.
func NewKinds(client discovery.DiscoveryInterface) *Kinds {
	return &Kinds{discovery: client, excluded: sets.New[schema.GroupVersionResource]()}
}

// List returns the resources to capture.
func (k *Kinds) List() ([]schema.GroupVersionResource, error) {
	k.lock.Lock()
	known := k.current
	k.lock.Unlock()
	if known != nil {
		return known, nil
	}
	if err := k.refresh(); err != nil {
		return nil, err
	}
	k.lock.Lock()
	defer k.lock.Unlock()
	return k.current, nil
}

func (k *Kinds) refresh() error {
	lists, err := discovery.ServerPreferredNamespacedResources(k.discovery)
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		return fmt.Errorf("asking the cluster which kinds it has: %w", err)
	}
	if err != nil {
		klog.Background().Info("Some groups of the cluster can't be discovered; their objects are not captured", "reason", err.Error())
	}
	current := capturable(lists)
	k.lock.Lock()
	defer k.lock.Unlock()
	k.current = current
	return nil
}

func capturable(lists []*metav1.APIResourceList) []schema.GroupVersionResource {
	var resources []schema.GroupVersionResource
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil || excludedGroups.Has(gv.Group) {
			continue
		}
		for _, r := range list.APIResources {
			gvr := gv.WithResource(r.Name)
			wanted := r.Namespaced && !strings.Contains(r.Name, "/") && !excludedResources.Has(gvr.GroupResource())
			if wanted && sets.New(r.Verbs...).HasAll("list", "create", "patch") {
				resources = append(resources, gvr)
			}
		}
	}
	slices.SortFunc(resources, func(a, b schema.GroupVersionResource) int { return strings.Compare(a.String(), b.String()) })
	return resources
}
