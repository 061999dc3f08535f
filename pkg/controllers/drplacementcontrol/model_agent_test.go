// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// agent is a model of a cluster's agent: it keeps its checkpoint, takes one step of its work at a time and checks what an
// agent has to check before it becomes primary.
type agent struct {
	cluster string
	// The checkpoint.
	epoch      int64
	generation int64
	spec       v1alpha1.VolumeReplicationGroupSpec
	// primaryIn is the last epoch in which this cluster was primary.
	primaryIn int64
	// progress counts the steps of work for the command.
	progress int
	writable bool
	token    *v1alpha1.HandoverToken
	reported *v1alpha1.VolumeReplicationGroupStatus
}

// act reads the command, if the agent can, and takes one step.
func (a *agent) act(w *world) {
	if group := w.groups[a.cluster]; group != nil && w.connected[a.cluster] && group.Generation != a.generation {
		a.accept(w, group)
	}
	if a.epoch > 0 && a.progress < 3 {
		a.progress++
		a.work(w)
	}
}

func (a *agent) accept(w *world, group *v1alpha1.VolumeReplicationGroup) {
	if group.Spec.Epoch < a.epoch {
		w.fail("%s was sent epoch %d after %d", a.cluster, group.Spec.Epoch, a.epoch)
	}
	spec := *group.Spec.DeepCopy()
	same := spec.Epoch == a.epoch && spec.ReplicationState == a.spec.ReplicationState && spec.Action == a.spec.Action
	a.generation, a.spec = group.Generation, spec
	if same {
		return
	}
	a.epoch, a.progress, a.token = spec.Epoch, 0, nil
	if spec.ReplicationState == v1alpha1.Primary {
		a.check(w)
	}
}

// check is what an agent demands before it becomes primary.
func (a *agent) check(w *world) {
	switch a.spec.Action {
	case v1alpha1.VRGActionRelocate:
		issued, ok := w.issued[a.epoch]
		if !ok || a.spec.HandoverToken == nil || a.spec.HandoverToken.Digest != issued.Digest {
			w.fail("%s was told to relocate without a token", a.cluster)
		}
	case v1alpha1.VRGActionAbort:
		for _, other := range w.agents {
			if a.primaryIn == 0 || other.primaryIn > a.primaryIn {
				w.fail("%s was told to take back what it did not have last", a.cluster)
			}
		}
	}
}

func (a *agent) work(w *world) {
	if a.spec.ReplicationState == v1alpha1.Secondary {
		a.writable = false
		if a.progress >= 3 && a.spec.Action == v1alpha1.VRGActionRelocate && a.token == nil && a.primaryIn >= w.lastPrimary() {
			a.handOver(w)
		}
		return
	}
	if a.progress >= 2 {
		a.primaryIn, a.writable = a.epoch, true
		// A primary that was not told otherwise yet is cut off; any other that writes as well is one too many, unless a
		// person took that risk.
		for _, other := range w.agents {
			if other != a && other.writable && a.spec.Action == v1alpha1.VRGActionRelocate {
				w.fail("%s and %s write at once after a relocate", a.cluster, other.cluster)
			}
		}
	}
}

// lastPrimary is the last epoch in which any cluster was primary.
func (w *world) lastPrimary() (epoch int64) {
	for _, a := range w.agents {
		epoch = max(epoch, a.primaryIn)
	}
	return epoch
}

func (a *agent) handOver(w *world) {
	a.token = &v1alpha1.HandoverToken{
		Epoch: a.epoch, SourceCluster: a.cluster, CaptureID: "capture", Digest: fmt.Sprintf("%s-%d", a.cluster, a.epoch),
	}
	w.issued[a.epoch] = *a.token
	w.note("%s hands over epoch %d", a.cluster, a.epoch)
}

// report writes what the agent has come to, if it can.
func (a *agent) report(w *world) {
	if a.epoch == 0 || !w.connected[a.cluster] || w.groups[a.cluster] == nil {
		return
	}
	status := &v1alpha1.VolumeReplicationGroupStatus{
		ObservedGeneration: a.generation, Epoch: a.epoch, State: v1alpha1.UnknownState, HandoverToken: a.token.DeepCopy(),
	}
	done := a.progress >= 2
	primary := a.spec.ReplicationState == v1alpha1.Primary
	switch {
	case done && primary:
		status.State = v1alpha1.PrimaryState
		status.LastGroupSyncTime = &metav1.Time{Time: w.now}
		status.LastCapture = &v1alpha1.CaptureReference{ID: "capture", Epoch: a.epoch, Time: metav1.Time{Time: w.now}}
	case done:
		status.State = v1alpha1.SecondaryState
	}
	for conditionType, is := range map[string]bool{
		v1alpha1.ConditionDataReady: done, v1alpha1.ConditionDataProtected: done,
		v1alpha1.ConditionClusterDataReady: done, v1alpha1.ConditionClusterDataProtected: done,
		v1alpha1.ConditionKubeObjectsReady: a.progress >= 3, v1alpha1.ConditionQuiesced: !primary,
	} {
		value := metav1.ConditionFalse
		if is {
			value = metav1.ConditionTrue
		}
		meta.SetStatusCondition(&status.Conditions, metav1.Condition{Type: conditionType, Status: value, Reason: "Modelled", Message: "modelled"})
	}
	if w.random.Intn(3) > 0 || a.reported == nil {
		// Kept to arrive once more, late.
		a.reported = status.DeepCopy()
	}
	a.write(w, status)
}

// repeatReport lets an earlier report arrive once more.
func (a *agent) repeatReport(w *world) {
	if a.reported != nil && w.connected[a.cluster] && w.groups[a.cluster] != nil {
		w.note("%s repeats its report on generation %d", a.cluster, a.reported.ObservedGeneration)
		a.write(w, a.reported)
	}
}

func (a *agent) write(w *world, status *v1alpha1.VolumeReplicationGroupStatus) {
	group := w.groups[a.cluster].DeepCopy()
	group.Status = *status.DeepCopy()
	w.bump(&group.ObjectMeta)
	w.groups[a.cluster] = group
}
