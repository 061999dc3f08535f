// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package fencing

import (
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

const (
	dr1, dr2 = builder.DR1, builder.DR2
	driver   = "csi.example.com"
)

var now = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)

// shared is a dr1 that was lost, and a dr2 that can fence it off; an application ran on dr1.
func shared() Facts {
	return Facts{
		Now:     now,
		Cluster: builder.DRCluster(dr1).Obj(),
		Clusters: map[string]action.ClusterFacts{
			dr1: {Exists: true, LastHeartbeat: now.Add(-time.Hour)},
			dr2: {Exists: true, Connected: true, LastHeartbeat: now},
		},
		Configs: map[string]*v1alpha1.DRClusterConfig{
			dr1: config(dr1, "10.0.1.0/24"),
			dr2: config(dr2, "10.0.2.0/24"),
		},
		Policies:   []v1alpha1.DRPolicy{*builder.DRPolicy(builder.PolicyName).Interval("").Obj()},
		Placements: []v1alpha1.DRPlacementControl{*placed(dr1, 1).Obj()},
		Groups:     []v1alpha1.VolumeReplicationGroup{*builder.VRG("shop", "shop", dr1).Primary(1, "").Reports(v1alpha1.PrimaryState).Obj()},
	}
}

func config(cluster string, cidrs ...string) *v1alpha1.DRClusterConfig {
	c := builder.DRClusterConfig(cluster).StorageClass("shared", driver, "array").Obj()
	c.Status.NetworkFenceClasses = []v1alpha1.ClassInfo{{Name: "fence", Provisioner: driver, StorageID: "array"}, {Name: "other", Provisioner: "other"}}
	c.Status.StorageAccessDetails = []v1alpha1.StorageAccessDetail{{StorageProvisioner: driver, CIDRs: cidrs}}
	return c
}

func placed(cluster string, epoch int64) *builder.DRPCBuilder {
	return builder.DRPC("shop", "shop").Running(cluster, epoch, v1alpha1.PhaseDeployed).
		Condition(v1alpha1.ConditionAvailable, metav1.ConditionTrue, "Ready")
}

func with(f Facts, change func(*Facts)) Facts {
	change(&f)
	return f
}

// fenced is shared's dr1 after it was fenced, and its application failed over.
func fenced() Facts {
	f := shared()
	Accept(f.Cluster, Preflight(f, fence()))
	Settle(f.Cluster, Outcome{Done: true}, metav1.NewMicroTime(now))
	f.Placements = []v1alpha1.DRPlacementControl{*placed(dr2, 2).Obj()}
	f.Groups = []v1alpha1.VolumeReplicationGroup{
		*builder.VRG("shop", "shop", dr1).Secondary(2, v1alpha1.VRGActionFailover).Reports(v1alpha1.SecondaryState).Obj(),
	}
	return f
}

func fence() Asked   { return Asked{State: v1alpha1.FenceStateFenced, RequestedBy: "ada"} }
func unfence() Asked { return Asked{State: v1alpha1.FenceStateUnfenced, RequestedBy: "ada"} }

func asking(a Asked, change func(*v1alpha1.ClusterFenceSpec)) Asked {
	change(&a.Spec)
	return a
}

func manual(s *v1alpha1.ClusterFenceSpec) { s.Manual = true }
func force(s *v1alpha1.ClusterFenceSpec)  { s.Force = true }

// under has an action of the application under way.
func under(f Facts, t v1alpha1.ActionType, source, target string) Facts {
	record := &v1alpha1.ActionRecord{Name: "moving", Spec: v1alpha1.DRActionSpec{Type: t, SourceCluster: source, TargetCluster: target}}
	f.Placements[0].Status.CurrentAction = record
	return f
}

func TestPreflightChecks(t *testing.T) {
	for name, test := range map[string]struct {
		facts      Facts
		asked      Asked
		failed     []string
		overridden []string
		says       string
	}{
		"a lost cluster is fenced": {facts: shared(), asked: fence()},
		"a cluster that no policy names can't be": {
			facts: with(shared(), func(f *Facts) { f.Policies = nil }), asked: fence(),
			failed: []string{"PeerAvailable"}, says: "no DRPolicy names dr1",
		},
		"nobody fences it whose agent is away": {
			facts:  with(shared(), func(f *Facts) { f.Clusters[dr2] = action.ClusterFacts{Exists: true} }),
			asked:  fence(),
			failed: []string{"PeerAvailable"}, says: "dr2 is not connected",
		},
		"nobody fences it who is fenced": {
			facts: with(shared(), func(f *Facts) {
				f.Clusters[dr2] = action.ClusterFacts{Exists: true, Connected: true, Fence: action.FenceFacts{Phase: v1alpha1.ClusterFencing}}
			}), asked: fence(),
			failed: []string{"PeerAvailable"}, says: "dr2 is Fencing itself",
		},
		"a person can vouch where nobody can fence": {
			facts: with(shared(), func(f *Facts) { f.Policies = nil }), asked: asking(fence(), manual),
		},
		"a class of other storage is of no use": {
			facts:  with(shared(), func(f *Facts) { f.Configs[dr2].Status.NetworkFenceClasses[0].StorageID = "another" }),
			asked:  fence(),
			failed: []string{"FenceClassKnown"}, says: "dr2 has no NetworkFenceClass",
		},
		"a class that says nothing of its storage is of use": {
			facts: with(shared(), func(f *Facts) { f.Configs[dr2].Status.NetworkFenceClasses[0].StorageID = "" }), asked: fence(),
		},
		"a fence that leaves storage open which a policy replicates is refused": {
			facts: with(shared(), func(f *Facts) {
				f.Configs[dr1].Status.StorageClasses = append(f.Configs[dr1].Status.StorageClasses,
					v1alpha1.ClassInfo{Name: "mirrored", Provisioner: driver, StorageID: "own"}, v1alpha1.ClassInfo{Name: "scratch", Provisioner: "none"})
				f.Policies[0].Status.Async = &v1alpha1.PeerClasses{PeerClasses: []v1alpha1.PeerClass{{StorageClassName: "mirrored"}}}
			}), asked: fence(),
			failed: []string{"FenceClassKnown"}, says: "reaching the storage of StorageClass mirrored,",
		},
		"addresses have to be known": {
			facts:  with(shared(), func(f *Facts) { f.Configs[dr1].Status.StorageAccessDetails = nil }),
			asked:  fence(),
			failed: []string{"CIDRsKnown"}, says: "set spec.cidrs",
		},
		"addresses that the administrator says are enough": {
			facts: with(shared(), func(f *Facts) {
				f.Configs[dr1].Status.StorageAccessDetails = nil
				f.Cluster.Spec.CIDRs = []string{"10.0.1.0/24"}
			}), asked: fence(),
		},
		"a fence with a gap is refused": {
			facts:  with(shared(), func(f *Facts) { f.Cluster.Spec.CIDRs = []string{"10.0.1.0/25"} }),
			asked:  fence(),
			failed: []string{"CIDRsKnown"}, says: "reached from 10.0.1.0/24 too",
		},
		"a fence that would take the peer with it is refused": {
			facts:  with(shared(), func(f *Facts) { f.Cluster.Spec.CIDRs = []string{"10.0.0.0/16"} }),
			asked:  fence(),
			failed: []string{"CIDRsKnown"}, says: "would be fenced off with dr1",
		},
		"an application that is alive is not fenced off without force": {
			facts:  with(shared(), func(f *Facts) { f.Clusters[dr1] = f.Clusters[dr2] }),
			asked:  fence(),
			failed: []string{"ApplicationsDown"}, says: "shop/shop",
		},
		"nor by somebody who vouches for a fence": {
			facts:  with(shared(), func(f *Facts) { f.Clusters[dr1] = f.Clusters[dr2] }),
			asked:  asking(fence(), manual),
			failed: []string{"ApplicationsDown"},
		},
		"force fences it off": {
			facts: with(shared(), func(f *Facts) { f.Clusters[dr1] = f.Clusters[dr2] }), asked: asking(fence(), force),
			overridden: []string{"ApplicationsDown"},
		},
		"the target of an action is not fenced off, whoever forces it": {
			facts: under(shared(), v1alpha1.ActionFailover, dr2, dr1), asked: asking(fence(), force),
			failed: []string{"NotActionTarget"}, says: "failover of shop/shop from dr2 to dr1 (moving)",
		},
		"nor a source that hands over": {
			facts: under(shared(), v1alpha1.ActionRelocate, dr1, dr2), asked: fence(),
			failed: []string{"NotActionTarget"},
		},
		"the source of a failover is": {facts: under(shared(), v1alpha1.ActionFailover, dr1, dr2), asked: fence()},

		"a cluster is let back once everything there has stopped": {facts: fenced(), asked: unfence()},
		"a cluster that was never fenced is not let back": {
			facts: shared(), asked: unfence(), failed: []string{"PeerAvailable"}, says: "never fenced",
		},
		"not while who fenced it is away": {
			facts: with(fenced(), func(f *Facts) { f.Clusters[dr2] = action.ClusterFacts{Exists: true} }), asked: unfence(),
			failed: []string{"PeerAvailable"}, says: "dr2 is not connected",
		},
		"not by a driver if it was fenced by hand": {
			facts: with(fenced(), func(f *Facts) { f.Cluster.Status.Fence.Peer = "" }), asked: unfence(),
			failed: []string{"PeerAvailable"}, says: "spec.manual",
		},
		"not while a failover relies on the fence": {
			facts: under(fenced(), v1alpha1.ActionFailover, dr1, dr2), asked: unfence(),
			failed: []string{"NoActionWaiting"},
		},
		"not while what runs elsewhere may run there too": {
			facts: with(fenced(), func(f *Facts) {
				f.Groups = []v1alpha1.VolumeReplicationGroup{*builder.VRG("shop", "shop", dr1).Primary(1, "").Reports(v1alpha1.PrimaryState).Obj()}
			}), asked: asking(asking(unfence(), manual), force),
			failed: []string{"ApplicationsStopped"}, says: "two writers",
		},
		"not if it stopped in an earlier epoch only": {
			facts: with(fenced(), func(f *Facts) { f.Placements[0].Status.Epoch = 3 }), asked: unfence(),
			failed: []string{"ApplicationsStopped"},
		},
		"a workload that has stopped is enough, whatever its volumes can do": {
			facts: with(fenced(), func(f *Facts) {
				f.Groups = []v1alpha1.VolumeReplicationGroup{*builder.VRG("shop", "shop", dr1).Secondary(2, v1alpha1.VRGActionFailover).
					Reports(v1alpha1.UnknownState).Condition(v1alpha1.ConditionQuiesced, metav1.ConditionTrue, "Stopped", "").Obj()}
			}), asked: unfence(),
		},
		"what is to run there may run": {
			facts: with(fenced(), func(f *Facts) {
				f.Placements = []v1alpha1.DRPlacementControl{*placed(dr1, 1).Obj()}
				f.Groups = []v1alpha1.VolumeReplicationGroup{*builder.VRG("shop", "shop", dr1).Primary(1, "").Reports(v1alpha1.UnknownState).Obj()}
			}), asked: unfence(),
		},
	} {
		t.Run(name, func(t *testing.T) {
			answer := Preflight(test.facts, test.asked)
			var failed, overridden []string
			var messages string
			for _, check := range answer.Checks {
				switch check.Result {
				case v1alpha1.CheckFailed:
					failed, messages = append(failed, check.Name), messages+check.Message
				case v1alpha1.CheckOverridden:
					overridden = append(overridden, check.Name)
				}
			}
			if !slices.Equal(failed, test.failed) || !slices.Equal(overridden, test.overridden) || !strings.Contains(messages, test.says) {
				t.Errorf("failed %v, overridden %v, saying %q; want %v, %v and %q", failed, overridden, messages, test.failed, test.overridden, test.says)
			}
			refusal := Refusal(dr1, test.asked.State, answer.Checks)
			if (refusal != nil) != (len(test.failed) > 0) {
				t.Errorf("the refusal is %v", refusal)
			}
		})
	}
}

func TestFenceFromRequestToClean(t *testing.T) {
	f := shared()
	Accept(f.Cluster, Preflight(f, fence()))
	expect(t, f.Cluster, v1alpha1.ClusterFencing, metav1.ConditionFalse, metav1.ConditionFalse)
	if order := OrderOf(f.Cluster.Status.Fence, dr1); order == nil || order.Number != 1 || !slices.Equal(order.NetworkFenceClasses, []string{"fence"}) || !slices.Equal(order.CIDRs, []string{"10.0.1.0/24"}) {
		t.Fatalf("the order is %+v", order)
	}
	peer := f.Configs[dr2]
	peer.Status.Fences = []v1alpha1.FenceReport{{ClusterName: dr1, Number: 0, State: v1alpha1.FenceStateFenced, Done: true}}
	if outcome := OutcomeOf(f.Cluster.Status.Fence, dr1, peer); outcome.Done {
		t.Error("a report on an earlier request counts")
	}
	peer.Status.Fences[0].Number = 1
	Settle(f.Cluster, OutcomeOf(f.Cluster.Status.Fence, dr1, peer), metav1.NewMicroTime(now))
	expect(t, f.Cluster, v1alpha1.ClusterFenced, metav1.ConditionTrue, metav1.ConditionFalse)

	f = with(fenced(), func(fenced *Facts) { fenced.Cluster = f.Cluster })
	Accept(f.Cluster, Preflight(f, unfence()))
	expect(t, f.Cluster, v1alpha1.ClusterUnfencing, metav1.ConditionFalse, metav1.ConditionFalse)
	if action.FenceOf(f.Cluster).Fenced || !action.FenceOf(f.Cluster).MayBeFenced() {
		t.Error("a cluster that is being let back counts as fenced, or as one to move to")
	}
	Settle(f.Cluster, Outcome{Done: true}, metav1.NewMicroTime(now))
	expect(t, f.Cluster, v1alpha1.ClusterAvailable, metav1.ConditionFalse, metav1.ConditionTrue)
	if order := OrderOf(f.Cluster.Status.Fence, dr1); order != nil {
		t.Errorf("the peer is still told %+v", order)
	}
}

func TestFenceByHandIsVouchedForAtOnce(t *testing.T) {
	f := shared()
	f.Policies = nil
	Accept(f.Cluster, Preflight(f, asking(fence(), manual)))
	expect(t, f.Cluster, v1alpha1.ClusterFenced, metav1.ConditionTrue, metav1.ConditionFalse)
	f.Groups = nil
	Accept(f.Cluster, Preflight(f, asking(unfence(), manual)))
	expect(t, f.Cluster, v1alpha1.ClusterAvailable, metav1.ConditionFalse, metav1.ConditionTrue)
}

func TestWhoVouchesForAFenceLeavesTheDriversToThePeer(t *testing.T) {
	f := shared()
	Accept(f.Cluster, Preflight(f, fence()))
	Accept(f.Cluster, Preflight(f, asking(fence(), manual)))
	expect(t, f.Cluster, v1alpha1.ClusterFenced, metav1.ConditionTrue, metav1.ConditionFalse)
	if order := OrderOf(f.Cluster.Status.Fence, dr1); order == nil || order.Number != 2 || order.State != v1alpha1.FenceStateFenced {
		t.Errorf("the peer is told %+v", order)
	}
}

func expect(t *testing.T, cluster *v1alpha1.DRCluster, phase v1alpha1.DRClusterPhase, fenced, clean metav1.ConditionStatus) {
	t.Helper()
	if cluster.Status.Phase != phase {
		t.Errorf("the phase is %s, want %s", cluster.Status.Phase, phase)
	}
	for conditionType, want := range map[string]metav1.ConditionStatus{v1alpha1.ConditionFenced: fenced, v1alpha1.ConditionClean: clean} {
		condition := meta.FindStatusCondition(cluster.Status.Conditions, conditionType)
		if condition == nil || condition.Status != want || !strings.Contains(condition.Message, "as ada asked at 2026-03-01T03:00:00Z") {
			t.Errorf("%s is %+v, want %s and who asked", conditionType, condition, want)
		}
	}
}

func TestCIDRsValidated(t *testing.T) {
	for name, test := range map[string]struct {
		configured, reported []string
		status               metav1.ConditionStatus
		reason, says         string
	}{
		"nothing is configured": {reported: []string{"10.0.1.0/24"}},
		"nothing is reported":   {configured: []string{"10.0.1.0/24"}},
		"both say the same": {
			configured: []string{"10.0.1.0/24"}, reported: []string{"10.0.1.0/24"}, status: metav1.ConditionTrue, reason: ReasonCIDRsAgree,
		},
		"a range has what is reported in it": {
			configured: []string{"10.0.1.0/24"}, reported: []string{"10.0.1.7/32"}, status: metav1.ConditionTrue, reason: ReasonCIDRsUndetected, says: "10.0.1.0/24",
		},
		"something reported is missing": {
			configured: []string{"10.0.1.0/24"}, reported: []string{"10.0.1.0/24", "10.0.3.7/32"}, status: metav1.ConditionFalse, reason: ReasonCIDRsUnconfigured, says: "10.0.3.7/32",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := shared()
			f.Cluster.Spec.CIDRs, f.Configs[dr1] = test.configured, config(dr1, test.reported...)
			got := CIDRsValidated(f)
			if (got == nil) != (test.status == "") {
				t.Fatalf("got %+v", got)
			}
			if got != nil && (got.Status != test.status || got.Reason != test.reason || !strings.Contains(got.Message, test.says)) {
				t.Errorf("got %+v, want %s %s naming %s", got, test.status, test.reason, test.says)
			}
		})
	}
}

func TestOrderOfALaterRequestStays(t *testing.T) {
	later := []v1alpha1.FenceOrder{{ClusterName: dr1, Number: 3, State: v1alpha1.FenceStateFenced}}
	done := metav1.NewMicroTime(now)
	for _, request := range []v1alpha1.FenceRequest{
		{Number: 2, State: v1alpha1.FenceStateUnfenced, Peer: dr2},
		{Number: 2, State: v1alpha1.FenceStateUnfenced, Peer: dr2, CompletionTime: &done},
	} {
		if orders, changed := WithOrder(later, dr1, &request); changed {
			t.Errorf("%+v made it %+v", request, orders)
		}
	}
}
