// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"context"
	"fmt"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Observe gathers what there is of a group's replication. It reads the cache only.
func (b *Backend) Observe(ctx context.Context, rules replication.Rules, spec *v1alpha1.VRGVolSyncSpec) (*Facts, error) {
	f := &Facts{Group: rules.Group, Present: b.Present(), Exports: b.Exports()}
	if !f.Present {
		return f, nil
	}
	f.Keyed = b.hasKey(rules.Group)
	if err := b.observeObjects(ctx, f); err != nil {
		return nil, err
	}
	if spec == nil || len(spec.Destinations) == 0 {
		return f, nil
	}
	f.SnapshotClasses, f.Problems = map[string]string{}, map[string]string{}
	for _, d := range spec.Destinations {
		if _, known := f.SnapshotClasses[d.StorageClassName]; known {
			continue
		}
		class, problem, err := b.destinationClass(ctx, d.StorageClassName, rules.SnapshotSelector)
		if err != nil {
			return nil, err
		}
		f.SnapshotClasses[d.StorageClassName], f.Problems[d.StorageClassName] = class, problem
	}
	return f, nil
}

func (b *Backend) observeObjects(ctx context.Context, f *Facts) error {
	f.Sources, f.Destinations = map[string]*volsyncv1alpha1.ReplicationSource{}, map[string]*volsyncv1alpha1.ReplicationDestination{}
	var sources volsyncv1alpha1.ReplicationSourceList
	if err := b.Reader.List(ctx, &sources, client.InNamespace(f.Group.Namespace)); err != nil {
		return fmt.Errorf("listing ReplicationSources: %w", err)
	}
	for i := range sources.Items {
		if rs := &sources.Items[i]; ours(rs, f.Group.String()) {
			f.Sources[rs.Name] = rs
		}
	}
	var destinations volsyncv1alpha1.ReplicationDestinationList
	if err := b.Reader.List(ctx, &destinations, client.InNamespace(f.Group.Namespace)); err != nil {
		return fmt.Errorf("listing ReplicationDestinations: %w", err)
	}
	for i := range destinations.Items {
		if rd := &destinations.Items[i]; ours(rd, f.Group.String()) {
			f.Destinations[rd.Name] = rd
		}
	}
	var err error
	if f.Snapshots, err = b.snapshots(ctx, f.Group.Namespace); err != nil {
		return err
	}
	if f.ServiceExports, err = b.serviceExports(ctx, f.Group.Namespace); err != nil {
		return err
	}
	if f.Temporary, err = b.temporary(ctx, f.Group.Namespace); err != nil {
		return err
	}
	return b.observeGroups(ctx, f)
}

func (b *Backend) temporary(ctx context.Context, namespace string) (sets.Set[string], error) {
	var list corev1.PersistentVolumeClaimList
	if err := b.Reader.List(ctx, &list, client.InNamespace(namespace), client.MatchingLabels{labelCreatedBy: createdByVolSync}); err != nil {
		return nil, fmt.Errorf("listing VolSync's PersistentVolumeClaims: %w", err)
	}
	names := sets.New[string]()
	for i := range list.Items {
		names.Insert(list.Items[i].Name)
	}
	return names, nil
}

func (b *Backend) snapshots(ctx context.Context, namespace string) (map[string]*snapshotv1.VolumeSnapshot, error) {
	var list snapshotv1.VolumeSnapshotList
	if err := b.Reader.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("listing VolumeSnapshots: %w", err)
	}
	snapshots := make(map[string]*snapshotv1.VolumeSnapshot, len(list.Items))
	for i := range list.Items {
		snapshots[list.Items[i].Name] = &list.Items[i]
	}
	return snapshots, nil
}

// imagesOf are the images there are of what a destination received: its latest one, or if that can't be used yet, all of the namespace.
func (b *Backend) imagesOf(ctx context.Context, rd *volsyncv1alpha1.ReplicationDestination) (map[string]*snapshotv1.VolumeSnapshot, error) {
	if rd == nil {
		return nil, nil
	}
	if name := latestImage(rd); name != "" {
		latest := &snapshotv1.VolumeSnapshot{}
		err := b.Reader.Get(ctx, types.NamespacedName{Namespace: rd.Namespace, Name: name}, latest)
		if client.IgnoreNotFound(err) != nil {
			return nil, fmt.Errorf("reading VolumeSnapshot %s/%s: %w", rd.Namespace, name, err)
		}
		if ready(latest) {
			return map[string]*snapshotv1.VolumeSnapshot{name: latest}, nil
		}
	}
	return b.snapshots(ctx, rd.Namespace)
}

// Received is what a secondary has of a volume that the primary sends.
type Received struct {
	v1alpha1.VolSyncDestinationStatus
	// Spec is what it was prepared for.
	Spec v1alpha1.VolSyncDestination
	// Ready is true once there is something that receives; message says what is wrong or awaited.
	Ready   bool
	Message string
}

// Received tells of each destination in a spec how far it is.
func (f *Facts) Received(spec *v1alpha1.VRGVolSyncSpec) []Received {
	if spec == nil {
		return nil
	}
	received := make([]Received, 0, len(spec.Destinations))
	for _, d := range spec.Destinations {
		received = append(received, f.tell(d))
	}
	return received
}

func (f *Facts) tell(d v1alpha1.VolSyncDestination) Received {
	r := Received{Spec: d}
	r.Name = d.Name
	rd := f.Destinations[d.Name]
	switch {
	case !f.Present:
		r.Message = notInstalled
		return r
	case f.Problems[d.StorageClassName] != "":
		r.Message = f.Problems[d.StorageClassName]
		return r
	case rd == nil || !rd.DeletionTimestamp.IsZero():
		r.Message = "its ReplicationDestination is being prepared"
		return r
	}
	r.Address = f.address(rd)
	r.Ready = r.Address != ""
	r.Message = destinationTrouble(rd)
	if !r.Ready && r.Message == "" {
		r.Message = f.addressAwaited(rd)
	}
	if set := f.newestSet(d.Name); set != nil {
		r.LatestImage, r.LastSyncTime = set.images[d.Name].Name, ptr.To(set.images[d.Name].CreationTimestamp)
	}
	return r
}
