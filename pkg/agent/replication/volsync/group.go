// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"context"
	"errors"
	"fmt"
	"slices"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// ReasonNoGroupSnapshotClass is why a volume can't be snapshotted with others.
const ReasonNoGroupSnapshotClass = "NoVolumeGroupSnapshotClass"

// GroupBackend has VolSync replicate volumes that are snapshotted together. It differs from Backend in what it takes for that;
// what claims are told, and what is made of it, is the same.
type GroupBackend struct {
	*Backend
}

var (
	_ replication.Backend  = (*GroupBackend)(nil)
	_ replication.Restorer = (*GroupBackend)(nil)
)

// Method implements replication.Backend.
func (b *GroupBackend) Method() v1alpha1.ReplicationMethod { return v1alpha1.MethodVolSyncGroup }

// Report implements replication.Backend. It leaves claims alone that are noted to be replicated one by one.
func (b *GroupBackend) Report(claim types.NamespacedName) (*replication.State, error) {
	pvc := &corev1.PersistentVolumeClaim{}
	if err := b.Reader.Get(context.Background(), claim, pvc); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	if pvc.Annotations[mark.Method] != string(b.Method()) {
		return nil, nil
	}
	return b.Backend.Report(claim)
}

// Class implements replication.Backend: the VolumeGroupSnapshotClass of the volume. A VolumeSnapshotClass has to fit too.
func (b *GroupBackend) Class(v replication.Volume) (string, *replication.Problem) {
	if _, problem := b.Backend.Class(v); problem != nil {
		return "", problem
	}
	class, err := b.groupClass(context.Background(), v)
	if err != nil {
		return "", &replication.Problem{Reason: ReasonNoGroupSnapshotClass, Message: fmt.Sprintf("PersistentVolumeClaim %s: %v", v.Key(), err)}
	}
	return class, nil
}

func (b *Backend) groupClass(ctx context.Context, v replication.Volume) (string, error) {
	version, served := b.Groups()
	if !served {
		return "", errors.New("snapshots are to be taken of several volumes at once, for which this cluster lacks the CRDs of VolumeGroupSnapshots; install them, with the controllers that serve them")
	}
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(version.GroupVersion().WithKind("VolumeGroupSnapshotClassList"))
	if err := b.Reader.List(ctx, list); err != nil {
		return "", fmt.Errorf("listing VolumeGroupSnapshotClasses: %w", err)
	}
	classes := make([]driverClass, 0, len(list.Items))
	for i := range list.Items {
		driver, _, _ := unstructured.NestedString(list.Items[i].Object, "driver")
		classes = append(classes, driverClass{&list.Items[i], driver})
	}
	class, fits := chooseClass(v.Provisioner(), storageID(v.StorageClass), v.Rules.GroupSnapshotSelector, classes)
	if !fits {
		return "", fmt.Errorf("there is no VolumeGroupSnapshotClass of driver %s%s; create one on this cluster",
			v.Provisioner(), describeSelector(v.StorageClass, v.Rules.GroupSnapshotSelector))
	}
	return class, nil
}

// Claim is what is to be known of a claim that is replicated by VolSync; class is what replicates it.
func (b *Backend) Claim(v replication.Volume, method v1alpha1.ReplicationMethod, class string) Claim {
	c := Claim{
		Name: v.PVC.Name, Role: v.PVC.Annotations[mark.VolSync], Image: v.PVC.Annotations[annotationImage], SnapshotClass: class,
		Capacity: v.PVC.Spec.Resources.Requests[corev1.ResourceStorage], StorageClass: v.StorageClassName(),
		AccessModes: v.PVC.Spec.AccessModes, VolumeMode: v.PVC.Spec.VolumeMode,
	}
	c.Stream, c.Begun = streamOf(v.PVC)
	c.Version, c.Made = v.PVC.ResourceVersion, v.PVC.CreationTimestamp.Time
	if method == v1alpha1.MethodVolSyncGroup {
		c.SnapshotClass, _ = b.Class(v)
		c.GroupSnapshotClass, c.Label = class, v.PVC.Labels[labelGroup]
		c.Group = c.Label
		if class != "" {
			c.Group = replication.GroupName(v.Rules, class)
		}
	}
	return c
}

// observeGroups gathers what there is of cycles.
func (b *Backend) observeGroups(ctx context.Context, f *Facts) error {
	var claims corev1.PersistentVolumeClaimList
	if err := b.Reader.List(ctx, &claims, client.InNamespace(f.Group.Namespace), client.MatchingLabels{mark.ManagedBy: mark.Agent}); err != nil {
		return fmt.Errorf("listing PersistentVolumeClaims: %w", err)
	}
	f.Copies = map[string]*corev1.PersistentVolumeClaim{}
	for i := range claims.Items {
		if c := &claims.Items[i]; ours(c, f.Group.String()) && c.Annotations[annotationCycle] != "" {
			f.Copies[c.Name] = c
		}
	}
	var err error
	if f.GroupSnapshots, err = b.groupSnapshots(ctx, b.Reader, f.Group); err != nil {
		return err
	}
	return b.observeQuiet(ctx, f)
}

// groupSnapshots are those of a VolumeReplicationGroup's cycles.
func (b *Backend) groupSnapshots(ctx context.Context, reader client.Reader, group types.NamespacedName) ([]*GroupSnapshot, error) {
	version, served := b.Groups()
	if !served {
		return nil, nil
	}
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(version.GroupVersion().WithKind("VolumeGroupSnapshotList"))
	if err := reader.List(ctx, list, client.InNamespace(group.Namespace)); err != nil && !apimeta.IsNoMatchError(err) {
		return nil, fmt.Errorf("listing VolumeGroupSnapshots: %w", err)
	}
	var snapshots []*GroupSnapshot
	for i := range list.Items {
		if ours(&list.Items[i], group.String()) {
			snapshots = append(snapshots, &GroupSnapshot{&list.Items[i]})
		}
	}
	return snapshots, nil
}

// observeQuiet finds out of what is paused whether anything of it still runs. That is seldom needed, and then asked past the cache.
func (b *Backend) observeQuiet(ctx context.Context, f *Facts) error {
	var paused []client.Object
	for _, rs := range f.Sources {
		if rs.Spec.Paused {
			paused = append(paused, rs)
		}
	}
	for _, rd := range f.Destinations {
		if rd.Spec.Paused {
			paused = append(paused, rd)
		}
	}
	if len(paused) == 0 {
		return nil
	}
	var jobs batchv1.JobList
	if err := b.Live.List(ctx, &jobs, client.InNamespace(f.Group.Namespace)); err != nil {
		return fmt.Errorf("listing Jobs: %w", err)
	}
	f.Quiet = map[types.UID]bool{}
	for _, object := range paused {
		f.Quiet[object.GetUID()] = !slices.ContainsFunc(jobs.Items, func(j batchv1.Job) bool {
			return ownedByUID(&j, object.GetUID()) && !stopped(&j)
		})
	}
	return nil
}

// stopped tells of a mover's Job that it was paused before it came to its end, and that nothing of it runs.
func stopped(j *batchv1.Job) bool {
	return ptr.Deref(j.Spec.Parallelism, 1) == 0 && j.Status.Active == 0 && ptr.Deref(j.Status.Terminating, 0) == 0 && j.Status.Succeeded == 0
}

// reportMember is the state of a claim that is replicated with others: of what all of them have.
func (b *Backend) reportMember(ctx context.Context, pvc *corev1.PersistentVolumeClaim, rs *volsyncv1alpha1.ReplicationSource, rd *volsyncv1alpha1.ReplicationDestination) (*replication.State, error) {
	f := &Facts{}
	owner := pvc.Annotations[mark.Owner]
	var err error
	if f.Snapshots, err = b.snapshots(ctx, pvc.Namespace); err != nil {
		return nil, err
	}
	f.Group = parseKey(owner)
	state := report(pvc.Annotations[mark.VolSync], rs, rd, f.newestSet(pvc.Name) != nil)
	if state == nil {
		return nil, nil
	}
	state.Group = pvc.Labels[labelGroup]
	state.LastSyncTime = nil
	if rs == nil || state.Wanted != replication.Primary {
		return state, nil
	}
	var sources volsyncv1alpha1.ReplicationSourceList
	if err := b.Reader.List(ctx, &sources, client.InNamespace(pvc.Namespace)); err != nil {
		return nil, fmt.Errorf("listing ReplicationSources: %w", err)
	}
	f.Sources = map[string]*volsyncv1alpha1.ReplicationSource{}
	for i := range sources.Items {
		if s := &sources.Items[i]; ours(s, owner) {
			f.Sources[s.Name] = s
		}
	}
	state.LastSyncTime = f.syncedSince(rs)
	return state, nil
}

// groupVersion is that of the kind which the cluster serves.
func (b *Backend) groupVersion() (schema.GroupVersionKind, error) {
	version, served := b.Groups()
	if !served {
		return version, errors.New("this cluster does not serve VolumeGroupSnapshots any more; install their CRDs again")
	}
	return version.GroupVersion().WithKind("VolumeGroupSnapshot"), nil
}
