// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package action

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// The preflight checks, by the names that clients know them by.
const (
	CheckTargetKnown        = v1alpha1.CheckTargetKnown
	CheckTargetNotCurrent   = v1alpha1.CheckTargetNotCurrent
	CheckNoActionInProgress = v1alpha1.CheckNoActionInProgress
	CheckTargetConnected    = v1alpha1.CheckTargetConnected
	CheckPeerReady          = v1alpha1.CheckPeerReady
	CheckProtected          = v1alpha1.CheckProtected
	CheckVolumesProtected   = v1alpha1.CheckVolumesProtected
	CheckSourceUnhealthy    = v1alpha1.CheckSourceUnhealthy
	CheckCopyFresh          = v1alpha1.CheckCopyFresh
	CheckSourceStopped      = v1alpha1.CheckSourceStopped
	CheckTargetNotFenced    = v1alpha1.CheckTargetNotFenced
	CheckSourceConnected    = v1alpha1.CheckSourceConnected
	CheckSourceProtected    = v1alpha1.CheckSourceProtected
)

const (
	overriddenByForce = "force"
	overriddenByAck   = "acknowledgement:"
)

// check is one thing to look at. find says whether nothing stands against the action, and what was found and,
// if something does, the remedy.
type check struct {
	name         string
	overriddenBy string
	find         func(question) (bool, string)
}

var sourceStoppedCheck = check{
	CheckSourceStopped, overriddenByAck + string(v1alpha1.AckSourceMayStillWrite), question.findSourceStopped,
}

// checks looks at everything that has a meaning for the request. What the target's agent says has none while the target
// is not a known cluster, and what any agent says of its role has none between two roles.
func (q question) checks() []v1alpha1.PreflightCheck {
	known := q.run(check{CheckTargetKnown, "", question.findTargetKnown})
	elsewhere := q.run(check{CheckTargetNotCurrent, "", question.findTargetNotCurrent})
	idle := q.run(check{CheckNoActionInProgress, "", question.findNoActionInProgress})
	results := []v1alpha1.PreflightCheck{known, elsewhere, idle}
	if idle.Result == v1alpha1.CheckFailed {
		return results
	}
	if known.Result != v1alpha1.CheckFailed {
		results = append(results,
			q.run(check{CheckTargetConnected, "", question.findTargetConnected}),
			q.run(check{CheckTargetNotFenced, "", question.findTargetNotFenced}))
		if elsewhere.Result != v1alpha1.CheckFailed {
			results = append(results, q.run(q.peerReadyCheck()))
		}
	}
	results = append(results, q.run(q.protectedCheck()))
	if q.Type == v1alpha1.ActionFailover {
		if len(q.unprotected()) > 0 {
			results = append(results, q.run(check{CheckVolumesProtected, overriddenByForce, question.findVolumesProtected}))
		}
		return append(results,
			q.run(check{CheckSourceUnhealthy, overriddenByForce, question.findSourceUnhealthy}),
			q.run(check{CheckCopyFresh, overriddenByForce, question.findCopyFresh}),
			q.run(sourceStoppedCheck))
	}
	return append(results,
		q.run(check{CheckSourceConnected, "", question.findSourceConnected}),
		q.run(check{CheckSourceProtected, "", question.findSourceProtected}))
}

func (q question) run(c check) v1alpha1.PreflightCheck {
	ok, message := c.find(q)
	result := v1alpha1.PreflightCheck{Name: c.name, Result: v1alpha1.CheckPassed, Message: message, OverriddenBy: c.overriddenBy}
	switch {
	case ok:
	case q.overrides(c):
		result.Result = v1alpha1.CheckOverridden
	default:
		result.Result = v1alpha1.CheckFailed
	}
	return result
}

func (q question) overrides(c check) bool {
	if ack, isAck := strings.CutPrefix(c.overriddenBy, overriddenByAck); isAck {
		return slices.Contains(q.Acknowledgements, v1alpha1.Acknowledgement(ack))
	}
	return c.overriddenBy == overriddenByForce && q.Force
}

func (q question) findTargetKnown() (bool, string) {
	policy := q.Placement.Spec.DRPolicyRef.Name
	switch {
	case q.Policy == nil:
		return false, fmt.Sprintf("DRPolicy %s does not exist, so its clusters are not known; create it again", policy)
	case q.target == "":
		return false, fmt.Sprintf("no target: DRPolicy %s has no other cluster than %s; set spec.targetCluster", policy, q.source)
	case !slices.Contains(q.policyClusters(), q.target):
		return false, fmt.Sprintf("%s is not a cluster of DRPolicy %s; choose one of %s",
			q.target, policy, strings.Join(q.policyClusters(), ", "))
	case !q.Clusters[q.target].Exists:
		return false, fmt.Sprintf("DRPolicy %s names %s, but there is no DRCluster %s; create it", policy, q.target, q.target)
	}
	return true, fmt.Sprintf("%s is a cluster of DRPolicy %s", q.target, policy)
}

func (q question) findTargetNotCurrent() (bool, string) {
	if q.target != "" && q.target == q.source {
		return false, fmt.Sprintf("the application already runs on %s; set spec.targetCluster to another cluster", q.target)
	}
	return true, fmt.Sprintf("the application runs on %s", orUnknown(q.source))
}

func (q question) findNoActionInProgress() (bool, string) {
	status := q.Placement.Status
	switch {
	case q.Placement.DeletionTimestamp != nil:
		return false, fmt.Sprintf("DRPlacementControl %s is being deleted", q.Placement.Name)
	case status.Epoch == 0 || status.Phase == v1alpha1.PhaseDeploying:
		return false, "the first placement has not ended; its conditions Available and Protected say what it waits for"
	case q.agentIsAhead() && q.source != "":
		return false, "an agent reports a later epoch than the hub knows, which was restored from an older state and is finding out " +
			"where the application runs; ask again in a moment"
	case q.current == nil:
		return true, "no action was requested before"
	case Ended(q.current) && q.Name == q.current.Name:
		return false, fmt.Sprintf("the name %s is taken by the %s to %s; choose another or leave it empty",
			q.Name, lower(q.current.Spec.Type), q.current.Spec.TargetCluster)
	case Ended(q.current):
		return true, fmt.Sprintf("the last action, %s, has ended", q.current.Name)
	case q.lostItsTarget():
		return true, fmt.Sprintf("%s cannot end, because %s; it ends as Failed when this failover is accepted", q.current.Name,
			NotConnected(q.current.Spec.TargetCluster, q.Clusters[q.current.Spec.TargetCluster]))
	}
	return false, q.inProgress()
}

// agentIsAhead tells whether an agent has reported an epoch that the hub has forgotten.
func (q question) agentIsAhead() bool {
	for _, group := range q.Groups {
		if group.Labels[v1alpha1.LabelDRPlacementControl] == q.Placement.Name && group.Status.Epoch > q.Placement.Status.Epoch {
			return true
		}
	}
	return false
}

// lostItsTarget tells whether the action under way can be neither finished nor taken back, because its target was lost
// after the point of no return, and the request is the way out of that: a failover that names another cluster.
func (q question) lostItsTarget() bool {
	return q.Type == v1alpha1.ActionFailover && PastPointOfNoReturn(q.current) && q.TargetCluster != "" &&
		q.TargetCluster != q.current.Spec.TargetCluster && !q.Clusters[q.current.Spec.TargetCluster].Connected
}

func (q question) inProgress() string {
	what := fmt.Sprintf("%s to %s (%s) is under way", lower(q.current.Spec.Type), q.current.Spec.TargetCluster, q.current.Name)
	switch {
	case q.current.Status.Abort != nil:
		return what + " and is being aborted; wait until it has ended"
	case PastPointOfNoReturn(q.current):
		return what + " and past its point of no return; wait until it has ended"
	default:
		return what + "; wait until it has ended, or abort it"
	}
}

func (q question) findTargetConnected() (bool, string) {
	if !q.Clusters[q.target].Connected {
		return false, NotConnected(q.target, q.Clusters[q.target]) + "; bring its agent back or choose another target"
	}
	return true, fmt.Sprintf("the agent of %s is connected", q.target)
}

// peerReadyCheck can be forced on the way back to a cluster that stood down: what its copy waits to be resynced from is lost,
// and will not come. So it can where nobody knows which cluster is primary.
func (q question) peerReadyCheck() check {
	c := check{CheckPeerReady, "", question.findPeerReady}
	if (q.wayBack() || q.personDecides()) && q.targetIsSecondary() {
		c.overriddenBy = overriddenByForce
	}
	return c
}

// protectedCheck can be forced where what was known of the copies is forgotten with who was primary.
func (q question) protectedCheck() check {
	c := check{CheckProtected, "", question.findProtected}
	if q.personDecides() {
		c.overriddenBy = overriddenByForce
	}
	return c
}

// personDecides tells whether the hub, restored from an older state, does not know which cluster is primary, and the request
// says which shall be.
func (q question) personDecides() bool {
	return q.Type == v1alpha1.ActionFailover && q.source == "" && q.Placement.Status.Epoch > 0
}

// wayBack tells whether the request takes the application back to the cluster that stood down last, from one that was lost
// before anything was synced from it. What the cluster that stood down holds is all there is.
func (q question) wayBack() bool {
	return q.Type == v1alpha1.ActionFailover && q.current != nil && PastPointOfNoReturn(q.current) &&
		q.current.Spec.Epoch == q.Placement.Status.Epoch &&
		q.target == q.current.Spec.SourceCluster && q.source == q.current.Spec.TargetCluster &&
		!q.Clusters[q.source].Connected && q.sourceSynced() == nil
}

// targetIsSecondary tells whether the target confirms that it is secondary. A higher epoch than the hub knows counts as
// well: the hub was restored from an older state. Where nobody knows which cluster is primary, any does.
func (q question) targetIsSecondary() bool {
	group := q.targetGroup
	return group != nil && group.Status.ObservedGeneration == group.Generation &&
		(group.Status.Epoch >= q.Placement.Status.Epoch || q.personDecides()) && group.Status.State == v1alpha1.SecondaryState
}

func (q question) findPeerReady() (bool, string) {
	group := q.targetGroup
	if group == nil {
		return false, fmt.Sprintf("%s holds no copy: there is no VolumeReplicationGroup for it yet", q.target)
	}
	if !q.targetIsSecondary() {
		return false, fmt.Sprintf("%s has not confirmed that it is secondary in epoch %d (it reports %s in epoch %d); "+
			"VolumeReplicationGroup %s says what it waits for", q.target, q.Placement.Status.Epoch,
			orUnknown(string(group.Status.State)), group.Status.Epoch, group.Name)
	}
	switch ready, why := CopyReady(group); {
	case !ready && q.wayBack():
		return false, fmt.Sprintf("%s stood down for %s and is secondary, but %s, which is lost; set spec.force to go back to what %s "+
			"holds", q.target, q.current.Name, why, q.target)
	case !ready:
		return false, fmt.Sprintf("%s is secondary, but %s; wait until PeerReady is True", q.target, why)
	}
	return true, fmt.Sprintf("%s confirmed that it is secondary in epoch %d", q.target, group.Status.Epoch)
}

func (q question) findProtected() (bool, string) {
	captured := q.sourceCaptured() || q.handover() != nil || q.wayBack() || q.targetCapture() != nil
	switch {
	case !q.synced() && q.personDecides():
		return false, "how far volumes were synced is not known since the hub was restored from an older state; set spec.force to go " +
			"on with what " + orUnknown(q.target) + " holds"
	case !q.synced():
		return false, "not every volume was ever synced, so there is no copy to recover from; wait until Protected is True"
	case !captured:
		return false, "there is no complete capture of metadata and objects to recover from; wait until Protected is True"
	}
	if own := q.targetCapture(); own != nil && !q.sourceCaptured() {
		return true, fmt.Sprintf("every volume was synced, and the newest complete capture known is the one that %s took itself at %s; "+
			"what %s changed of the application's objects since is not in it", q.target, own.Time.UTC().Format(time.RFC3339), orUnknown(q.source))
	}
	return true, "every volume was synced and a complete capture exists"
}

// unprotected are the source's volumes that are in use there and that nothing replicates, as its agent reported them last.
func (q question) unprotected() []string {
	if q.sourceGroup == nil {
		return nil
	}
	var names []string
	for i := range q.sourceGroup.Status.ProtectedPVCs {
		row := &q.sourceGroup.Status.ProtectedPVCs[i]
		if row.ReplicationMethod == "" && meta.IsStatusConditionTrue(row.Conditions, v1alpha1.ConditionDataReady) &&
			meta.IsStatusConditionFalse(row.Conditions, v1alpha1.ConditionDataProtected) {
			names = append(names, row.Namespace+"/"+row.Name)
		}
	}
	return names
}

func (q question) findVolumesProtected() (bool, string) {
	return false, fmt.Sprintf("nothing replicates these PersistentVolumeClaims, which will not be on %s: %s; condition DataProtected of "+
		"VolumeReplicationGroup %s says why; set spec.force to fail over without them", q.target, strings.Join(q.unprotected(), ", "), q.sourceGroup.Name)
}

// sourceCaptured tells whether the source has captured the application since it is primary.
func (q question) sourceCaptured() bool {
	return q.Placement.Status.LastKubeObjectProtectionTime != nil ||
		q.sourceGroup != nil && q.sourceGroup.Status.LastCapture != nil &&
			q.sourceGroup.Status.LastCapture.Epoch == q.Placement.Status.Epoch
}

// targetCapture is the last capture that the target itself took, when the application ran there; nil while the source is
// connected, which can still take a newer one. Captures are of earlier epochs than the failover and the last is never
// deleted, so it is what the restore finds if a source that is lost has not captured.
func (q question) targetCapture() *v1alpha1.CaptureReference {
	if q.Clusters[q.source].Connected || q.targetGroup == nil {
		return nil
	}
	return q.targetGroup.Status.LastCapture
}

// synced tells whether every volume was on the target at some time. Synchronous replication has no sync times.
func (q question) synced() bool {
	if Synchronous(q.Policy) {
		return q.wayBack() || mirrored(q.sourceGroup)
	}
	return q.syncPoint != nil
}

// mirrored tells whether a group says that whatever replicates its volumes has them where a peer can use them. Those that
// nothing replicates have a check of their own.
func mirrored(group *v1alpha1.VolumeReplicationGroup) bool {
	if group == nil {
		return false
	}
	found := conditionTrue(group, v1alpha1.ConditionDataProtected)
	for i := range group.Status.ProtectedPVCs {
		row := &group.Status.ProtectedPVCs[i]
		switch {
		case row.ReplicationMethod == "":
		case meta.IsStatusConditionTrue(row.Conditions, v1alpha1.ConditionDataProtected):
			found = true
		default:
			return false
		}
	}
	return found
}

func (q question) findSourceUnhealthy() (bool, string) {
	if !q.Clusters[q.source].Connected {
		return true, NotConnected(orUnknown(q.source), q.Clusters[q.source])
	}
	if q.Clusters[q.source].Fence.Fenced {
		return true, fmt.Sprintf("%s is fenced off from storage", q.source)
	}
	if meta.IsStatusConditionTrue(q.Placement.Status.Conditions, v1alpha1.ConditionAvailable) {
		return false, fmt.Sprintf("%s is connected and the application is available there; relocate loses nothing, "+
			"or set spec.force to fail over nevertheless", q.source)
	}
	return true, fmt.Sprintf("%s is connected, but the application is not available there", q.source)
}

func (q question) findCopyFresh() (bool, string) {
	if q.Policy == nil {
		return false, "how old the copy may be is not known without the DRPolicy"
	}
	interval, err := schedulingInterval(q.Policy)
	switch {
	case err != nil:
		return false, err.Error()
	case interval == 0:
		return true, "volumes are replicated synchronously"
	case q.syncPoint == nil:
		return false, "not every volume was ever synced"
	}
	age := q.Now.Sub(q.syncPoint.Time).Round(time.Second)
	found := fmt.Sprintf("the copy is %s old, of %s", age, q.syncPoint.UTC().Format(time.RFC3339))
	if age > 2*interval {
		return false, fmt.Sprintf("%s, which is more than twice the interval of %s; set spec.force to accept that loss",
			found, q.Policy.Spec.SchedulingInterval)
	}
	return true, found
}

func (q question) findSourceStopped() (bool, string) {
	source := q.Clusters[q.source]
	switch {
	case source.Fence.Fenced:
		return true, fmt.Sprintf("%s is fenced off from storage", q.source)
	case source.Connected:
		return true, fmt.Sprintf("%s is connected and is stopped before %s is promoted", q.source, q.target)
	case Synchronous(q.Policy):
		return true, fmt.Sprintf("%s, so the failover waits until it is fenced off from storage; %s",
			NotConnected(orUnknown(q.source), source), FenceIt(q.source))
	}
	return false, fmt.Sprintf("%s, and nothing else is known to stop it from writing; what it still writes is discarded "+
		"when it returns. Acknowledge that with %s in spec.acknowledgements, or fence it first",
		NotConnected(orUnknown(q.source), source), v1alpha1.AckSourceMayStillWrite)
}

func (q question) findSourceConnected() (bool, string) {
	if !q.Clusters[q.source].Connected {
		return false, NotConnected(orUnknown(q.source), q.Clusters[q.source]) +
			"; bring it back, or fail over if it does not come back"
	}
	return true, fmt.Sprintf("the agent of %s is connected", q.source)
}

func (q question) findSourceProtected() (bool, string) {
	if !Confirms(q.sourceGroup, v1alpha1.PrimaryState, q.Placement.Status.Epoch) {
		return false, fmt.Sprintf("%s has not confirmed that it is primary in epoch %d", orUnknown(q.source), q.Placement.Status.Epoch)
	}
	for _, conditionType := range []string{v1alpha1.ConditionDataProtected, v1alpha1.ConditionClusterDataProtected} {
		if condition := meta.FindStatusCondition(q.sourceGroup.Status.Conditions, conditionType); condition == nil {
			return false, fmt.Sprintf("%s has not reported %s yet; wait until Protected is True", q.source, conditionType)
		} else if !conditionTrue(q.sourceGroup, conditionType) {
			return false, fmt.Sprintf("%s is %s on %s: %s", conditionType, condition.Status, q.source, condition.Message)
		}
	}
	return true, fmt.Sprintf("volumes and objects of %s are protected", q.source)
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
