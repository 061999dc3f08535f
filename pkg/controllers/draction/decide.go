// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package draction

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

const (
	// creationGrace is how long the request that began an action is left to write the record itself.
	creationGrace = 2 * time.Second
	// progressGrace is how long a step is left to lead to the next one, or to the end, before the record tells of it.
	progressGrace = 500 * time.Millisecond
)

// Facts are a placement and its records.
type Facts struct {
	// Now is the time of the decision.
	Now time.Time
	// Placement is nil if it is gone.
	Placement *v1alpha1.DRPlacementControl
	// Actions are the records that have not ended, and that of the current action, by name.
	Actions map[string]*v1alpha1.DRAction
}

// Decision is what is to be written.
type Decision struct {
	// Create is the record of the current action if nobody has written it yet.
	Create *v1alpha1.DRAction
	// UpdateSpec is the record of the current action if acknowledgements were added to it.
	UpdateSpec *v1alpha1.DRAction
	// UpdateStatus are records whose status is behind.
	UpdateStatus []*v1alpha1.DRAction
	// RequeueAfter is when to decide again even if nothing happens; zero means not.
	RequeueAfter time.Duration
}

// Decide is what follows from the facts: it reads no clock and does no I/O.
func Decide(f Facts) Decision {
	d := Decision{}
	current := ""
	if f.Placement != nil && f.Placement.Status.CurrentAction != nil {
		current = f.Placement.Status.CurrentAction.Name
		d.project(f, *f.Placement.Status.CurrentAction)
	}
	for _, name := range slices.Sorted(maps.Keys(f.Actions)) {
		if recorded := f.Actions[name]; name != current && !complete(recorded) {
			d.closeOrphan(f, recorded)
		}
	}
	return d
}

// project brings the record of the current action up to date. Of one that has ended only the time from which the
// application was protected again is still filled in.
func (d *Decision) project(f Facts, record v1alpha1.ActionRecord) {
	wanted := action.DRAction(f.Placement, record)
	recorded := f.Actions[record.Name]
	switch {
	case recorded == nil:
		d.create(f, wanted)
	case recorded.Spec.Epoch != wanted.Spec.Epoch || recorded.Spec.DRPlacementControl != wanted.Spec.DRPlacementControl:
		// The name belongs to another action's record, which stays as it is.
	case complete(recorded):
		if recorded.Status.ProtectedTime == nil && wanted.Status.ProtectedTime != nil {
			updated := recorded.DeepCopy()
			updated.Status.ProtectedTime = wanted.Status.ProtectedTime
			d.UpdateStatus = append(d.UpdateStatus, updated)
		}
	case !equality.Semantic.DeepEqual(recorded.Spec, wanted.Spec):
		d.UpdateSpec = recorded.DeepCopy()
		d.UpdateSpec.Spec, d.UpdateSpec.Status = wanted.Spec, wanted.Status
	case equality.Semantic.DeepEqual(recorded.Status, wanted.Status):
	case !complete(wanted) && f.Now.Sub(lastStart(wanted)) < progressGrace:
		d.RequeueAfter = progressGrace - max(0, f.Now.Sub(lastStart(wanted)))
	default:
		updated := recorded.DeepCopy()
		updated.Status = wanted.Status
		d.UpdateStatus = append(d.UpdateStatus, updated)
	}
}

// lastStart is when the last step began that has.
func lastStart(of *v1alpha1.DRAction) time.Time {
	var last time.Time
	for _, step := range of.Status.Steps {
		if step.StartTime != nil && step.StartTime.After(last) {
			last = step.StartTime.Time
		}
	}
	return last
}

// create makes up for a record that the request which began the action did not get to write.
func (d *Decision) create(f Facts, wanted *v1alpha1.DRAction) {
	if f.Placement.DeletionTimestamp != nil {
		// The namespace may be going too, and its records with it.
		return
	}
	if accepted := wanted.Status.AcceptedTime; accepted != nil {
		if age := f.Now.Sub(accepted.Time); age < creationGrace {
			d.RequeueAfter = creationGrace - max(0, age)
			return
		}
	}
	d.Create = wanted
}

// closeOrphan ends the record of an action that its placement no longer holds.
func (d *Decision) closeOrphan(f Facts, recorded *v1alpha1.DRAction) {
	why := fmt.Sprintf("DRPlacementControl %s was deleted before the action ended.", recorded.Spec.DRPlacementControl)
	if f.Placement != nil {
		current := f.Placement.Status.CurrentAction
		if current == nil || current.Spec.Epoch <= recorded.Spec.Epoch {
			// The record may be newer than what the cache shows of the placement.
			return
		}
		why = fmt.Sprintf("%s to %s (%s) has taken its place.", current.Spec.Type, current.Spec.TargetCluster, current.Name)
	}
	closed := recorded.DeepCopy()
	ended := v1alpha1.ActionRecord{Name: closed.Name, Spec: closed.Spec, Status: closed.Status}
	action.End(&ended, v1alpha1.ReasonFailed, why, metav1.NewMicroTime(f.Now.Truncate(time.Microsecond)))
	closed.Status = ended.Status
	d.UpdateStatus = append(d.UpdateStatus, closed)
}

func complete(recorded *v1alpha1.DRAction) bool {
	return meta.IsStatusConditionTrue(recorded.Status.Conditions, v1alpha1.ConditionComplete)
}
