// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

func TestFirstPlacement(t *testing.T) {
	f := unplaced()
	d := Decide(f)
	if !d.AddFinalizer || d.Status.Epoch != 1 || d.Status.PrimaryCluster != dr1 || d.Status.Phase != v1alpha1.PhaseDeploying {
		t.Errorf("got finalizer %v, %+v", d.AddFinalizer, d.Status)
	}
	checkCommands(t, "create", d.Create, []string{commandOf(vrg(dr1).Primary(1, "")), commandOf(vrg(dr2).Secondary(1, ""))})
	wanted := vrg(dr1).Primary(1, "").Obj()
	wanted.Generation = 0
	got := d.Create[0]
	if got.Name != "shop.dr1" || got.Namespace != "shop" || len(got.Finalizers) != 1 || got.Finalizers[0] != v1alpha1.AgentFinalizer ||
		got.Labels[v1alpha1.LabelDRPlacementControl] != "shop" || got.Labels[v1alpha1.LabelCluster] != dr1 {
		t.Errorf("got metadata %+v", got.ObjectMeta)
	}
	if !equality.Semantic.DeepEqual(got.Spec, wanted.Spec) {
		t.Errorf("got spec %+v, want %+v", got.Spec, wanted.Spec)
	}
}

func TestFirstPlacementGoesOnWhereItStopped(t *testing.T) {
	f := unplaced()
	d := Decide(f)
	d.Create = d.Create[:1]
	again := Decide(carriedOut(f, d))
	checkCommands(t, "create", again.Create, []string{commandOf(vrg(dr2).Secondary(1, ""))})
	if len(again.Update) > 0 {
		t.Errorf("update %v", commands(again.Update))
	}
}

func TestFirstPlacementEnds(t *testing.T) {
	f := carriedOut(unplaced(), Decide(unplaced()))
	f.Groups[dr1] = vrg(dr1).Primary(1, "").Reports(unknown).Obj()
	d := Decide(f)
	if d.Status.Phase != v1alpha1.PhaseDeploying {
		t.Errorf("phase is %s before the primary confirms", d.Status.Phase)
	}
	f.Groups[dr1] = vrg(dr1).Primary(1, "").Reports(primary).Healthy(saved).NeverSaved().
		Condition(v1alpha1.ConditionDataProtected, metav1.ConditionFalse, "Syncing", "first sync of pvc data").Obj()
	f.Groups[dr2] = vrg(dr2).Secondary(1, "").Reports(secondary).Obj()
	d = Decide(f)
	if d.Status.Phase != v1alpha1.PhaseDeployed {
		t.Errorf("phase is %s", d.Status.Phase)
	}
	checkCondition(t, d, v1alpha1.ConditionAvailable, metav1.ConditionTrue, "Ready", "dr1")
	checkCondition(t, d, v1alpha1.ConditionPeerReady, metav1.ConditionTrue, "Ready", "dr2")
	checkCondition(t, d, v1alpha1.ConditionProtected, metav1.ConditionFalse, "Syncing", "first sync of pvc data")
	f.Groups[dr1] = vrg(dr1).Primary(1, "").Reports(primary).Healthy(saved).Obj()
	d = Decide(carriedOut(f, d))
	checkCondition(t, d, v1alpha1.ConditionProtected, metav1.ConditionTrue, "Protected")
	if d.Status.LastGroupSyncTime == nil || !d.Status.LastGroupSyncTime.Time.Equal(saved) || d.Status.LastKubeObjectProtectionTime == nil {
		t.Errorf("saved at %v and %v", d.Status.LastGroupSyncTime, d.Status.LastKubeObjectProtectionTime)
	}
}

func TestWhatStandsAgainstTheFirstPlacement(t *testing.T) {
	for name, test := range map[string]struct {
		spoil  func(*Facts)
		reason string
		says   string
	}{
		"the policy is missing": {func(f *Facts) { f.Policy = nil }, "PolicyNotFound", "DRPolicy dr-policy does not exist; create it"},
		"the policy was not looked at yet": {
			func(f *Facts) { f.Policy = builder.DRPolicy(builder.PolicyName).New().Obj() }, "PolicyNotValidated", "not been validated yet",
		},
		"the policy is not valid": {
			func(f *Facts) {
				f.Policy = builder.DRPolicy(builder.PolicyName).Validated(metav1.ConditionFalse, "bucket missing").Obj()
			}, "PolicyNotValidated", "bucket missing",
		},
		"the preferred cluster is not the policy's": {
			func(f *Facts) { f.Placement.Spec.PreferredCluster = "dr9" }, "ClusterNotInPolicy", "spec.preferredCluster dr9",
		},
		"the failover cluster is not the policy's": {
			func(f *Facts) { f.Placement.Spec.FailoverCluster = "dr9" }, "ClusterNotInPolicy", "spec.failoverCluster dr9",
		},
		"a cluster is missing":       {func(f *Facts) { delete(f.Clusters, dr2) }, "ClusterGone", "DRCluster dr2"},
		"a cluster is being deleted": {func(f *Facts) { f.Clusters[dr2] = givenUp(live(dr2)) }, "ClusterGone", "DRCluster dr2"},
		"a group of that name was made by hand": {
			func(f *Facts) { f.Groups[dr2] = vrg(dr2).Unlabelled().Primary(0, "").Obj() }, "NameTaken", "VolumeReplicationGroup shop.dr2",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := unplaced()
			test.spoil(&f)
			d := Decide(f)
			if len(d.Create)+len(d.Update) > 0 || d.Status.Epoch != 0 || d.AddFinalizer {
				t.Errorf("something was created: %+v", d)
			}
			if d.Status.Phase != v1alpha1.PhaseWaitForUser {
				t.Errorf("phase is %s", d.Status.Phase)
			}
			for _, conditionType := range []string{v1alpha1.ConditionAvailable, v1alpha1.ConditionPeerReady, v1alpha1.ConditionProtected} {
				checkCondition(t, d, conditionType, metav1.ConditionFalse, test.reason, test.says)
			}
			checkStable(t, f, d)
			f = carriedOut(f, d)
			repaired := unplaced()
			repaired.Placement.Status = f.Placement.Status
			if d := Decide(repaired); len(d.Create) != 2 {
				t.Error("it is not placed once nothing stands against it")
			}
		})
	}
}

func TestGroupsFollowTheirSources(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(*Facts)
		updated int
		check   func(v1alpha1.VolumeReplicationGroupSpec) bool
	}{
		"kube object protection": {
			func(f *Facts) {
				f.Placement.Spec.KubeObjectProtection = &v1alpha1.KubeObjectProtection{CaptureInterval: &metav1.Duration{Duration: time.Hour}}
			}, 2,
			func(s v1alpha1.VolumeReplicationGroupSpec) bool {
				return s.KubeObjectProtection.CaptureInterval.Duration == time.Hour
			},
		},
		"peer classes": {
			func(f *Facts) { f.Policy.Status.Async.PeerClasses = nil }, 2,
			func(s v1alpha1.VolumeReplicationGroupSpec) bool { return len(s.Async.PeerClasses) == 0 },
		},
		"the object store of a cluster that was given up": {
			func(f *Facts) { f.Clusters[dr2] = givenUp(live(dr2)) }, 2,
			func(s v1alpha1.VolumeReplicationGroupSpec) bool {
				return len(s.S3Profiles) == 1 && s.S3Profiles[0] == "s3-dr1"
			},
		},
		"a policy that is not valid at the moment leaves classes as they are": {
			func(f *Facts) {
				f.Policy = builder.DRPolicy(builder.PolicyName).Validated(metav1.ConditionFalse, "").Obj()
				f.Policy.Status.Async = nil
			}, 0, nil,
		},
		"a missing policy leaves everything as it is": {func(f *Facts) { f.Policy = nil }, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := deployed()
			test.change(&f)
			d := Decide(f)
			if len(d.Update) != test.updated {
				t.Fatalf("%d groups were updated", len(d.Update))
			}
			for _, group := range d.Update {
				if !test.check(group.Spec) {
					t.Errorf("got %+v", group.Spec)
				}
			}
			checkStable(t, f, d)
		})
	}
}

func TestSynchronousPoliciesMakeNoAsyncGroups(t *testing.T) {
	f := unplaced()
	f.Policy = builder.DRPolicy(builder.PolicyName).Interval("").Obj()
	for _, group := range Decide(f).Create {
		if group.Spec.Async != nil {
			t.Errorf("got %+v", group.Spec.Async)
		}
	}
}

func TestAGroupThatWasDeletedByHandIsCreatedAgain(t *testing.T) {
	f := deployed()
	f.Groups[dr1] = vrg(dr1).Primary(1, "").Reports(primary).Healthy(saved).Deleting(now).Obj()
	if d := Decide(f); len(d.Create)+len(d.Update)+len(d.Release) > 0 {
		t.Error("a group that is going was touched")
	}
	delete(f.Groups, dr1)
	d := Decide(f)
	checkCommands(t, "create", d.Create, []string{commandOf(vrg(dr1).Primary(1, ""))})
}

func givenUp(c Cluster) Cluster {
	c.Deleting = true
	return c
}
