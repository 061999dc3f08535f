// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package action

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// maxLeftBehind is how many claims a failover goes on without at most, as its field says.
const maxLeftBehind = 100

var leaveBehindKnownCheck = check{CheckLeaveBehindKnown, "", question.findLeaveBehindKnown}

// findLeaveBehindKnown refuses names that no report has. Where nobody has reported any, nothing is known of any name.
func (q question) findLeaveBehindKnown() (bool, string) {
	known := q.claims()
	unknown := further(q.LeaveBehind, known)
	switch {
	case len(q.LeaveBehind) > maxLeftBehind:
		return false, fmt.Sprintf("%d PersistentVolumeClaims would be left behind; a failover goes on without %d at most", len(q.LeaveBehind), maxLeftBehind)
	case len(known) == 0:
		return true, "which PersistentVolumeClaims the application has is not known; those named are left behind if it has them"
	case len(unknown) > 0:
		return false, fmt.Sprintf("the application has no %s; it has %s", namedClaims(unknown), listed(known))
	}
	return true, fmt.Sprintf("the application goes on without %s, and what is in there is lost to it", namedClaims(q.LeaveBehind))
}

// claims are those that any cluster has reported of the application, by name.
func (q question) claims() []string {
	var names []string
	for _, group := range q.Groups {
		for i := range group.Status.ProtectedPVCs {
			names = append(names, group.Status.ProtectedPVCs[i].Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// without is a group as it would be if the application did not have the claims that are left behind: what they say of
// themselves is not there, nor in what the group says of all.
func (q question) without(group *v1alpha1.VolumeReplicationGroup) *v1alpha1.VolumeReplicationGroup {
	left := func(row v1alpha1.ProtectedPVC) bool { return slices.Contains(q.LeaveBehind, row.Name) }
	if group == nil || !slices.ContainsFunc(group.Status.ProtectedPVCs, left) {
		return group
	}
	group = group.DeepCopy()
	status := &group.Status
	status.ProtectedPVCs = slices.DeleteFunc(status.ProtectedPVCs, left)
	status.LastGroupSyncTime = syncedAll(status)
	if protected := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionDataProtected); protected != nil && protected.Status != metav1.ConditionTrue {
		protected.Status, protected.Message = protectedAll(status.ProtectedPVCs)
	}
	return group
}

// syncedAll is the point in time up to which every volume in a primary's status that is replicated was synced, nil if one never
// was. Where no such volume is left, what is recovered is what was captured last.
func syncedAll(status *v1alpha1.VolumeReplicationGroupStatus) *metav1.Time {
	var oldest *metav1.Time
	for i := range status.ProtectedPVCs {
		row := &status.ProtectedPVCs[i]
		switch {
		case row.ReplicationMethod == "":
		case row.LastSyncTime == nil:
			return nil
		case oldest == nil || row.LastSyncTime.Before(oldest):
			oldest = row.LastSyncTime
		}
	}
	if oldest == nil && status.LastCapture != nil {
		return status.LastCapture.Time.DeepCopy()
	}
	return oldest
}

// protectedAll tells whether every one of the volumes is protected, and what those say that are not.
func protectedAll(rows []v1alpha1.ProtectedPVC) (metav1.ConditionStatus, string) {
	var wrong []string
	all := metav1.ConditionTrue
	for i := range rows {
		if c := meta.FindStatusCondition(rows[i].Conditions, v1alpha1.ConditionDataProtected); c == nil {
			all = metav1.ConditionFalse
		} else if c.Status != metav1.ConditionTrue {
			all, wrong = metav1.ConditionFalse, append(wrong, c.Message)
		}
	}
	return all, strings.Join(wrong, "; ")
}

// leftBehind says for a plan what is left behind; empty if nothing is.
func (q question) leftBehind() string {
	if len(q.LeaveBehind) == 0 {
		return ""
	}
	are := "is"
	if len(q.LeaveBehind) > 1 {
		are = "are"
	}
	return fmt.Sprintf(" %s %s left behind.", namedClaims(q.LeaveBehind), are)
}

// furtherLeftBehind are the claims that a repeated request has a failover under way go on without besides, up to its end.
func (q question) furtherLeftBehind() []string {
	if !q.upgradable() {
		return nil
	}
	return further(q.LeaveBehind, q.current.Spec.LeaveBehind)
}

// leaveFurtherBehind adds claims to those that the action under way goes on without, and says so in its plan.
func (q question) leaveFurtherBehind(record *v1alpha1.ActionRecord, further []string) {
	record.Spec.LeaveBehind = append(record.Spec.LeaveBehind, further...)
	q.LeaveBehind = record.Spec.LeaveBehind
	checked := q.run(leaveBehindKnownCheck)
	if i := slices.IndexFunc(record.Status.Checks, func(c v1alpha1.PreflightCheck) bool { return c.Name == checked.Name }); i >= 0 {
		record.Status.Checks[i] = checked
	} else {
		record.Status.Checks = append(record.Status.Checks, checked)
	}
	if step := Step(record, v1alpha1.StepPromote); step != nil {
		step.Description = q.promotion()
	}
}

// namedClaims are claims by their names, one or several.
func namedClaims(names []string) string {
	if len(names) == 1 {
		return "PersistentVolumeClaim " + names[0]
	}
	return "PersistentVolumeClaims " + listed(names)
}

// listed are names, the first of them if they are many.
func listed(names []string) string {
	const most = 10
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// orLeaveBehind says of those of a group's volumes, if they are not all, that stand against a failover that it could go on without
// them.
func (q question) orLeaveBehind(group *v1alpha1.VolumeReplicationGroup, stands func(*v1alpha1.ProtectedPVC) bool) string {
	if q.Type != v1alpha1.ActionFailover || group == nil {
		return ""
	}
	rows := group.Status.ProtectedPVCs
	var names []string
	for i := range rows {
		if stands(&rows[i]) {
			names = append(names, rows[i].Name)
		}
	}
	if len(names) == 0 || len(names) == len(rows) {
		return ""
	}
	return fmt.Sprintf(", or go on without %s, by naming them in spec.leaveBehind", listed(names))
}

// neverCopied tells of a primary's volume that is replicated whether no copy of it is known to be anywhere else.
func neverCopied(row *v1alpha1.ProtectedPVC) bool {
	return row.ReplicationMethod != "" && row.LastSyncTime == nil && notProtected(row)
}

func notProtected(row *v1alpha1.ProtectedPVC) bool {
	return !meta.IsStatusConditionTrue(row.Conditions, v1alpha1.ConditionDataProtected)
}
