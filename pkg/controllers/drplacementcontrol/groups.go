// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// GroupName is the name of a placement's VolumeReplicationGroup for a cluster.
func GroupName(placement, cluster string) string { return placement + "." + cluster }

// command is the part of a group's spec that moves the primary role.
type command struct {
	role   v1alpha1.ReplicationState
	action v1alpha1.VRGAction
	epoch  int64
	token  *v1alpha1.HandoverToken
	// leaveBehind are the claims that a failover goes on without.
	leaveBehind []string
}

// commandGroups makes every cluster's group say what the status implies. The primary's comes first, for somebody may be
// waiting for it.
func (d *decider) commandGroups() {
	clusters := d.clusters()
	slices.SortStableFunc(clusters, func(a, b string) int {
		return d.rank(a) - d.rank(b)
	})
	for _, cluster := range clusters {
		d.commandGroup(cluster, d.command(cluster))
	}
}

func (d *decider) rank(cluster string) int {
	if cluster == d.status.PrimaryCluster {
		return 0
	}
	return 1
}

func (d *decider) commandGroup(cluster string, c command) {
	existing := d.facts.Groups[cluster]
	switch {
	case existing == nil:
		if d.facts.Policy != nil && d.facts.Clusters[cluster].usable() {
			d.out.Create = append(d.out.Create, d.newGroup(cluster, c))
		}
	case d.foreign(existing), existing.DeletionTimestamp != nil:
	case c.epoch < max(existing.Spec.Epoch, existing.Status.Epoch):
		// An agent is never driven backwards.
		d.update(existing, existing.Spec)
	default:
		d.update(existing, d.groupSpec(cluster, c))
	}
}

// update gives a group another spec, and in this run's name. That alone is a reason to where a report is needed.
func (d *decider) update(existing *v1alpha1.VolumeReplicationGroup, spec v1alpha1.VolumeReplicationGroupSpec) {
	asked := d.heir() != "" && existing.Spec.Session != d.facts.Session
	if !asked && equality.Semantic.DeepEqual(spec, existing.Spec) {
		return
	}
	updated := existing.DeepCopy()
	updated.Spec = spec
	updated.Spec.Session = d.facts.Session
	d.out.Update = append(d.out.Update, updated)
}

// command is what a cluster shall do, as the status has it.
func (d *decider) command(cluster string) command {
	record, epoch := d.record(), d.status.Epoch
	role := v1alpha1.Secondary
	if cluster == d.status.PrimaryCluster {
		role = v1alpha1.Primary
	}
	existing := d.facts.Groups[cluster]
	switch {
	case existing != nil && d.unanswered() != "" && (cluster == d.heir() || d.aborting()):
		return asItIs(existing)
	case d.aborting():
		return d.takenBack(role, existing, epoch)
	case record != nil && record.Spec.Epoch == epoch && record.Status.Abort == nil:
		return d.acting(cluster, role, *record)
	case existing != nil && existing.Spec.Epoch == epoch && existing.Spec.ReplicationState == role:
		return asItIs(existing)
	case epoch == 1:
		return command{role: role, epoch: epoch}
	default:
		// Adopted: the agents have been here, the hub only says so again.
		c := command{role: role, action: v1alpha1.VRGActionFailover, epoch: epoch}
		if role == v1alpha1.Secondary {
			c.leaveBehind = leftBefore(existing)
		}
		return c
	}
}

// aborting tells whether the current epoch is that of an abort, and the source's.
func (d *decider) aborting() bool {
	record := d.record()
	return record != nil && record.Status.Abort != nil && record.Status.Abort.Epoch == d.status.Epoch &&
		record.Spec.SourceCluster == d.status.PrimaryCluster
}

func asItIs(group *v1alpha1.VolumeReplicationGroup) command {
	spec := group.Spec
	return command{spec.ReplicationState, spec.Action, spec.Epoch, spec.HandoverToken, spec.LeaveBehind}
}

// takenBack is what a cluster shall do after an abort: the source is primary again, the target secondary as it was. One
// that was primary before, or may have become primary, goes on resyncing from the primary; it must not hand over anew.
func (d *decider) takenBack(role v1alpha1.ReplicationState, existing *v1alpha1.VolumeReplicationGroup, epoch int64) command {
	c := command{role: role, epoch: epoch}
	switch {
	case role == v1alpha1.Primary:
		c.action = v1alpha1.VRGActionAbort
	case existing != nil && (existing.Spec.Action != "" || !d.answered(existing.Spec.ClusterName)):
		c.action, c.leaveBehind = v1alpha1.VRGActionFailover, leftBefore(existing)
	}
	return c
}

// leftBefore are the claims that a failover went on without of which a former primary may have what nobody else has: that it keeps
// for as long as it is secondary, in whichever epoch.
func leftBefore(group *v1alpha1.VolumeReplicationGroup) []string {
	if group == nil || group.Spec.ReplicationState != v1alpha1.Secondary || group.Spec.Action != v1alpha1.VRGActionFailover {
		return nil
	}
	return slices.Clone(group.Spec.LeaveBehind)
}

// acting is what a cluster shall do for the action of the current epoch, under way or ended. Before the point of no
// return the source becomes secondary and the target is left as it is.
func (d *decider) acting(cluster string, role v1alpha1.ReplicationState, record v1alpha1.ActionRecord) command {
	vrgAction := v1alpha1.VRGActionFailover
	if record.Spec.Type == v1alpha1.ActionRelocate {
		vrgAction = v1alpha1.VRGActionRelocate
	}
	passed := action.PastPointOfNoReturn(&record)
	existing, left := d.facts.Groups[cluster], slices.Clone(record.Spec.LeaveBehind)
	if cluster == record.Spec.SourceCluster || passed && role == v1alpha1.Secondary {
		return command{role: v1alpha1.Secondary, action: vrgAction, epoch: record.Spec.Epoch, leaveBehind: left}
	}
	if !passed {
		if existing == nil {
			return command{role: v1alpha1.Secondary, epoch: record.Spec.Epoch}
		}
		return asItIs(existing)
	}
	c := command{role: role, action: vrgAction, epoch: record.Spec.Epoch, leaveBehind: left}
	if record.Spec.Type == v1alpha1.ActionRelocate {
		c.token = d.token(existing, record.Spec)
	}
	return c
}

// token is the handover token the target already has, or else the one the source issued.
func (d *decider) token(target *v1alpha1.VolumeReplicationGroup, spec v1alpha1.DRActionSpec) *v1alpha1.HandoverToken {
	if target != nil && target.Spec.HandoverToken != nil && target.Spec.HandoverToken.Epoch == spec.Epoch {
		return target.Spec.HandoverToken
	}
	return tokenFor(d.facts.Groups[spec.SourceCluster], spec).DeepCopy()
}

func (d *decider) newGroup(cluster string, c command) *v1alpha1.VolumeReplicationGroup {
	placement := d.facts.Placement
	return &v1alpha1.VolumeReplicationGroup{
		ObjectMeta: metav1.ObjectMeta{
			Name:      GroupName(placement.Name, cluster),
			Namespace: placement.Namespace,
			Labels: map[string]string{
				v1alpha1.LabelDRPlacementControl: placement.Name,
				v1alpha1.LabelCluster:            cluster,
			},
			Finalizers: []string{v1alpha1.AgentFinalizer},
		},
		Spec: d.groupSpec(cluster, c),
	}
}

// groupSpec is the whole spec of a group: the command, and what follows from placement, policy and clusters. What the
// hub no longer knows stays as it is.
func (d *decider) groupSpec(cluster string, c command) v1alpha1.VolumeReplicationGroupSpec {
	spec := v1alpha1.VolumeReplicationGroupSpec{Session: d.facts.Session}
	if existing := d.facts.Groups[cluster]; existing != nil {
		spec = *existing.Spec.DeepCopy()
	}
	placement := d.facts.Placement.Spec.DeepCopy()
	spec.ClusterName = cluster
	spec.PVCSelector = placement.PVCSelector
	spec.KubeObjectProtection = placement.KubeObjectProtection
	spec.ReplicationState, spec.Action, spec.Epoch, spec.HandoverToken = c.role, c.action, c.epoch, c.token
	spec.LeaveBehind, spec.Superseded = c.leaveBehind, d.superseded(cluster, c)
	spec.VolSync = d.volSync(cluster, c)
	if profiles := d.profiles(cluster); len(profiles) > 0 {
		spec.S3Profiles = profiles
	}
	if policy := d.facts.Policy; policy != nil && meta.IsStatusConditionTrue(policy.Status.Conditions, v1alpha1.ConditionValidated) {
		d.replicate(&spec, policy.DeepCopy())
	}
	return spec
}

// profiles are the object stores a cluster's group captures to: its own cluster's first, then its peer's. That of a
// cluster that was given up is dropped, or protection would wait for it for ever.
func (d *decider) profiles(cluster string) []string {
	var profiles []string
	for _, name := range append([]string{cluster}, d.clusters()...) {
		known := d.facts.Clusters[name]
		if known.usable() && known.S3Profile != "" && !slices.Contains(profiles, known.S3Profile) {
			profiles = append(profiles, known.S3Profile)
		}
	}
	return profiles
}

// clusters are the clusters of the policy and any other that has a group of ours, in a stable order.
func (d *decider) clusters() []string {
	var clusters []string
	if d.facts.Policy != nil {
		clusters = append(clusters, d.facts.Policy.Spec.DRClusters...)
	}
	for _, cluster := range slices.Sorted(maps.Keys(d.ownGroups())) {
		if !slices.Contains(clusters, cluster) {
			clusters = append(clusters, cluster)
		}
	}
	return clusters
}

// peer is the cluster that is to take the application over; empty if there is none.
func (d *decider) peer() string {
	for _, cluster := range d.clusters() {
		if cluster != d.status.PrimaryCluster {
			return cluster
		}
	}
	return ""
}

// foreign tells whether a group has one of our names but was not made by us.
func (d *decider) foreign(group *v1alpha1.VolumeReplicationGroup) bool {
	return group.Labels[v1alpha1.LabelDRPlacementControl] != d.facts.Placement.Name
}

func (d *decider) ownGroups() map[string]*v1alpha1.VolumeReplicationGroup {
	own := map[string]*v1alpha1.VolumeReplicationGroup{}
	for cluster, group := range d.facts.Groups {
		if !d.foreign(group) {
			own[cluster] = group
		}
	}
	return own
}

// releaseGivenUp takes the finalizer off groups that are being deleted and whose agent is gone for good.
func (d *decider) releaseGivenUp() {
	for _, cluster := range slices.Sorted(maps.Keys(d.ownGroups())) {
		d.release(cluster)
	}
}

// release takes the agent's finalizer off a group that is being deleted if its cluster was given up.
func (d *decider) release(cluster string) {
	group := d.facts.Groups[cluster]
	if group.DeletionTimestamp == nil || d.facts.Clusters[cluster].usable() ||
		!slices.Contains(group.Finalizers, v1alpha1.AgentFinalizer) {
		return
	}
	released := group.DeepCopy()
	released.Finalizers = slices.DeleteFunc(released.Finalizers, func(f string) bool { return f == v1alpha1.AgentFinalizer })
	d.out.Release = append(d.out.Release, released)
}

func isTrue(group *v1alpha1.VolumeReplicationGroup, conditionType string) bool {
	return meta.IsStatusConditionTrue(group.Status.Conditions, conditionType)
}

// problem is the first thing a group reports to be wrong or not done.
func problem(group *v1alpha1.VolumeReplicationGroup) string {
	types := []string{v1alpha1.ConditionDataReady, v1alpha1.ConditionDataProtected}
	if group.Spec.ReplicationState == v1alpha1.Primary {
		types = []string{
			v1alpha1.ConditionClusterDataReady, v1alpha1.ConditionDataReady, v1alpha1.ConditionKubeObjectsReady,
			v1alpha1.ConditionDataProtected, v1alpha1.ConditionClusterDataProtected,
		}
	}
	for _, conditionType := range types {
		condition := meta.FindStatusCondition(group.Status.Conditions, conditionType)
		if condition != nil && condition.Status != metav1.ConditionTrue && condition.Message != "" {
			return fmt.Sprintf("%s: %s", conditionType, condition.Message)
		}
	}
	return ""
}
