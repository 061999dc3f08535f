// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
)

// expect compares what was refused: each error as "field: part of the message".
func expect(t *testing.T, errs field.ErrorList, wanted []string) {
	t.Helper()
	if len(errs) != len(wanted) {
		t.Errorf("refused %v, wanted %q", errs, wanted)
		return
	}
	for i, err := range errs {
		path, message, _ := strings.Cut(wanted[i], ": ")
		if err.Field != path || !strings.Contains(err.Error(), message) {
			t.Errorf("refused %v, wanted %q", err, wanted[i])
		}
	}
}

func placement(changes ...func(*dr.DRPlacementControl)) *dr.DRPlacementControl {
	p := &dr.DRPlacementControl{
		ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "shop"},
		Spec: dr.DRPlacementControlSpec{
			DRPolicyRef: dr.DRPolicyReference{Name: "dr-policy"}, PreferredCluster: "dr1", FailoverCluster: "dr2",
			PVCSelector: metav1.LabelSelector{MatchLabels: map[string]string{"app": "shop"}},
		},
	}
	for _, change := range changes {
		change(p)
	}
	return p
}

func TestDRPlacementControl(t *testing.T) {
	tests := map[string]struct {
		change  func(*dr.DRPlacementControl)
		refused []string
	}{
		"as the seed has it": {func(p *dr.DRPlacementControl) {
			p.Spec.ReplicationState, p.Spec.DRPolicyRef.Namespace = dr.Primary, "ramen-system"
		}, nil},
		"without a failover cluster": {func(p *dr.DRPlacementControl) { p.Spec.FailoverCluster = "" }, nil},
		"without anything": {
			func(p *dr.DRPlacementControl) { p.Spec = dr.DRPlacementControlSpec{} },
			[]string{"spec.drPolicyRef.name: kubectl get drpolicies", "spec.preferredCluster: kubectl get drclusters"},
		},
		"with a name too long for a label": {
			func(p *dr.DRPlacementControl) { p.Name = strings.Repeat("x", 64) },
			[]string{"metadata.name: 64 characters"},
		},
		"with both clusters the same": {
			func(p *dr.DRPlacementControl) { p.Spec.FailoverCluster = "dr1" },
			[]string{"spec.failoverCluster: is the preferredCluster too"},
		},
		"with a cluster that can't be one": {
			func(p *dr.DRPlacementControl) { p.Spec.PreferredCluster = "dr1.example" },
			[]string{"spec.preferredCluster: is no name of a DRCluster"},
		},
		"with a policy that can't be one": {
			func(p *dr.DRPlacementControl) { p.Spec.DRPolicyRef.Name = "My Policy" },
			[]string{"spec.drPolicyRef.name: is no name of a DRPolicy"},
		},
		"with a selector that selects nothing": {
			func(p *dr.DRPlacementControl) {
				p.Spec.PVCSelector.MatchExpressions = []metav1.LabelSelectorRequirement{{Key: "app", Operator: "Like"}}
			},
			[]string{"spec.pvcSelector.matchExpressions[0].operator: not a valid selector operator"},
		},
		"with captures too often": {
			func(p *dr.DRPlacementControl) {
				p.Spec.KubeObjectProtection = &dr.KubeObjectProtection{CaptureInterval: &metav1.Duration{Duration: 9 * time.Second}}
			},
			[]string{"spec.kubeObjectProtection.captureInterval: write 10s or more"},
		},
		"with a role": {
			func(p *dr.DRPlacementControl) { p.Spec.ReplicationState = dr.Secondary },
			[]string{"spec.replicationState: leave it out"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { expect(t, ValidateDRPlacementControl(placement(test.change)), test.refused) })
	}
}

func TestDRPlacementControlUpdate(t *testing.T) {
	tests := map[string]struct {
		change  func(*dr.DRPlacementControl)
		refused []string
	}{
		"to other clusters":           {func(p *dr.DRPlacementControl) { p.Spec.PreferredCluster, p.Spec.FailoverCluster = "dr2", "dr1" }, nil},
		"to another policy namespace": {func(p *dr.DRPlacementControl) { p.Spec.DRPolicyRef.Namespace = "any" }, nil},
		"to another policy": {
			func(p *dr.DRPlacementControl) { p.Spec.DRPolicyRef.Name = "other" }, []string{"spec.drPolicyRef.name: create it anew"},
		},
		"to other volumes": {
			func(p *dr.DRPlacementControl) { p.Spec.PVCSelector = metav1.LabelSelector{} }, []string{"spec.pvcSelector: create it anew"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			expect(t, ValidateDRPlacementControlUpdate(placement(test.change), placement()), test.refused)
		})
	}
}

func TestDRPlacementControlWarnings(t *testing.T) {
	if warnings := DRPlacementControlWarnings(placement()); len(warnings) != 0 {
		t.Errorf("warned of %q", warnings)
	}
	odd := placement(func(p *dr.DRPlacementControl) {
		p.Spec.PVCSelector, p.Spec.DRPolicyRef.Namespace, p.Spec.ReplicationState = metav1.LabelSelector{}, "ramen-system", dr.Primary
	})
	if warnings := DRPlacementControlWarnings(odd); len(warnings) != 3 {
		t.Errorf("warned of %q", warnings)
	}
}

func group(changes ...func(*dr.VolumeReplicationGroup)) *dr.VolumeReplicationGroup {
	g := &dr.VolumeReplicationGroup{
		ObjectMeta: metav1.ObjectMeta{Name: "shop.dr1", Namespace: "shop"},
		Spec: dr.VolumeReplicationGroupSpec{
			ClusterName: "dr1", ReplicationState: dr.Primary, Epoch: 5, S3Profiles: []string{"s3"},
			Async: &dr.VRGAsyncSpec{SchedulingInterval: "5m"},
		},
	}
	for _, change := range changes {
		change(g)
	}
	return g
}

func TestVolumeReplicationGroup(t *testing.T) {
	tests := map[string]struct {
		change  func(*dr.VolumeReplicationGroup)
		refused []string
	}{
		"complete": {func(g *dr.VolumeReplicationGroup) { g.Spec.Action = dr.VRGActionRelocate }, nil},
		"without anything": {
			func(g *dr.VolumeReplicationGroup) { g.Spec = dr.VolumeReplicationGroupSpec{} },
			[]string{"spec.clusterName: name a DRCluster", "spec.replicationState: \"primary\", \"secondary\"", "spec.s3Profiles: name at least one"},
		},
		"with an unknown role": {
			func(g *dr.VolumeReplicationGroup) { g.Spec.ReplicationState = "Primary" }, []string{"spec.replicationState: supported values"},
		},
		"with an unknown action": {
			func(g *dr.VolumeReplicationGroup) { g.Spec.Action = "Move" }, []string{"spec.action: \"Failover\", \"Relocate\", \"Abort\""},
		},
		"with an epoch below the first": {
			func(g *dr.VolumeReplicationGroup) { g.Spec.Epoch = -1 }, []string{"spec.epoch: counted from 0"},
		},
		"with a profile twice": {
			func(g *dr.VolumeReplicationGroup) { g.Spec.S3Profiles = []string{"s3", "", "s3"} },
			[]string{"spec.s3Profiles[1]: name an s3ProfileName", "spec.s3Profiles[2]: Duplicate"},
		},
		"replicated at no interval": {
			func(g *dr.VolumeReplicationGroup) { g.Spec.Async.SchedulingInterval = "" }, []string{"spec.async.schedulingInterval: such as 5m"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { expect(t, ValidateVolumeReplicationGroup(group(test.change)), test.refused) })
	}
}

func TestVolumeReplicationGroupUpdate(t *testing.T) {
	tests := map[string]struct {
		change  func(*dr.VolumeReplicationGroup)
		refused []string
	}{
		"to the next epoch":  {func(g *dr.VolumeReplicationGroup) { g.Spec.Epoch, g.Spec.ReplicationState = 6, dr.Secondary }, nil},
		"to a former epoch":  {func(g *dr.VolumeReplicationGroup) { g.Spec.Epoch = 4 }, []string{"spec.epoch: never decreases"}},
		"to another cluster": {func(g *dr.VolumeReplicationGroup) { g.Spec.ClusterName = "dr2" }, []string{"spec.clusterName: of its own"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			expect(t, ValidateVolumeReplicationGroupUpdate(group(test.change), group()), test.refused)
		})
	}
}

func TestDRPolicy(t *testing.T) {
	tests := map[string]struct {
		spec    dr.DRPolicySpec
		refused []string
	}{
		"asynchronous": {dr.DRPolicySpec{DRClusters: []string{"dr1", "dr2"}, SchedulingInterval: "90m"}, nil},
		"synchronous":  {dr.DRPolicySpec{DRClusters: []string{"dr1", "dr2"}}, nil},
		"without clusters": {
			dr.DRPolicySpec{SchedulingInterval: "1h"}, []string{"spec.drClusters: names 0 clusters; a policy is between exactly 2"},
		},
		"between three": {
			dr.DRPolicySpec{DRClusters: []string{"a", "b", "c"}}, []string{"spec.drClusters: names 3 clusters"},
		},
		"between one and itself": {
			dr.DRPolicySpec{DRClusters: []string{"dr1", "dr1"}}, []string{"spec.drClusters[1]: Duplicate value: \"dr1\""},
		},
		"between one and nobody": {
			dr.DRPolicySpec{DRClusters: []string{"dr1", ""}}, []string{"spec.drClusters[1]: name a DRCluster"},
		},
		"in seconds": {
			dr.DRPolicySpec{DRClusters: []string{"a", "b"}, SchedulingInterval: "30s"}, []string{"spec.schedulingInterval: m, h or d"},
		},
		"in hours and minutes": {
			dr.DRPolicySpec{DRClusters: []string{"a", "b"}, SchedulingInterval: "1h30m"}, []string{"spec.schedulingInterval: m, h or d"},
		},
		"all the time": {
			dr.DRPolicySpec{DRClusters: []string{"a", "b"}, SchedulingInterval: "00m"}, []string{"spec.schedulingInterval: at least 1m"},
		},
		"with a selector that can't be read": {
			dr.DRPolicySpec{DRClusters: []string{"a", "b"}, ReplicationClassSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"a b": "c"}}},
			[]string{"spec.replicationClassSelector.matchLabels: a b"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			expect(t, ValidateDRPolicy(&dr.DRPolicy{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Spec: test.spec}), test.refused)
		})
	}
}

func TestDRPolicyIsImmutable(t *testing.T) {
	before := &dr.DRPolicy{Spec: dr.DRPolicySpec{DRClusters: []string{"a", "b"}, SchedulingInterval: "5m"}}
	after := &dr.DRPolicy{Spec: dr.DRPolicySpec{
		DRClusters: []string{"b", "a"}, SchedulingInterval: "6m",
		ReplicationClassSelector: &metav1.LabelSelector{}, VolumeSnapshotClassSelector: &metav1.LabelSelector{},
	}}
	expect(t, ValidateDRPolicyUpdate(before, before), nil)
	expect(t, ValidateDRPolicyUpdate(after, before), []string{
		"spec.drClusters: create another DRPolicy", "spec.schedulingInterval: create another DRPolicy",
		"spec.replicationClassSelector: create another DRPolicy", "spec.volumeSnapshotClassSelector: create another DRPolicy",
	})
}

func TestDRCluster(t *testing.T) {
	cluster := func(name, profile, region string) *dr.DRCluster {
		return &dr.DRCluster{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: dr.DRClusterSpec{S3ProfileName: profile, Region: region}}
	}
	expect(t, ValidateDRCluster(cluster("dr1", "s3", "")), nil)
	expect(t, ValidateDRCluster(cluster("dr1.example.org", "", "")), []string{
		"metadata.name: must not contain dots", "spec.s3ProfileName: name an s3ProfileName",
	})
	expect(t, ValidateDRClusterUpdate(cluster("dr1", "s3", "east"), cluster("dr1", "s3", "east")), nil)
	expect(t, ValidateDRClusterUpdate(cluster("dr1", "s3-2", "west"), cluster("dr1", "s3", "east")), []string{
		"spec.s3ProfileName: captures would not be found again", "spec.region: create it anew",
	})
}

func TestDRClusterConfig(t *testing.T) {
	config := func(name, id string) *dr.DRClusterConfig {
		return &dr.DRClusterConfig{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: dr.DRClusterConfigSpec{ClusterID: id}}
	}
	expect(t, ValidateDRClusterConfig(config("dr1", "x")), nil)
	expect(t, ValidateDRClusterConfig(config("a.b", "")), []string{"metadata.name: must not contain dots", "spec.clusterID: kube-system"})
	expect(t, ValidateDRClusterConfigUpdate(config("dr1", "y"), config("dr1", "x")), []string{"spec.clusterID: is another one now"})
}

func TestDRActionRequest(t *testing.T) {
	tests := map[string]struct {
		action  dr.DRAction
		verb    dr.ActionType
		refused []string
	}{
		"empty":           {dr.DRAction{}, dr.ActionFailover, nil},
		"what is implied": {dr.DRAction{Spec: dr.DRActionSpec{Type: dr.ActionFailover, DRPlacementControl: "shop"}}, dr.ActionFailover, nil},
		"an abort of any": {dr.DRAction{Spec: dr.DRActionSpec{Type: dr.ActionRelocate}}, "", nil},
		"everything wrong": {
			dr.DRAction{ObjectMeta: metav1.ObjectMeta{Name: "A B"}, Spec: dr.DRActionSpec{
				Type: dr.ActionRelocate, DRPlacementControl: "bank", TargetCluster: "a.b", Reason: strings.Repeat("x", 1025),
				Acknowledgements: []dr.Acknowledgement{dr.AckSourceMayStillWrite, "Whatever"},
			}},
			dr.ActionFailover,
			[]string{
				"metadata.name: is no name of a DRAction", "spec.type: POST it to the subresource of that action",
				"spec.drPlacementControl: POST it to that DRPlacementControl", "spec.targetCluster: is no name of a DRCluster",
				"spec.acknowledgements[1]: \"SourceMayStillWrite\"", "spec.reason: 1024",
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { expect(t, ValidateDRActionRequest(&test.action, test.verb, "shop"), test.refused) })
	}
}

func record(changes ...func(*dr.DRAction)) *dr.DRAction {
	a := &dr.DRAction{
		ObjectMeta: metav1.ObjectMeta{Name: "shop-failover-2", Namespace: "shop"},
		Spec:       dr.DRActionSpec{Type: dr.ActionFailover, DRPlacementControl: "shop", TargetCluster: "dr2", Epoch: 2},
	}
	for _, change := range changes {
		change(a)
	}
	return a
}

func ended(a *dr.DRAction) {
	a.Status.Conditions = []metav1.Condition{{Type: dr.ConditionComplete, Status: metav1.ConditionTrue}}
}

func TestDRAction(t *testing.T) {
	expect(t, ValidateDRAction(record()), nil)
	expect(t, ValidateDRAction(record(func(a *dr.DRAction) { a.Spec = dr.DRActionSpec{} })), []string{
		"spec.type: \"Failover\", \"Relocate\"", "spec.drPlacementControl: POST to the failover or relocate subresource",
		"spec.targetCluster: name a DRCluster", "spec.epoch: begins an epoch",
	})
}

func TestDRActionUpdate(t *testing.T) {
	acknowledge := func(a *dr.DRAction) { a.Spec.Acknowledgements = []dr.Acknowledgement{dr.AckSourceMayStillWrite} }
	another := func(a *dr.DRAction) { a.Spec.TargetCluster = "dr3" }
	expect(t, ValidateDRActionUpdate(record(), record()), nil)
	expect(t, ValidateDRActionUpdate(record(acknowledge), record()), nil)
	expect(t, ValidateDRActionUpdate(record(), record(acknowledge)), []string{"spec: ask anew"})
	expect(t, ValidateDRActionUpdate(record(acknowledge), record(ended)), []string{"spec: ask anew"})
	expect(t, ValidateDRActionUpdate(record(acknowledge, another), record()), []string{"spec: ask anew"})
}

func TestDRActionStatusUpdate(t *testing.T) {
	at := func(minute int) *metav1.MicroTime {
		return &metav1.MicroTime{Time: time.Date(2026, 1, 1, 0, minute, 0, 0, time.UTC)}
	}
	protected := func(minute int) func(*dr.DRAction) {
		return func(a *dr.DRAction) { a.Status.ProtectedTime = at(minute) }
	}
	completed := func(a *dr.DRAction) { a.Status.CompletionTime = at(1) }
	const refusal = "status: only protectedTime"
	expect(t, ValidateDRActionStatusUpdate(record(ended), record(completed)), nil)
	expect(t, ValidateDRActionStatusUpdate(record(ended, protected(2)), record(ended)), nil)
	expect(t, ValidateDRActionStatusUpdate(record(ended, completed), record(ended)), []string{refusal})
	expect(t, ValidateDRActionStatusUpdate(record(completed), record(ended, completed)), []string{refusal})
	expect(t, ValidateDRActionStatusUpdate(record(ended, protected(3)), record(ended, protected(2))), []string{refusal})
	expect(t, ValidateDRActionStatusUpdate(record(ended), record(ended, protected(2))), []string{refusal})
}
