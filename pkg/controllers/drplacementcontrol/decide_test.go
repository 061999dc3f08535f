// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

const (
	dr1, dr2 = builder.DR1, builder.DR2

	primary, secondary = v1alpha1.PrimaryState, v1alpha1.SecondaryState
	unknown            = v1alpha1.UnknownState
)

var (
	now   = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	saved = now.Add(-time.Minute)
)

func vrg(cluster string) *builder.VRGBuilder { return builder.VRG("shop", "shop", cluster) }

func live(cluster string) Cluster {
	return Cluster{
		ClusterFacts: action.ClusterFacts{Exists: true, Connected: true, LastHeartbeat: now, LeaseExpires: now.Add(40 * time.Second)},
		S3Profile:    "s3-" + cluster,
	}
}

func lost(cluster string) Cluster {
	c := live(cluster)
	c.Connected, c.LastHeartbeat, c.LeaseExpires = false, now.Add(-time.Hour), now.Add(-59*time.Minute)
	return c
}

// unplaced is a new placement whose policy and clusters are fine.
func unplaced() Facts {
	return Facts{
		Now:       now,
		Placement: builder.DRPC("shop", "shop").Obj(),
		Policy:    builder.DRPolicy(builder.PolicyName).Obj(),
		Clusters:  map[string]Cluster{dr1: live(dr1), dr2: live(dr2)},
		Groups:    map[string]*v1alpha1.VolumeReplicationGroup{},
	}
}

// deployed is an application that runs on dr1 since its first placement, with all that status says about it.
func deployed() Facts {
	f := unplaced()
	f.Placement = builder.DRPC("shop", "shop").Finalizer(Finalizer).Running(dr1, 1, v1alpha1.PhaseDeployed).Saved(saved).Obj()
	f.Groups[dr1] = vrg(dr1).Primary(1, "").Reports(primary).Healthy(saved).Obj()
	f.Groups[dr2] = vrg(dr2).Secondary(1, "").Reports(secondary).Healthy(saved).Obj()
	f.Placement.Status = Decide(f).Status
	return f
}

// accepted is a deployed application for which a request was accepted.
func accepted(f Facts, r action.Request) Facts {
	clusters := map[string]action.ClusterFacts{}
	for name, cluster := range f.Clusters {
		clusters[name] = cluster.ClusterFacts
	}
	action.Accept(f.Placement, action.Preflight(action.Facts{
		Now: f.Now, Placement: f.Placement, Policy: f.Policy, Clusters: clusters, Groups: f.Groups,
	}, r))
	return f
}

var (
	forced       = action.Request{Type: v1alpha1.ActionFailover, TargetCluster: dr2, Force: true}
	acknowledged = action.Request{
		Type: v1alpha1.ActionFailover, TargetCluster: dr2, Force: true,
		Acknowledgements: []v1alpha1.Acknowledgement{v1alpha1.AckSourceMayStillWrite},
	}
	relocate = action.Request{Type: v1alpha1.ActionRelocate, TargetCluster: dr2}
)

// command is the command of a builder's group.
func commandOf(b *builder.VRGBuilder) string { return describe(b.Obj().Spec) }

func describe(spec v1alpha1.VolumeReplicationGroupSpec) string {
	token := ""
	if spec.HandoverToken != nil {
		token = fmt.Sprintf(" token %s@%d", spec.HandoverToken.SourceCluster, spec.HandoverToken.Epoch)
	}
	return fmt.Sprintf("%s %s/%s@%d%s", spec.ClusterName, spec.ReplicationState, spec.Action, spec.Epoch, token)
}

func commands(groups []*v1alpha1.VolumeReplicationGroup) []string {
	var all []string
	for _, group := range groups {
		all = append(all, describe(group.Spec))
	}
	return all
}

func checkCommands(t *testing.T, what string, got []*v1alpha1.VolumeReplicationGroup, want []string) {
	t.Helper()
	if !slices.Equal(commands(got), want) {
		t.Errorf("%s: got %v, want %v", what, commands(got), want)
	}
}

func checkCondition(t *testing.T, d Decision, conditionType string, status metav1.ConditionStatus, reason string, says ...string) {
	t.Helper()
	c := meta.FindStatusCondition(d.Status.Conditions, conditionType)
	if c == nil || c.Status != status || c.Reason != reason {
		t.Errorf("%s is %+v, want %s because of %s", conditionType, c, status, reason)
		return
	}
	for _, part := range says {
		if !strings.Contains(c.Message, part) {
			t.Errorf("%s says %q, want %q in it", conditionType, c.Message, part)
		}
	}
}

func steps(d Decision) string {
	var all []string
	for _, step := range d.Status.CurrentAction.Status.Steps {
		all = append(all, string(step.State))
	}
	return strings.Join(all, " ")
}

func result(d Decision) string {
	if c := meta.FindStatusCondition(d.Status.CurrentAction.Status.Conditions, v1alpha1.ConditionComplete); c != nil {
		return c.Reason
	}
	return ""
}

// carriedOut is what the facts are once the decision was carried out and no agent has reacted.
func carriedOut(f Facts, d Decision) Facts {
	next := f
	next.Placement = f.Placement.DeepCopy()
	next.Placement.Status = *d.Status.DeepCopy()
	if d.AddFinalizer {
		next.Placement.Finalizers = append(next.Placement.Finalizers, Finalizer)
	}
	next.Groups = map[string]*v1alpha1.VolumeReplicationGroup{}
	for cluster, group := range f.Groups {
		next.Groups[cluster] = group
	}
	for _, group := range slices.Concat(d.Create, d.Update) {
		written := group.DeepCopy()
		written.Generation++
		next.Groups[written.Spec.ClusterName] = written
	}
	return next
}

// checkStable checks that carrying the decision out twice is carrying it out once.
func checkStable(t *testing.T, f Facts, d Decision) {
	t.Helper()
	again := Decide(carriedOut(f, d))
	if again.AddFinalizer || again.StatusChanged || len(again.Create)+len(again.Update) > 0 {
		t.Errorf("the same facts once the decision was carried out still ask for something: status changed %v from\n%+v\nto\n%+v, create %v, update %v",
			again.StatusChanged, d.Status, again.Status, commands(again.Create), commands(again.Update))
	}
}

func TestDecideIsAFunction(t *testing.T) {
	for name, f := range map[string]Facts{
		"unplaced": unplaced(), "deployed": deployed(), "failing over": accepted(deployed(), forced), "relocating": accepted(deployed(), relocate),
	} {
		before := f.Placement.DeepCopy()
		if first, second := Decide(f), Decide(f); !equality.Semantic.DeepEqual(first, second) {
			t.Errorf("%s: two decisions on the same facts differ", name)
		}
		if !equality.Semantic.DeepEqual(before, f.Placement) {
			t.Errorf("%s: the facts were changed", name)
		}
	}
}

func TestNothingIsWrittenWhileAllIsWell(t *testing.T) {
	f := deployed()
	f.Now = now.Add(time.Hour)
	d := Decide(f)
	if d.StatusChanged || d.AddFinalizer || len(d.Create)+len(d.Update)+len(d.Delete)+len(d.Release) > 0 || d.RequeueAfter != 0 {
		t.Errorf("got %+v", d)
	}
}

func TestFreshnessIsNeverStored(t *testing.T) {
	f := deployed()
	f.Placement.Status.Clusters[0].Freshness = v1alpha1.Fresh
	if d := Decide(f); d.StatusChanged || d.Status.Clusters[0].Freshness != "" {
		t.Error("what is computed when read made a difference")
	}
}
