// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

func TestWhatAVolumeGotNeverChangesWhileItIsProtected(t *testing.T) {
	peer := func(class string, method v1alpha1.ReplicationMethod, id string) v1alpha1.PeerClass {
		return v1alpha1.PeerClass{StorageClassName: class, Method: method, ReplicationID: id, Grouping: method == v1alpha1.MethodVolumeGroupReplication}
	}
	const alone, group, snapshots = v1alpha1.MethodVolumeReplication, v1alpha1.MethodVolumeGroupReplication, v1alpha1.MethodVolSync
	protected := []v1alpha1.ProtectedPVC{
		{Namespace: "shop", Name: "a", StorageClassName: "fast", ReplicationMethod: alone},
		{Namespace: "shop", Name: "b", StorageClassName: "fast", ReplicationMethod: alone},
		{Namespace: "shop", Name: "c", StorageClassName: "wide", ReplicationMethod: group},
		{Namespace: "shop", Name: "d", StorageClassName: "plain"},
	}
	told := []v1alpha1.PeerClass{peer("fast", "", "r1"), peer("new", alone, "r1"), peer("plain", alone, "r1"), peer("wide", group, "r1")}
	for name, tc := range map[string]struct {
		found, want []v1alpha1.PeerClass
	}{
		"nothing has changed": {
			[]v1alpha1.PeerClass{peer("fast", alone, "r1"), peer("wide", group, "r1")},
			[]v1alpha1.PeerClass{peer("fast", alone, "r1"), peer("wide", group, "r1")},
		},
		"a class that volumes are protected by is replicated otherwise by now": {
			[]v1alpha1.PeerClass{peer("fast", snapshots, ""), peer("wide", alone, "r1")},
			[]v1alpha1.PeerClass{peer("fast", "", "r1"), peer("wide", group, "r1")},
		},
		"such a class has no peer any more": {nil, []v1alpha1.PeerClass{peer("fast", "", "r1"), peer("wide", group, "r1")}},
		"storage was paired anew":           {[]v1alpha1.PeerClass{peer("fast", alone, "r2"), peer("wide", group, "r2")}, []v1alpha1.PeerClass{peer("fast", alone, "r2"), peer("wide", group, "r1")}},
		"classes that nothing is protected by": {
			[]v1alpha1.PeerClass{peer("fast", alone, "r1"), peer("new", snapshots, ""), peer("plain", snapshots, ""), peer("wide", group, "r1")},
			[]v1alpha1.PeerClass{peer("fast", alone, "r1"), peer("new", snapshots, ""), peer("plain", snapshots, ""), peer("wide", group, "r1")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := deployed()
			f.Groups[dr1].Spec.Async.PeerClasses, f.Groups[dr1].Status.ProtectedPVCs = told, protected
			f.Policy.Status.Async = &v1alpha1.PeerClasses{PeerClasses: tc.found}
			for _, group := range Decide(f).Update {
				if diff := cmp.Diff(tc.want, group.Spec.Async.PeerClasses); diff != "" {
					t.Errorf("%s is told (-want +got): %s", group.Name, diff)
				}
				f.Groups[group.Spec.ClusterName] = group
			}
			if again := Decide(f).Update; len(again) > 0 {
				t.Errorf("told otherwise the next time: %+v", again[0].Spec.Async)
			}
		})
	}
}

func TestASynchronousPolicysPeerClassesAreTold(t *testing.T) {
	f := unplaced()
	shared := []v1alpha1.PeerClass{{StorageClassName: "fast", Method: v1alpha1.MethodShared, StorageID: []string{"one"}}}
	f.Policy.Spec.SchedulingInterval = ""
	f.Policy.Status = v1alpha1.DRPolicyStatus{Conditions: f.Policy.Status.Conditions, Sync: &v1alpha1.PeerClasses{PeerClasses: shared}}
	groups := Decide(f).Create
	if len(groups) != 2 {
		t.Fatalf("%d groups are created", len(groups))
	}
	for _, group := range groups {
		if group.Spec.Async != nil || group.Spec.Sync == nil || cmp.Diff(shared, group.Spec.Sync.PeerClasses) != "" {
			t.Errorf("%s is told %+v, %+v", group.Name, group.Spec.Async, group.Spec.Sync)
		}
	}
}
