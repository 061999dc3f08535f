// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/install"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
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

// declared are what the tags on the types refuse, of an update if there is an old object.
func declared(t *testing.T, obj, old runtime.Object) field.ErrorList {
	t.Helper()
	kinds, _, err := scheme.ObjectKinds(obj)
	if err != nil {
		t.Fatal(err)
	}
	versioned := func(internal runtime.Object) runtime.Object {
		converted, err := scheme.ConvertToVersion(internal, v1alpha1.SchemeGroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		return converted
	}
	if old == nil {
		return WithRemedies(kinds[0].Kind, versioned(obj), scheme.Validate(t.Context(), nil, versioned(obj)))
	}
	return WithRemedies(kinds[0].Kind, versioned(obj), scheme.ValidateUpdate(t.Context(), nil, versioned(obj), versioned(old)))
}

var scheme = runtime.NewScheme()

func init() { install.Install(scheme) }

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
			[]string{"spec.drPolicyRef.name: Required value: name a DRPolicy; `kubectl get drpolicies`", "spec.preferredCluster: kubectl get drclusters"},
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
			[]string{"spec.preferredCluster: must not contain dots; name a DRCluster"},
		},
		"with a policy that can't be one": {
			func(p *dr.DRPlacementControl) { p.Spec.DRPolicyRef.Name = "My Policy" },
			[]string{"spec.drPolicyRef.name: RFC 1123"},
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
		"with a role there is not": {
			func(p *dr.DRPlacementControl) { p.Spec.ReplicationState = "tertiary" },
			[]string{"spec.replicationState: supported values"},
		},
		"with two movers for one claim": {
			func(p *dr.DRPlacementControl) {
				p.Spec.VolSyncSpec = &dr.VolSyncSpec{MoverConfig: []dr.VolSyncMoverConfig{{PVCName: "data"}, {PVCName: "data"}}}
			},
			[]string{"spec.volSyncSpec.moverConfig[1].pvcName: Duplicate"},
		},
		"with a way of copying there is not": {
			func(p *dr.DRPlacementControl) { p.Spec.VolSyncSpec = &dr.VolSyncSpec{CopyMethod: "Clone"} },
			[]string{"spec.volSyncSpec.copyMethod: supported values"},
		},
		"with a namespace twice": {
			func(p *dr.DRPlacementControl) { p.Spec.ProtectedNamespaces = []string{"shop", "shop"} },
			[]string{"spec.protectedNamespaces[1]: Duplicate"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := placement(test.change)
			expect(t, append(ValidateDRPlacementControl(p), declared(t, p, nil)...), test.refused)
		})
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
			func(p *dr.DRPlacementControl) { p.Spec.DRPolicyRef.Name = "other" }, []string{"spec.drPolicyRef.name: \"other\": field is immutable; delete the DRPlacementControl"},
		},
		"to other volumes": {
			func(p *dr.DRPlacementControl) { p.Spec.PVCSelector = metav1.LabelSelector{} }, []string{"spec.pvcSelector: create it anew"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := placement(test.change)
			expect(t, append(ValidateDRPlacementControlUpdate(p), declared(t, p, placement())...), test.refused)
		})
	}
}

func TestDRPlacementControlWarnings(t *testing.T) {
	if warnings := DRPlacementControlWarnings(placement()); len(warnings) != 0 {
		t.Errorf("warned of %q", warnings)
	}
	odd := placement(func(p *dr.DRPlacementControl) {
		p.Spec.PVCSelector, p.Spec.DRPolicyRef.Namespace, p.Spec.ReplicationState = metav1.LabelSelector{}, "ramen-system", dr.Primary
		p.Spec.PlacementRef = &dr.PlacementReference{Name: "shop-placement"}
	})
	if warnings := DRPlacementControlWarnings(odd); len(warnings) != 4 {
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
			[]string{"spec.clusterName: name a DRCluster", "spec.replicationState: write primary where", "spec.s3Profiles: name an s3ProfileName"},
		},
		"with an unknown role": {
			func(g *dr.VolumeReplicationGroup) { g.Spec.ReplicationState = "Primary" }, []string{"spec.replicationState: supported values"},
		},
		"with an unknown action": {
			func(g *dr.VolumeReplicationGroup) { g.Spec.Action = "Move" }, []string{"spec.action: \"Abort\", \"Failover\", \"Relocate\""},
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
		t.Run(name, func(t *testing.T) {
			g := group(test.change)
			expect(t, append(ValidateVolumeReplicationGroup(g), declared(t, g, nil)...), test.refused)
		})
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
			g := group(test.change)
			expect(t, append(ValidateVolumeReplicationGroupUpdate(g, group()), declared(t, g, group())...), test.refused)
		})
	}
}

func TestVolumeReplicationGroupWarnings(t *testing.T) {
	usual := group(func(g *dr.VolumeReplicationGroup) { g.Spec.PVCSelector.MatchLabels = map[string]string{"app": "shop"} })
	if warnings := VolumeReplicationGroupWarnings(usual); len(warnings) != 0 {
		t.Errorf("warned of %q", warnings)
	}
	odd := group(func(g *dr.VolumeReplicationGroup) { g.Spec.Action = dr.VRGActionRelocate })
	if warnings := VolumeReplicationGroupWarnings(odd); len(warnings) != 2 {
		t.Errorf("warned of %q", warnings)
	}
}
