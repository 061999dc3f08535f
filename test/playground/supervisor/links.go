// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package supervisor

import (
	"fmt"
	"slices"
	"sync"

	"github.com/ramendr/dr-apiserver/test/playground/component"
	"github.com/ramendr/dr-apiserver/test/playground/network"
)

// link is a way from one cluster to a service of another, or of its own.
type link struct {
	from, to, service string
	proxy             *network.Proxy
}

func (l *link) name() string {
	return linkName(l.from, l.to, l.service)
}

func linkName(from, to, service string) string {
	return "link/" + from + "-" + to + "-" + service
}

// links are all the ways on which this project's programs reach another program, so that they can be cut. People reach
// every cluster directly.
type links struct {
	all []*link

	mu sync.Mutex
	// cut are the clusters that no link enters or leaves.
	cut map[string]bool
	// slowed are the clusters whose links take their time.
	slowed map[string]bool
	// s3 is what is wrong with the object store of a cluster.
	s3 map[string]network.Mode
}

// newLinks lays out who reaches whom: agents their hub, storage its peer, everybody the object stores, and the hub's
// kube-apiserver dr-apiserver, if it is told to take that way.
func newLinks() *links {
	l := &links{cut: map[string]bool{}, slowed: map[string]bool{}, s3: map[string]network.Mode{}}
	for _, from := range managedClusters {
		l.all = append(l.all, &link{from: from, to: hub, service: component.KubeAPIServer})
		l.all = append(l.all, &link{from: from, to: peer(from), service: component.Storage})
	}
	l.all = append(l.all, &link{from: hub, to: hub, service: component.APIServer})
	for _, from := range allClusters {
		for _, to := range managedClusters {
			l.all = append(l.all, &link{from: from, to: to, service: component.S3})
		}
	}
	return l
}

func (l *links) portNames() []string {
	names := make([]string, 0, len(l.all))
	for _, link := range l.all {
		names = append(names, link.name())
	}
	return names
}

// open starts the proxies.
func (l *links) open(ports *network.Ports) error {
	for _, link := range l.all {
		if link.proxy != nil {
			continue
		}
		target := network.Address(ports.Get(link.to + "/" + link.service))
		proxy, err := network.Listen(network.Address(ports.Get(link.name())), target)
		if err != nil {
			return fmt.Errorf("the link from %s to %s of %s: %w", link.from, link.service, link.to, err)
		}
		link.proxy = proxy
	}
	return nil
}

func (l *links) close() {
	for _, link := range l.all {
		if link.proxy != nil {
			link.proxy.Close()
		}
	}
}

// partition cuts a cluster off from all others, or heals it.
func (l *links) partition(cluster string, cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut[cluster] = cut
	l.apply()
}

// slow makes the links of a cluster to others take their time, or not any more.
func (l *links) slow(cluster string, slow bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slowed[cluster] = slow
	l.apply()
}

// faultS3 makes a cluster's object store misbehave towards everybody.
func (l *links) faultS3(cluster string, mode network.Mode) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.s3[cluster] = mode
	l.apply()
}

// heal undoes partitions and faults of object stores.
func (l *links) heal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.cut)
	clear(l.slowed)
	clear(l.s3)
	l.apply()
}

func (l *links) apply() {
	for _, link := range l.all {
		if link.proxy != nil {
			link.proxy.SetMode(l.mode(link))
		}
	}
}

func (l *links) mode(link *link) network.Mode {
	if link.from != link.to && (l.cut[link.from] || l.cut[link.to]) {
		return network.BlackHole
	}
	if mode, faulty := l.s3[link.to]; faulty && link.service == component.S3 {
		return mode
	}
	if (link.from != link.to || link.service == component.APIServer) && (l.slowed[link.from] || l.slowed[link.to]) {
		return network.Slow
	}
	return network.Pass
}

// partitioned returns the clusters that are cut off.
func (l *links) partitioned() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	clusters := []string{}
	for cluster, cut := range l.cut {
		if cut {
			clusters = append(clusters, cluster)
		}
	}
	slices.Sort(clusters)
	return clusters
}

// isCut says whether nothing passes between two clusters.
func (l *links) isCut(a, b string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cut[a] || l.cut[b]
}

// s3Mode returns what is wrong with a cluster's object store; Pass if nothing is.
func (l *links) s3Mode(cluster string) network.Mode {
	l.mu.Lock()
	defer l.mu.Unlock()
	if mode, faulty := l.s3[cluster]; faulty {
		return mode
	}
	return network.Pass
}
