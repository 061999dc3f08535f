// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication/volsync"
	"github.com/ramendr/dr-apiserver/pkg/agent/workload"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// observe gathers the facts about a group. It reads caches only.
func (a *Agent) observe(ctx context.Context, key types.NamespacedName, m *memory) (*Facts, error) {
	f := &Facts{Now: a.clock.Now(), Cluster: a.cluster, Key: key, Group: a.hub.group(key), Checkpoint: a.checkpoints.Get(key)}
	if f.Group == nil && f.Checkpoint == nil {
		return f, nil
	}
	m.enter(a.ctx, f.Checkpoint.Current())
	volumes, err := a.observeVolumes(ctx, f)
	if err != nil {
		return nil, err
	}
	f.Volumes = volumes
	if err := a.observeVolSync(ctx, f); err != nil {
		return nil, err
	}
	m.fill(f)
	return f, nil
}

func (f *Facts) spec() *v1alpha1.VolumeReplicationGroupSpec {
	if f.Checkpoint != nil {
		return &f.Checkpoint.Spec
	}
	return &f.Group.Spec
}

func (a *Agent) observeVolumes(ctx context.Context, f *Facts) ([]Volume, error) {
	selector, err := metav1.LabelSelectorAsSelector(&f.spec().PVCSelector)
	if err != nil {
		return nil, fmt.Errorf("spec.pvcSelector: %w", err)
	}
	rules, err := rulesOf(f)
	if err != nil {
		return nil, err
	}
	var claims corev1.PersistentVolumeClaimList
	if err := a.local.List(ctx, &claims, client.InNamespace(f.Key.Namespace)); err != nil {
		return nil, fmt.Errorf("listing PersistentVolumeClaims: %w", err)
	}
	var volumes []Volume
	for i := range claims.Items {
		pvc := &claims.Items[i]
		selected, owner := selector.Matches(labels.Set(pvc.Labels)), pvc.Annotations[mark.Owner]
		if !selected && owner != f.Key.String() || volsync.Temporary(pvc) {
			continue
		}
		v, err := a.observeVolume(ctx, pvc, rules)
		if err != nil {
			return nil, err
		}
		v.Selected, v.Owner, v.Foreign = selected, owner, a.foreign(owner, f.Key)
		v.Copy = pvc.Annotations[mark.CopyOf] == f.Key.String()
		v.Claimed = owner == f.Key.String() && v.PV != nil && v.PV.Spec.PersistentVolumeReclaimPolicy == corev1.PersistentVolumeReclaimRetain
		volumes = append(volumes, v)
	}
	if err := a.observeUsers(ctx, f, volumes); err != nil {
		return nil, err
	}
	slices.SortFunc(volumes, func(a, b Volume) int { return cmp.Compare(a.PVC.Name, b.PVC.Name) })
	return volumes, nil
}

// observeUsers finds out who uses claims where nobody should: on a standby, those that were left behind or are not the group's.
func (a *Agent) observeUsers(ctx context.Context, f *Facts, volumes []Volume) error {
	if spec := f.spec(); spec.ReplicationState != v1alpha1.Secondary || spec.Action != "" {
		return nil
	}
	for i := range volumes {
		v := &volumes[i]
		if !v.Copy && f.own(v) {
			continue
		}
		var err error
		if v.Users, err = workload.Users(ctx, a.local, f.Key.Namespace, sets.New(v.PVC.Name)); err != nil {
			return err
		}
	}
	return nil
}

func (a *Agent) observeVolume(ctx context.Context, pvc *corev1.PersistentVolumeClaim, rules replication.Rules) (Volume, error) {
	v := Volume{Volume: replication.Volume{PVC: pvc, Rules: rules}}
	if pvc.Status.Phase == corev1.ClaimBound && pvc.Spec.VolumeName != "" {
		pv := &corev1.PersistentVolume{}
		if err := a.local.Get(ctx, client.ObjectKey{Name: pvc.Spec.VolumeName}, pv); client.IgnoreNotFound(err) != nil {
			return v, fmt.Errorf("reading PersistentVolume %s: %w", pvc.Spec.VolumeName, err)
		} else if err == nil {
			v.PV = pv
		}
	}
	if name := v.StorageClassName(); name != "" {
		class := &storagev1.StorageClass{}
		if err := a.local.Get(ctx, client.ObjectKey{Name: name}, class); client.IgnoreNotFound(err) != nil {
			return v, fmt.Errorf("reading StorageClass %s: %w", name, err)
		} else if err == nil {
			v.StorageClass = class
		}
	}
	var noted v1alpha1.ReplicationMethod
	if pvc.Annotations[mark.Owner] == rules.Group.String() {
		noted = v1alpha1.ReplicationMethod(pvc.Annotations[mark.Method])
	}
	choice, err := a.backends.Choose(v.Volume, noted)
	v.Method, v.Class, v.Problem, v.State, v.Awaited = choice.Method, choice.Class, choice.Problem, choice.State, choice.Awaited
	return v, err
}

// foreign tells whether an owner is another group than key that exists here. One that is gone without a trace owns nothing.
func (a *Agent) foreign(owner string, key types.NamespacedName) bool {
	namespace, name, ok := strings.Cut(owner, "/")
	other := types.NamespacedName{Namespace: namespace, Name: name}
	if !ok || other == key {
		return false
	}
	return a.checkpoints.Get(other) != nil || a.hub.group(other) != nil
}

func rulesOf(f *Facts) (replication.Rules, error) {
	spec := f.spec()
	rules := replication.Rules{Group: f.Key, Epoch: spec.Epoch, Cluster: f.Cluster}
	rules.PeersRequired = f.Checkpoint != nil && f.Checkpoint.PeersRequired
	if spec.Sync != nil {
		rules.Peers = spec.Sync.PeerClasses
	}
	async := spec.Async
	if async == nil {
		return rules, nil
	}
	rules.Async, rules.Interval, rules.Peers = true, async.SchedulingInterval, async.PeerClasses
	for _, s := range []struct {
		name string
		from *metav1.LabelSelector
		to   *labels.Selector
	}{
		{"replicationClassSelector", async.ReplicationClassSelector, &rules.Selector},
		{"volumeSnapshotClassSelector", async.VolumeSnapshotClassSelector, &rules.SnapshotSelector},
		{"volumeGroupSnapshotClassSelector", async.VolumeGroupSnapshotClassSelector, &rules.GroupSnapshotSelector},
	} {
		if s.from == nil {
			continue
		}
		selector, err := metav1.LabelSelectorAsSelector(s.from)
		if err != nil {
			return rules, fmt.Errorf("spec.async.%s: %w", s.name, err)
		}
		*s.to = selector
	}
	return rules, nil
}
