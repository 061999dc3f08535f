// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubectl

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// application is all that is shown of one DRPlacementControl.
type application struct {
	drpc    v1alpha1.DRPlacementControl
	groups  []v1alpha1.VolumeReplicationGroup
	volumes []v1alpha1.ProtectedVolume
}

// applications sorts what three lists hold by the DRPlacementControl it belongs to.
func applications(drpcs []v1alpha1.DRPlacementControl, groups []v1alpha1.VolumeReplicationGroup, volumes []v1alpha1.ProtectedVolume) []application {
	apps := make([]application, 0, len(drpcs))
	for _, drpc := range drpcs {
		app := application{drpc: drpc}
		for _, group := range groups {
			if group.Namespace == drpc.Namespace && group.Labels[v1alpha1.LabelDRPlacementControl] == drpc.Name {
				app.groups = append(app.groups, group)
			}
		}
		for _, volume := range volumes {
			if slices.ContainsFunc(app.groups, func(g v1alpha1.VolumeReplicationGroup) bool {
				return g.Namespace == volume.Namespace && g.Name == volume.Status.VolumeReplicationGroup
			}) {
				app.volumes = append(app.volumes, volume)
			}
		}
		apps = append(apps, app)
	}
	return apps
}

// node is a line of the tree and what hangs below it.
type node struct {
	line string
	// remarks stand below the line and above the children.
	remarks  []string
	children []node
}

func (n node) print(out io.Writer, lead, below string) {
	fmt.Fprintln(out, lead+n.line)
	bar := below
	if len(n.children) > 0 {
		bar += "│ "
	} else {
		bar += "  "
	}
	for _, remark := range n.remarks {
		fmt.Fprintln(out, bar+remark)
	}
	for i, child := range n.children {
		if i == len(n.children)-1 {
			child.print(out, below+"└─ ", below+"   ")
		} else {
			child.print(out, below+"├─ ", below+"│  ")
		}
	}
}

func (a application) tree(now time.Time) node {
	status := a.drpc.Status
	root := node{line: fmt.Sprintf("%s/%s  %s", a.drpc.Namespace, a.drpc.Name, a.summary()), remarks: badConditions(status.Conditions)}
	if len(root.remarks) == 0 && len(status.Conditions) > 0 {
		root.remarks = []string{markGood + " " + conditionTypes(status.Conditions)}
	}
	root.remarks = append(root.remarks, actionLines(now, status.CurrentAction)...)
	for _, cluster := range status.Clusters {
		root.children = append(root.children, a.clusterNode(now, cluster))
	}
	return root
}

func (a application) summary() string {
	status := a.drpc.Status
	words := []string{orDash(string(status.Phase))}
	if status.PrimaryCluster != "" {
		words = append(words, "on "+status.PrimaryCluster)
	}
	return fmt.Sprintf("%s  (policy %s, epoch %d)", strings.Join(words, " "), a.drpc.Spec.DRPolicyRef.Name, status.Epoch)
}

// badConditions are the conditions that are not True, with what they say; those that say the same share a line.
func badConditions(conditions []metav1.Condition) []string {
	var lines []string
	left := slices.DeleteFunc(slices.Clone(conditions), func(c metav1.Condition) bool { return c.Status == metav1.ConditionTrue })
	for len(left) > 0 {
		first := left[0]
		same := func(c metav1.Condition) bool {
			return c.Status == first.Status && c.Reason == first.Reason && c.Message == first.Message
		}
		var alike []metav1.Condition
		for _, condition := range left {
			if same(condition) {
				alike = append(alike, condition)
			}
		}
		left = slices.DeleteFunc(left, same)
		mark, unknown := markBad, ""
		if first.Status == metav1.ConditionUnknown {
			mark, unknown = markWarning, " unknown"
		}
		lines = append(lines, fmt.Sprintf("%s %s%s: %s: %s", mark, conditionTypes(alike), unknown, first.Reason, first.Message))
	}
	return lines
}

func conditionTypes(conditions []metav1.Condition) string {
	types := make([]string, 0, len(conditions))
	for _, condition := range conditions {
		types = append(types, condition.Type)
	}
	return strings.Join(types, ", ")
}

func actionLines(now time.Time, action *v1alpha1.ActionRecord) []string {
	if action == nil {
		return nil
	}
	what := fmt.Sprintf("%s %s: %s → %s", action.Spec.Type, action.Name, action.Spec.SourceCluster, action.Spec.TargetCluster)
	if len(action.Spec.LeaveBehind) > 0 {
		what += " without " + strings.Join(action.Spec.LeaveBehind, ", ")
	}
	if isComplete(action.Status) {
		line := fmt.Sprintf("last: %s, %s", what, result(action.Status))
		if action.Status.CompletionTime != nil {
			line += " at " + moment(now, action.Status.CompletionTime.Time)
		}
		return []string{line}
	}
	lines := []string{fmt.Sprintf("%s %s, %s", markRunning, what, result(action.Status))}
	for _, step := range action.Status.Steps {
		lines = append(lines, "  "+stepLine(now, step))
	}
	return lines
}

func (a application) clusterNode(now time.Time, cluster v1alpha1.ClusterView) node {
	words := []string{cluster.Name, orDash(string(cluster.State))}
	if cluster.Epoch != a.drpc.Status.Epoch {
		words = append(words, fmt.Sprintf("epoch %d", cluster.Epoch))
	}
	n := node{line: strings.Join(words, "  ")}
	if cluster.Freshness == v1alpha1.Stale {
		n.remarks = append(n.remarks, markWarning+" not connected: this is what it said "+observed(now, cluster.ObservedAt))
	}
	var said []metav1.Condition
	for _, group := range a.groups {
		if group.Spec.ClusterName == cluster.Name {
			volumes := a.volumesOf(group)
			said = append(said, groupConditions(group, volumes)...)
			for _, volume := range volumes {
				n.children = append(n.children, volumeNode(now, volume))
			}
		}
	}
	if cluster.Message != "" && !repeated(cluster.Message, said, a.volumes) {
		n.remarks = append(n.remarks, cluster.Message)
	}
	n.remarks = append(n.remarks, badConditions(said)...)
	return n
}

// repeated tells whether a cluster's message only says again what its conditions say.
func repeated(message string, group []metav1.Condition, volumes []v1alpha1.ProtectedVolume) bool {
	says := func(c metav1.Condition) bool { return c.Message != "" && strings.Contains(message, c.Message) }
	return slices.ContainsFunc(group, says) || slices.ContainsFunc(volumes, func(v v1alpha1.ProtectedVolume) bool {
		return slices.ContainsFunc(v.Status.PVC.Conditions, says)
	})
}

// groupConditions are the conditions of a group of which True is good news (Quiesced is neither good nor bad), without
// those that only sum up what its volumes say.
func groupConditions(group v1alpha1.VolumeReplicationGroup, volumes []v1alpha1.ProtectedVolumeStatus) []metav1.Condition {
	return slices.DeleteFunc(slices.Clone(group.Status.Conditions), func(c metav1.Condition) bool {
		return c.Type == v1alpha1.ConditionQuiesced || slices.ContainsFunc(volumes, func(v v1alpha1.ProtectedVolumeStatus) bool {
			own := meta.FindStatusCondition(v.PVC.Conditions, c.Type)
			return own != nil && own.Status != metav1.ConditionTrue
		})
	})
}

func (a application) volumesOf(group v1alpha1.VolumeReplicationGroup) []v1alpha1.ProtectedVolumeStatus {
	var volumes []v1alpha1.ProtectedVolumeStatus
	for _, volume := range a.volumes {
		if volume.Status.VolumeReplicationGroup == group.Name {
			volumes = append(volumes, volume.Status)
		}
	}
	return volumes
}

func volumeNode(now time.Time, volume v1alpha1.ProtectedVolumeStatus) node {
	n := node{line: volume.PVC.Name + "  " + syncState(now, volume), remarks: badConditions(volume.PVC.Conditions)}
	if said := superseded(volume.PVC); said != nil && said.Message != "" {
		n.remarks = append(n.remarks, markWarning+" "+said.Message)
	}
	return n
}

// superseded is what is said of a volume that the application, where it runs now, no longer has; nil of any other.
func superseded(pvc v1alpha1.ProtectedPVC) *metav1.Condition {
	ready := meta.FindStatusCondition(pvc.Conditions, v1alpha1.ConditionDataReady)
	if ready == nil || ready.Reason != v1alpha1.ReasonSuperseded {
		return nil
	}
	return ready
}

// syncState says how a volume is replicated, and how far its copy has come.
func syncState(now time.Time, volume v1alpha1.ProtectedVolumeStatus) string {
	pvc := volume.PVC
	words := method(pvc)
	switch {
	case superseded(pvc) != nil:
		return words + "superseded"
	case volume.State == v1alpha1.SecondaryState && pvc.ReplicationMethod != "":
		return words + "copy"
	case pvc.ReplicationMethod == v1alpha1.MethodShared:
		return strings.TrimSuffix(words, ", ")
	case pvc.ReplicationMethod == "" && pvc.LastSyncTime == nil:
		return "not replicated"
	case pvc.LastSyncTime == nil && meta.IsStatusConditionTrue(pvc.Conditions, v1alpha1.ConditionDataProtected):
		return words + "in sync"
	case pvc.LastSyncTime == nil:
		return words + "never synced"
	}
	words += "synced " + moment(now, pvc.LastSyncTime.Time) + transferred(pvc)
	if volume.Behind != nil {
		words += fmt.Sprintf(", %s behind", span(volume.Behind.Duration.Truncate(time.Second)))
	}
	return words
}

// method says how a volume is replicated and with whom, as far as its agent said; more is to follow.
func method(pvc v1alpha1.ProtectedPVC) string {
	if pvc.ReplicationMethod == "" {
		return ""
	}
	words := string(pvc.ReplicationMethod)
	if pvc.ConsistencyGroup != "" {
		words += " " + pvc.ConsistencyGroup
	}
	if pvc.Peer != "" {
		words += " with " + pvc.Peer
	}
	return words + ", "
}

// transferred says what the last sync of a volume cost, if that is known.
func transferred(pvc v1alpha1.ProtectedPVC) string {
	var words []string
	if pvc.LastSyncBytes != nil && *pvc.LastSyncBytes >= 0 {
		words = append(words, humanize.IBytes(uint64(*pvc.LastSyncBytes)))
	}
	if pvc.LastSyncDuration != nil {
		words = append(words, "in "+span(pvc.LastSyncDuration.Duration))
	}
	if len(words) == 0 {
		return ""
	}
	return " (" + strings.Join(words, " ") + ")"
}

func observed(now time.Time, then *metav1.Time) string {
	if then == nil {
		return "at an unknown time"
	}
	return age(now, then.Time)
}
