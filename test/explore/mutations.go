// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/agent"
	"github.com/ramendr/dr-apiserver/pkg/agent/checkpoint"
	"github.com/ramendr/dr-apiserver/pkg/agent/handover"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/controllers/drplacementcontrol"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

// aroundAgent makes a mutant of the agent's decision.
func aroundAgent(change func(f *agent.Facts, decide func(*agent.Facts) agent.Decision) agent.Decision) func(*deciders) {
	return func(d *deciders) {
		decide := d.agent
		d.agent = func(f *agent.Facts) agent.Decision {
			copied := *f
			copied.Volumes = slices.Clone(f.Volumes)
			return change(&copied, decide)
		}
	}
}

// skipEpochCheck has an agent forget the epochs that it has seen before it judges a command.
func skipEpochCheck(d *deciders) {
	aroundAgent(func(f *agent.Facts, decide func(*agent.Facts) agent.Decision) agent.Decision {
		if f.Group != nil && f.Checkpoint != nil && f.Group.Spec.Epoch < f.Checkpoint.Current().Epoch {
			forced := f.Checkpoint.DeepCopy()
			forced.Spec, forced.Generation = *f.Group.Spec.DeepCopy(), f.Group.Generation
			forced.History = append(forced.History, checkpoint.Role{
				Epoch: forced.Spec.Epoch, State: forced.Spec.ReplicationState, Action: forced.Spec.Action,
			})
			return agent.Decision{Save: forced}
		}
		return decide(f)
	})(d)
}

// driveBackwards has the hub not see that agents report a later epoch than its own. The agents still refuse.
func driveBackwards(d *deciders) {
	skipEpochCheck(d)
	decide := d.hub
	d.hub = func(f drplacementcontrol.Facts) drplacementcontrol.Decision {
		f.Groups = eachGroup(f.Groups, func(g *v1alpha1.VolumeReplicationGroup) {
			g.Status.Epoch = min(g.Status.Epoch, f.Placement.Status.Epoch)
		})
		return decide(f)
	}
}

// believeBackupsOf has the hub take what it finds stored of some for what their agents have reported to it.
func believeBackupsOf(whose func(record *v1alpha1.ActionRecord, cluster string) bool) func(*deciders) {
	return func(d *deciders) {
		decide := d.hub
		d.hub = func(f drplacementcontrol.Facts) drplacementcontrol.Decision {
			session, record := f.Session, f.Placement.Status.CurrentAction
			f.Groups = eachGroup(f.Groups, func(g *v1alpha1.VolumeReplicationGroup) {
				if record != nil && whose(record, g.Spec.ClusterName) {
					g.Spec.Session, g.Status.Session = session, session
				}
			})
			return decide(f)
		}
	}
}

func anybody(*v1alpha1.ActionRecord, string) bool { return true }

func abortedTarget(record *v1alpha1.ActionRecord, cluster string) bool {
	return record.Status.Abort != nil && cluster == record.Spec.TargetCluster
}

func passedSource(record *v1alpha1.ActionRecord, cluster string) bool {
	return action.PastPointOfNoReturn(record) && cluster == record.Spec.SourceCluster
}

func eachGroup(groups map[string]*v1alpha1.VolumeReplicationGroup, change func(*v1alpha1.VolumeReplicationGroup)) map[string]*v1alpha1.VolumeReplicationGroup {
	groups = maps.Clone(groups)
	for name, g := range groups {
		groups[name] = g.DeepCopy()
		change(groups[name])
	}
	return groups
}

// promoteWithoutToken has the hub take a relocate's source for handed over as soon as it has accepted to, with a token
// that nobody issued.
func promoteWithoutToken(d *deciders) {
	decide := d.hub
	d.hub = func(f drplacementcontrol.Facts) drplacementcontrol.Decision {
		record := f.Placement.Status.CurrentAction
		f.Groups = eachGroup(f.Groups, func(g *v1alpha1.VolumeReplicationGroup) {
			if record == nil || g.Spec.Action != v1alpha1.VRGActionRelocate || !action.Counts(g) || g.Spec.ClusterName != record.Spec.SourceCluster || action.Ended(record) {
				return
			}
			g.Status.State = v1alpha1.SecondaryState
			if g.Status.HandoverToken == nil {
				g.Status.HandoverToken = handover.Seal(v1alpha1.HandoverToken{Epoch: g.Spec.Epoch, SourceCluster: g.Spec.ClusterName}, began)
			}
		})
		return decide(f)
	}
	d.anyCapture = true
}

// demoteBeforeCapture has a source hand over with a capture that it has not taken yet.
func demoteBeforeCapture(d *deciders) {
	aroundAgent(func(f *agent.Facts, decide func(*agent.Facts) agent.Decision) agent.Decision {
		if c := f.Checkpoint; c != nil && c.Spec.Action == v1alpha1.VRGActionRelocate && c.Current().State == v1alpha1.Secondary {
			f.Capture.Taken = &checkpoint.Capture{
				CaptureReference: v1alpha1.CaptureReference{ID: "20260309999-" + f.Cluster, Epoch: c.Spec.Epoch},
				Quiesced:         true, Volumes: agent.VolumesWord(f.Members()),
			}
			f.Capture.Put = c.Spec.S3Profiles
		}
		return decide(f)
	})(d)
}

// believeStaleReports has the hub take whatever an agent reported last for an answer to what it is told now.
func believeStaleReports(d *deciders) {
	decide := d.hub
	d.hub = func(f drplacementcontrol.Facts) drplacementcontrol.Decision {
		groups := f.Groups
		f.Groups = eachGroup(groups, func(g *v1alpha1.VolumeReplicationGroup) {
			g.Status.ObservedGeneration, g.Status.Epoch = g.Generation, g.Spec.Epoch
		})
		return decide(f)
	}
}

// forgetQuiesce has an agent take the workload for stopped without stopping it.
func forgetQuiesce(d *deciders) {
	aroundAgent(func(f *agent.Facts, decide func(*agent.Facts) agent.Decision) agent.Decision {
		f.Stop.Done, f.Stop.Listed = true, true
		decided := decide(f)
		decided.Quiesce = false
		return decided
	})(d)
}

// restoreIncomplete has a failover take the newest capture that has been begun, whether it is complete or not.
func restoreIncomplete(d *deciders) {
	products := d.newest
	d.newest = func(stores buckets, profiles []string, group archive.Group, accept func(archive.Ref) bool) (*archive.Found, error) {
		var last archive.Ref
		for _, p := range profiles {
			keys, err := stores[p].List(context.Background(), group.String()+"/")
			for _, key := range keys {
				if r := refOf(key); err == nil && accept(r) && r.Compare(last) > 0 {
					last = r
				}
			}
		}
		found, err := products(stores, profiles, group, accept)
		if errors.Is(err, archive.ErrNoCapture) || found == nil || last.Compare(found.Ref) <= 0 {
			return found, err
		}
		newer := *found
		newer.Ref = last
		return &newer, nil
	}
}

func abortAfterPointOfNoReturn(d *deciders) {
	d.abort = func(p *v1alpha1.DRPlacementControl, _ ...v1alpha1.Acknowledgement) error {
		record := p.Status.CurrentAction
		if record == nil || action.Ended(record) || record.Status.Abort != nil {
			return errors.New("nothing to abort")
		}
		steps := slices.Clone(record.Status.Steps)
		for i := range steps {
			record.Status.Steps[i].PointOfNoReturn = false
		}
		err := action.Abort(p, "somebody", "", began)
		for i := range steps {
			record.Status.Steps[i].PointOfNoReturn = steps[i].PointOfNoReturn
		}
		return err
	}
}

// acceptTwo has preflight not see that another action is under way.
func acceptTwo(d *deciders) {
	products := d.preflight
	d.preflight = func(f action.Facts, r action.Request) v1alpha1.ActionRecord {
		if action.Running(f.Placement) && f.Placement.Status.CurrentAction.Spec.Type != r.Type {
			f.Placement = f.Placement.DeepCopy()
			f.Placement.Status.CurrentAction = nil
			f.Groups = eachGroup(f.Groups, func(g *v1alpha1.VolumeReplicationGroup) { g.Status.Epoch = f.Placement.Status.Epoch })
		}
		return products(f, r)
	}
}

// actBeforeSaving has an agent carry out a command that it has not noted down.
func actBeforeSaving(d *deciders) {
	aroundAgent(func(f *agent.Facts, decide func(*agent.Facts) agent.Decision) agent.Decision {
		decided := decide(f)
		if decided.Save == nil || decided.Save.Token != nil {
			return decided
		}
		f.Checkpoint = decided.Save
		decided = decide(f)
		decided.Settle = nil
		return decided
	})(d)
}

// ignoreResync has a demoted volume count as in sync whether its last bytes have arrived or not.
func ignoreResync(d *deciders) {
	aroundAgent(func(f *agent.Facts, decide func(*agent.Facts) agent.Decision) agent.Decision {
		for i := range f.Volumes {
			if state := f.Volumes[i].State; state != nil {
				inSync := *state
				inSync.InSync = true
				f.Volumes[i].State = &inSync
			}
		}
		return decide(f)
	})(d)
}

// disconnectedIsStopped has the hub go on without a source that it cannot reach, whatever was acknowledged.
func disconnectedIsStopped(d *deciders) {
	decide := d.hub
	d.hub = func(f drplacementcontrol.Facts) drplacementcontrol.Decision {
		record := f.Placement.Status.CurrentAction
		if record == nil || action.Ended(record) || len(record.Spec.Acknowledgements) > 0 {
			return decide(f)
		}
		f.Placement = f.Placement.DeepCopy()
		f.Placement.Status.CurrentAction.Spec.Acknowledgements = []v1alpha1.Acknowledgement{v1alpha1.AckSourceMayStillWrite}
		decided := decide(f)
		decided.Status.CurrentAction.Spec.Acknowledgements = nil
		decided.StatusChanged = true
		return decided
	}
}

// reuseEpoch has an action that follows another begin in the epoch of that one.
func reuseEpoch(d *deciders) {
	products := d.preflight
	d.preflight = func(f action.Facts, r action.Request) v1alpha1.ActionRecord {
		record := products(f, r)
		if current := f.Placement.Status.CurrentAction; current != nil && record.Name != current.Name && record.Spec.Epoch > 1 {
			record.Spec.Epoch--
		}
		return record
	}
}

// endTooSoon has the hub end an action once the target has been told.
func endTooSoon(d *deciders) {
	decide := d.hub
	d.hub = func(f drplacementcontrol.Facts) drplacementcontrol.Decision {
		record := f.Placement.Status.CurrentAction
		if record == nil || action.Ended(record) || !action.PastPointOfNoReturn(record) {
			return decide(f)
		}
		f.Placement = f.Placement.DeepCopy()
		f.Placement.Status.PrimaryCluster = record.Spec.SourceCluster
		action.End(f.Placement.Status.CurrentAction, v1alpha1.ReasonSucceeded, "", *record.Status.AcceptedTime)
		decided := decide(f)
		decided.StatusChanged = true
		return decided
	}
}

// failAfterwards has the hub call an action failed that has succeeded, when the application is not protected yet.
func failAfterwards(d *deciders) {
	decide := d.hub
	d.hub = func(f drplacementcontrol.Facts) drplacementcontrol.Decision {
		decided := decide(f)
		record := decided.Status.CurrentAction
		if record == nil || !action.Ended(f.Placement.Status.CurrentAction) || !meta.IsStatusConditionFalse(f.Placement.Status.Conditions, v1alpha1.ConditionProtected) {
			return decided
		}
		if c := meta.FindStatusCondition(record.Status.Conditions, v1alpha1.ConditionComplete); c.Reason == v1alpha1.ReasonSucceeded {
			decided.Status = *decided.Status.DeepCopy()
			meta.FindStatusCondition(decided.Status.CurrentAction.Status.Conditions, v1alpha1.ConditionComplete).Reason = v1alpha1.ReasonFailed
			decided.StatusChanged = true
		}
		return decided
	}
}

// letGoRunning has an agent let go of what it has without learning first that it was failed away from.
func letGoRunning(d *deciders) {
	aroundAgent(func(f *agent.Facts, decide func(*agent.Facts) agent.Decision) agent.Decision {
		if f.Group != nil && f.Group.DeletionTimestamp != nil && f.Checkpoint != nil {
			f.Group = f.Group.DeepCopy()
			f.Group.Spec = f.Checkpoint.Spec
			f.Group.UID = f.Checkpoint.UID
		}
		return decide(f)
	})(d)
}

// takeForSettled has an agent that stays primary take what it was still restoring for restored.
func takeForSettled(d *deciders) {
	aroundAgent(func(f *agent.Facts, decide func(*agent.Facts) agent.Decision) agent.Decision {
		decided := decide(f)
		if decided.Save != nil && isPrimary(f.Checkpoint) && isPrimary(decided.Save) {
			decided.Save = decided.Save.DeepCopy()
			decided.Save.Settled = true
		}
		return decided
	})(d)
}
