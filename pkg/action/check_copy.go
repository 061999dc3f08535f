// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package action

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// protectedCheck can be forced where what was known of the copies is forgotten with who was primary.
func (q question) protectedCheck() check {
	c := check{CheckProtected, "", question.findProtected}
	if q.personDecides() {
		c.overriddenBy = overriddenByForce
	}
	return c
}

func (q question) findProtected() (bool, string) {
	captured := q.sourceCaptured() || q.handover() != nil || q.wayBack() || q.targetCapture() != nil
	switch {
	case !q.synced() && q.personDecides():
		return false, "how far volumes were synced is not known since the hub was restored from an older state; set spec.force to go " +
			"on with what " + orUnknown(q.target) + " holds"
	case !q.synced():
		return false, "not every volume was ever synced, so there is no copy to recover from; wait until Protected is True" +
			q.orLeaveBehind(q.sourceGroup, neverCopied)
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
	claims := q.unprotected()
	what, them := "PersistentVolumeClaim", "it"
	if len(claims) > 1 {
		what, them = "PersistentVolumeClaims", "them"
	}
	return false, fmt.Sprintf("nothing replicates %s %s, which will not be on %s; condition DataProtected of VolumeReplicationGroup %s says why; set "+
		"spec.force to fail over without %s, or name %[5]s in spec.leaveBehind", what, strings.Join(claims, ", "), q.target, q.sourceGroup.Name, them)
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

func (q question) findCopyFresh() (bool, string) {
	if q.Policy == nil {
		return false, "how old the copy may be is not known without the DRPolicy; create it again, or set spec.force"
	}
	interval, err := schedulingInterval(q.Policy)
	switch {
	case err != nil:
		return false, err.Error()
	case interval == 0:
		return true, "volumes are replicated synchronously"
	case q.syncPoint == nil:
		return false, "not every volume was ever synced; wait until Protected is True"
	}
	age := q.Now.Sub(q.syncPoint.Time).Round(time.Second)
	found := fmt.Sprintf("the copy is %s old, of %s", age, q.syncPoint.UTC().Format(time.RFC3339))
	if age > 2*interval {
		return false, fmt.Sprintf("%s, which is more than twice the interval of %s; set spec.force to accept that loss",
			found, q.Policy.Spec.SchedulingInterval)
	}
	return true, found
}
