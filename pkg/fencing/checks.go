// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package fencing

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

const overriddenByForce = "force"

// check is one thing to look at. find says what was found and, if it stands against the request, what to do.
type check struct {
	name         string
	overriddenBy string
	find         func(question) (bool, string)
}

// fenceChecks and unfenceChecks are what a request is judged by; byDriver those that matter if it is to be carried out.
var (
	byDriver = []check{
		{v1alpha1.CheckPeerAvailable, "", question.findPeerAvailable},
		{v1alpha1.CheckFenceClassKnown, "", question.findFenceClassKnown},
		{v1alpha1.CheckCIDRsKnown, "", question.findCIDRsKnown},
	}
	fenceChecks = []check{
		{v1alpha1.CheckNotActionTarget, "", question.findNotActionTarget},
		{v1alpha1.CheckApplicationsDown, overriddenByForce, question.findApplicationsDown},
	}
	unfenceChecks = []check{
		{v1alpha1.CheckPeerAvailable, "", question.findWhoFenced},
		{v1alpha1.CheckNoActionWaiting, "", question.findNoActionWaiting},
		{v1alpha1.CheckApplicationsStopped, "", question.findApplicationsStopped},
	}
)

// question is a request together with the facts it is judged by.
type question struct {
	Facts
	Asked
	// peer is the cluster that is to carry the request out; empty if there is none, and why says why.
	peer, why string
}

func (q question) checks() []v1alpha1.PreflightCheck {
	var checks []check
	switch {
	case q.State == v1alpha1.FenceStateUnfenced:
		checks = unfenceChecks
	case q.Spec.Manual:
		checks = fenceChecks
	case q.peer == "":
		checks = append(byDriver[:1:1], fenceChecks...)
	default:
		checks = append(slices.Clone(byDriver), fenceChecks...)
	}
	results := make([]v1alpha1.PreflightCheck, 0, len(checks))
	for _, c := range checks {
		results = append(results, q.run(c))
	}
	return results
}

func (q question) run(c check) v1alpha1.PreflightCheck {
	ok, message := c.find(q)
	result := v1alpha1.PreflightCheck{Name: c.name, Result: v1alpha1.CheckPassed, Message: message, OverriddenBy: c.overriddenBy}
	switch {
	case ok:
	case c.overriddenBy == overriddenByForce && q.Spec.Force:
		result.Result = v1alpha1.CheckOverridden
	default:
		result.Result = v1alpha1.CheckFailed
	}
	return result
}

// choosePeer picks who carries a fence out: who has a fence of the cluster already, or else the first that can.
func (q *question) choosePeer() {
	candidates := q.peers()
	if q.leftovers() {
		candidates = []string{q.request().Peer}
	}
	if len(candidates) == 0 {
		q.why = fmt.Sprintf("no DRPolicy names %s together with another cluster that could fence it off; create one", q.Cluster.Name)
		return
	}
	var whyNot []string
	for _, name := range candidates {
		switch why := q.unable(name); {
		case why != "":
			whyNot = append(whyNot, why)
		case q.peer == "" || len(q.classes(q.peer)) == 0 && len(q.classes(name)) > 0:
			q.peer = name
		}
	}
	q.why = strings.Join(whyNot, "; ") + "; bring it back"
}

// unable says why a cluster can't carry a fence out; empty if it can.
func (q *question) unable(name string) string {
	switch known := q.Clusters[name]; {
	case !known.Connected:
		return action.NotConnected(name, known)
	case known.Fence.MayBeFenced() && q.State == v1alpha1.FenceStateFenced:
		return fmt.Sprintf("%s is %s itself", name, known.Fence.Phase)
	default:
		return ""
	}
}

func (q question) findPeerAvailable() (bool, string) {
	if q.peer == "" {
		return false, q.why + ", or fence the cluster by other means and vouch for that with spec.manual"
	}
	return true, fmt.Sprintf("%s carries it out", q.peer)
}

func (q question) findFenceClassKnown() (bool, string) {
	classes := q.classes(q.peer)
	if len(classes) == 0 {
		return false, fmt.Sprintf("%s has no NetworkFenceClass of a driver, and storage, that %s uses; make one there, or fence the "+
			"cluster by other means and vouch for that with spec.manual", q.peer, q.Cluster.Name)
	}
	if open := q.uncovered(q.peer); len(open) > 0 {
		return false, fmt.Sprintf("%s would go on reaching the storage of StorageClass %s, which no NetworkFenceClass of %s is of; make one "+
			"there, or fence the cluster by other means and vouch for that with spec.manual", q.Cluster.Name, list(open), q.peer)
	}
	return true, fmt.Sprintf("%s has NetworkFenceClass %s", q.peer, strings.Join(classes, ", "))
}

func (q question) findCIDRsKnown() (bool, string) {
	name, cidrs := q.Cluster.Name, q.cidrs()
	if len(cidrs) == 0 {
		return false, fmt.Sprintf("it is not known from which addresses %s reaches its storage, and its drivers report none; set "+
			"spec.cidrs of the DRCluster", name)
	}
	if gaps := outside(q.reported(name), cidrs); len(gaps) > 0 {
		return false, fmt.Sprintf("storage is reached from %s too; add that to spec.cidrs of DRCluster %s", strings.Join(gaps, ", "), name)
	}
	if shared := overlapping(cidrs, q.reported(q.peer)); len(shared) > 0 {
		return false, fmt.Sprintf("%s, which would carry it out, reaches its storage from %s as well and would be fenced off with %s; "+
			"correct spec.cidrs of the DRCluster", q.peer, strings.Join(shared, ", "), name)
	}
	return true, fmt.Sprintf("%s is fenced off at %s", name, strings.Join(cidrs, ", "))
}

func (q question) findNotActionTarget() (bool, string) {
	name := q.Cluster.Name
	for i := range q.Placements {
		p := &q.Placements[i]
		if !action.Running(p) {
			continue
		}
		spec := p.Status.CurrentAction.Spec
		if spec.TargetCluster == name || spec.SourceCluster == name && spec.Type == v1alpha1.ActionRelocate {
			return false, fmt.Sprintf("%s of %s/%s from %s to %s (%s) is under way and needs its storage; wait until it has ended, or abort it",
				strings.ToLower(string(spec.Type)), p.Namespace, p.Name, spec.SourceCluster, spec.TargetCluster, p.Status.CurrentAction.Name)
		}
	}
	return true, fmt.Sprintf("no action needs the storage of %s", name)
}

func (q question) findApplicationsDown() (bool, string) {
	name := q.Cluster.Name
	if known := q.Clusters[name]; !known.Connected {
		return true, action.NotConnected(name, known)
	}
	var alive []string
	for i := range q.Placements {
		p := &q.Placements[i]
		if p.Status.PrimaryCluster == name && meta.IsStatusConditionTrue(p.Status.Conditions, v1alpha1.ConditionAvailable) {
			alive = append(alive, p.Namespace+"/"+p.Name)
		}
	}
	if len(alive) > 0 {
		return false, fmt.Sprintf("%s is connected, and what is available there would lose its storage: %s; move it away first, or set spec.force",
			name, list(alive))
	}
	return true, fmt.Sprintf("no application is available on %s", name)
}

// findWhoFenced is whether there is somebody to take the fence off.
func (q question) findWhoFenced() (bool, string) {
	request := q.request()
	switch {
	case request == nil:
		return false, fmt.Sprintf("%s was never fenced", q.Cluster.Name)
	case q.Spec.Manual:
		return true, fmt.Sprintf("%s vouches for it", orSomebody(q.RequestedBy))
	case !q.leftovers():
		return false, fmt.Sprintf("%s was fenced by other means than a driver; let it back by the same, and vouch for that with spec.manual", q.Cluster.Name)
	case !q.Clusters[request.Peer].Connected:
		return false, action.NotConnected(request.Peer, q.Clusters[request.Peer]) +
			"; it fenced the cluster off and has to let it back: bring its agent back"
	}
	return true, fmt.Sprintf("%s carries it out", request.Peer)
}

func (q question) findNoActionWaiting() (bool, string) {
	name := q.Cluster.Name
	for i := range q.Placements {
		p := &q.Placements[i]
		if action.Running(p) && p.Status.CurrentAction.Spec.Type == v1alpha1.ActionFailover && p.Status.CurrentAction.Spec.SourceCluster == name {
			return false, fmt.Sprintf("failover of %s/%s away from it (%s) is under way; wait until it has ended, or abort it",
				p.Namespace, p.Name, p.Status.CurrentAction.Name)
		}
	}
	return true, fmt.Sprintf("no failover away from %s is under way", name)
}

func (q question) findApplicationsStopped() (bool, string) {
	name := q.Cluster.Name
	var running []string
	for i := range q.Groups {
		group := &q.Groups[i]
		if group.Spec.ClusterName != name || q.mayRun(group) {
			continue
		}
		running = append(running, group.Namespace+"/"+group.Name)
	}
	if len(running) > 0 {
		return false, fmt.Sprintf("%s has not confirmed that it stopped what runs elsewhere now, by VolumeReplicationGroup %s; wait "+
			"until its agent has, or there would be two writers", name, list(running))
	}
	return true, fmt.Sprintf("nothing on %s writes to what runs elsewhere", name)
}

// mayRun tells whether an application can do no harm on the cluster: it is to run there, or is confirmed to have stopped.
func (q question) mayRun(group *v1alpha1.VolumeReplicationGroup) bool {
	epoch, primary := group.Spec.Epoch, ""
	if group.Spec.ReplicationState == v1alpha1.Primary {
		primary = group.Spec.ClusterName
	}
	for i := range q.Placements {
		p := &q.Placements[i]
		if p.Namespace == group.Namespace && p.Name == group.Labels[v1alpha1.LabelDRPlacementControl] {
			epoch, primary = p.Status.Epoch, p.Status.PrimaryCluster
		}
	}
	return primary == group.Spec.ClusterName || action.Stopped(group, epoch)
}

const maxListed = 5

// list names some things, and how many more there are.
func list(names []string) string {
	slices.Sort(names)
	if len(names) > maxListed {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxListed], ", "), len(names)-maxListed)
	}
	return strings.Join(names, ", ")
}

func orSomebody(user string) string {
	if user == "" {
		return "somebody"
	}
	return user
}
