// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/checkpoint"
	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/agent/workload"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// act carries a decision out, and tells whether that has made facts that are to be decided upon at once.
func (a *Agent) act(ctx context.Context, f *Facts, m *memory, d *Decision) (changed bool, err error) {
	if d.Report != nil && f.Group != nil {
		a.writer.Report(f.Group, d.Report)
	}
	if d.Save != nil {
		return true, a.save(ctx, m, d.Save)
	}
	if d.Quiesce {
		if changed, err = a.quiesce(ctx, f, m); err != nil || changed {
			return changed, err
		}
	}
	a.startTasks(f, m, d)
	if err := a.actOnVolumes(ctx, f, m, d); err != nil {
		return false, err
	}
	if d.Resume {
		if err := workload.Resume(ctx, a.local, f.Key.Namespace); err != nil {
			return false, err
		}
	}
	if d.Settle != nil {
		return true, a.save(ctx, m, d.Settle)
	}
	if a.volsync != nil {
		if err := a.volsync.Apply(ctx, f.Key, d.VolSync); err != nil {
			return false, err
		}
	}
	if d.Forget {
		return false, a.forget(ctx, f)
	}
	return false, nil
}

// save writes a checkpoint. One that settles a role, or ends a handover, ends the group's turn.
func (a *Agent) save(ctx context.Context, m *memory, c *checkpoint.Checkpoint) error {
	checkpointSave.Hit(c.Namespace)
	if err := a.checkpoints.Save(ctx, c); err != nil {
		return err
	}
	checkpointSaved.Hit(c.Namespace)
	m.lock.Lock()
	defer m.lock.Unlock()
	if c.Settled && m.endTurn != nil {
		m.endTurn()
	}
	return nil
}

func (a *Agent) quiesce(ctx context.Context, f *Facts, m *memory) (bool, error) {
	claims := sets.New[string]()
	for i := range f.Volumes {
		claims.Insert(f.Volumes[i].PVC.Name)
	}
	selector, err := objectSelector(f)
	if err != nil {
		return false, err
	}
	waiting, err := workload.Quiesce(ctx, a.local, f.Key.Namespace, claims, selector)
	if apierrors.IsConflict(err) {
		// The cache is behind; what it has missed comes as an event.
		waiting, err = []string{err.Error()}, nil
	}
	if err != nil {
		return false, err
	}
	m.lock.Lock()
	defer m.lock.Unlock()
	changed := m.stop.Done != (len(waiting) == 0) || !sets.New(m.stop.Waiting...).Equal(sets.New(waiting...))
	m.stop.Done, m.stop.Waiting = len(waiting) == 0, waiting
	return changed, nil
}

// objectSelector is what covers the application's objects.
func objectSelector(f *Facts) (labels.Selector, error) {
	selector := &f.spec().PVCSelector
	if p := f.spec().KubeObjectProtection; p != nil && p.KubeObjectSelector != nil {
		selector = p.KubeObjectSelector
	}
	return metav1.LabelSelectorAsSelector(selector)
}

// actOnVolumes does what is to be done to each volume, all volumes at once.
func (a *Agent) actOnVolumes(ctx context.Context, f *Facts, m *memory, d *Decision) error {
	steps := map[*Volume][]func() error{}
	var notYet atomic.Bool
	add := func(v *Volume, what string, do func() error) {
		steps[v] = append(steps[v], func() error {
			if !m.ask(v.Key(), what, a.clock.Now()) {
				return nil
			}
			err := do()
			if err != nil {
				m.retract(v.Key(), what)
			}
			if errors.Is(err, replication.ErrNotYet) {
				notYet.Store(true)
				return nil
			}
			return err
		})
	}
	for _, v := range d.Claim {
		add(v, "claim", func() error { return a.claim(ctx, f.Key, v) })
	}
	for _, v := range d.Promote {
		add(v, "promote", func() error { return a.promote(ctx, v) })
	}
	for _, v := range d.Demote {
		add(v, "demote", func() error { return a.demote(ctx, v, d.How) })
	}
	refresh := d.Refresh
	if f.Checkpoint != nil && f.Checkpoint.Settled && a.roles.busy() {
		// How far a settled role has synced can be asked later, when it costs no group that changes its role anything.
		refresh = nil
	}
	for _, v := range refresh {
		steps[v] = append(steps[v], func() error { return a.refresh(ctx, m, v) })
	}
	for _, v := range d.Copies {
		steps[v] = append(steps[v], func() error { return a.markCopy(ctx, f.Key, v) })
	}
	for _, v := range d.End {
		steps[v] = append(steps[v], func() error { return a.end(ctx, v) })
	}
	for _, v := range d.Release {
		steps[v] = append(steps[v], func() error { return a.release(ctx, v, f.spec().ReplicationState == v1alpha1.Secondary) })
	}
	var wait sync.WaitGroup
	var lock sync.Mutex
	var errs []error
	for _, own := range steps {
		wait.Go(func() {
			for _, step := range own {
				if err := step(); err != nil {
					lock.Lock()
					defer lock.Unlock()
					errs = append(errs, err)
					return
				}
			}
		})
	}
	wait.Wait()
	if notYet.Load() {
		// What is awaited is seen by watch; this is for what is not.
		d.After = min(d.After, patience)
	}
	return errors.Join(errs...)
}

func (a *Agent) promote(ctx context.Context, v *Volume) error {
	err := a.backends.For(v.Method).Promote(ctx, v.Volume, v.Class)
	volumePromoted.Hit(v.Key().Namespace)
	return err
}

func (a *Agent) demote(ctx context.Context, v *Volume, how replication.Demotion) error {
	err := a.backends.For(v.Method).Demote(ctx, v.Volume, v.Class, how)
	volumeDemoted.Hit(v.Key().Namespace)
	return err
}

func (a *Agent) refresh(ctx context.Context, m *memory, v *Volume) error {
	m.lock.Lock()
	tried := m.refreshed[v.Key()]
	m.refreshed[v.Key()] = Attempt{Count: tried.Count + 1, Last: a.clock.Now()}
	m.lock.Unlock()
	return a.backends.For(v.Method).Refresh(ctx, v.Key())
}

// claim makes a claim the group's, unless another takes it first, notes how it is replicated, and has its volume kept
// should the claim go.
func (a *Agent) claim(ctx context.Context, key types.NamespacedName, v *Volume) error {
	if v.Owner != key.String() || !v.noted() {
		patch := fmt.Appendf(nil, `{"metadata":{"resourceVersion":%q,"annotations":{%q:%q%s}}}`,
			v.PVC.ResourceVersion, mark.Owner, key.String(), v.note())
		if err := a.local.Patch(ctx, v.PVC.DeepCopy(), client.RawPatch(types.MergePatchType, patch)); err != nil {
			return fmt.Errorf("claiming PersistentVolumeClaim %s: %w", v.Key(), err)
		}
		claimMarked.Hit(key.Namespace)
	}
	policy := v.PV.Spec.PersistentVolumeReclaimPolicy
	if policy == corev1.PersistentVolumeReclaimRetain {
		return nil
	}
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}},"spec":{"persistentVolumeReclaimPolicy":%q}}`,
		mark.ReclaimPolicy, policy, corev1.PersistentVolumeReclaimRetain)
	if err := a.local.Patch(ctx, v.PV.DeepCopy(), client.RawPatch(types.MergePatchType, patch)); err != nil {
		return fmt.Errorf("keeping PersistentVolume %s: %w", v.PV.Name, err)
	}
	return nil
}

// note is the annotation that says how the volume is replicated, if that is known.
func (v *Volume) note() string {
	if v.Method == "" {
		return ""
	}
	return fmt.Sprintf(",%q:%q", mark.Method, v.Method)
}

// release ends a volume's replication and then takes off what claim put on. The claim's annotation goes last, so that a
// volume half released is still known to be the group's. On a secondary, what is noted to be a copy stays so;
// that of a volume on shared storage is no copy of its bytes: they are to outlive it, so that it stays retained.
func (a *Agent) release(ctx context.Context, v *Volume, secondary bool) error {
	noted := v1alpha1.ReplicationMethod(v.PVC.Annotations[mark.Method])
	switch backend := a.backends.For(v.Method); {
	case backend != nil:
		if gone, err := backend.Remove(ctx, v.Key()); err != nil || !gone {
			return err
		}
	case noted != "" && a.backends.For(noted) == nil:
		return fmt.Errorf("PersistentVolumeClaim %s is replicated by the method %s, which this agent can't end; upgrade it", v.Key(), noted)
	}
	volumeReleased.Hit(v.Key().Namespace)
	if v.PV != nil && v.PV.Annotations[mark.ReclaimPolicy] != "" && !v.going() && !(secondary && v.Method == v1alpha1.MethodShared) {
		patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:null}},"spec":{"persistentVolumeReclaimPolicy":%q}}`,
			mark.ReclaimPolicy, v.PV.Annotations[mark.ReclaimPolicy])
		if err := a.local.Patch(ctx, v.PV.DeepCopy(), client.RawPatch(types.MergePatchType, patch)); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("giving PersistentVolume %s its reclaim policy back: %w", v.PV.Name, err)
		}
	}
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:null,%q:null}}}`, mark.Owner, mark.Method)
	if !secondary {
		patch = fmt.Appendf(nil, `{"metadata":{"annotations":{%q:null,%q:null,%q:null}}}`, mark.Owner, mark.Method, mark.CopyOf)
	}
	if err := a.local.Patch(ctx, v.PVC.DeepCopy(), client.RawPatch(types.MergePatchType, patch)); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("releasing PersistentVolumeClaim %s: %w", v.Key(), err)
	}
	return nil
}

// end ends a volume's replication and leaves everything else as it is.
func (a *Agent) end(ctx context.Context, v *Volume) error {
	backend := a.backends.For(v.Method)
	if backend == nil {
		return nil
	}
	_, err := backend.Remove(ctx, v.Key())
	return err
}

// forget ends the agent's part in a group that is being deleted.
func (a *Agent) forget(ctx context.Context, f *Facts) error {
	if err := a.markObjects(ctx, f); err != nil {
		return err
	}
	if err := a.checkpoints.Delete(ctx, f.Key); err != nil {
		return err
	}
	groupForgotten.Hit(f.Key.Namespace)
	if err := a.hub.release(ctx, f.Group); client.IgnoreNotFound(err) != nil {
		return err
	}
	a.writer.Forget(f.Key)
	a.drop(f.Key)
	return nil
}
