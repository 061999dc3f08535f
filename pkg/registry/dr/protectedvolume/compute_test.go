// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package protectedvolume

import (
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/registry/base"
)

func TestVolumesOfAGroup(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 5, 0, 0, time.UTC)
	at := func(before time.Duration) *metav1.Time { return &metav1.Time{Time: now.Add(-before)} }
	tests := map[string]struct {
		state  dr.VolumeReplicationGroupState
		synced *metav1.Time
		behind *time.Duration
	}{
		"a primary's volume is as far behind as its last sync": {dr.PrimaryState, at(time.Minute), ptr(time.Minute)},
		"a volume between roles too":                           {"Unknown", at(time.Minute), ptr(time.Minute)},
		"a volume never synced is behind by no number":         {dr.PrimaryState, nil, nil},
		"a copy is not behind itself":                          {dr.SecondaryState, at(time.Minute), nil},
		"an agent whose clock leads makes nobody be ahead":     {dr.PrimaryState, at(-time.Minute), ptr(0)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			group := &dr.VolumeReplicationGroup{
				ObjectMeta: metav1.ObjectMeta{Name: "shop.dr1", Namespace: "shop", ResourceVersion: "7"},
				Spec:       dr.VolumeReplicationGroupSpec{ClusterName: "dr1"},
				Status: dr.VolumeReplicationGroupStatus{
					State: test.state, LastUpdateTime: at(time.Second),
					ProtectedPVCs: []dr.ProtectedPVC{{Namespace: "shop", Name: "data-0", LastSyncTime: test.synced}},
				},
			}
			volumes := computed(now, group)
			if len(volumes) != 1 || volumes[0].Name != "dr1.shop.dr1.data-0" || volumes[0].ResourceVersion != "7" ||
				volumes[0].Status.Freshness != dr.Fresh || !volumes[0].Status.ObservedAt.Equal(at(time.Second)) {
				t.Fatalf("computed were %+v", volumes)
			}
			behind := volumes[0].Status.Behind
			if (behind == nil) != (test.behind == nil) || behind != nil && behind.Duration != *test.behind {
				t.Errorf("behind by %v, wanted %v", behind, test.behind)
			}
		})
	}
}

func TestAVolumeHasAUIDThatStaysUntilItsGroupIsAnother(t *testing.T) {
	uids := func(group types.UID) []types.UID {
		volumes := computed(time.Now(), &dr.VolumeReplicationGroup{
			ObjectMeta: metav1.ObjectMeta{Name: "shop.dr1", UID: group},
			Status: dr.VolumeReplicationGroupStatus{ProtectedPVCs: []dr.ProtectedPVC{
				{Namespace: "shop", Name: "data-0"}, {Namespace: "shop", Name: "data-1"},
			}},
		})
		return []types.UID{volumes[0].UID, volumes[1].UID}
	}
	first, again, another := uids("a"), uids("a"), uids("b")
	if first[0] == "" || first[0] == first[1] {
		t.Errorf("two volumes have the UIDs %q", first)
	}
	if !slices.Equal(first, again) {
		t.Errorf("read again the UIDs are %q, before they were %q", again, first)
	}
	if first[0] == another[0] {
		t.Errorf("the volume of another group has the UID %q too", another[0])
	}
}

// connected is what is known of agents: all are there.
type connected struct{}

func (connected) Connected(string, time.Time) bool { return true }

func computed(now time.Time, group *dr.VolumeReplicationGroup) []*dr.ProtectedVolume {
	var volumes []*dr.ProtectedVolume
	for _, object := range compute(base.NewReports([]dr.VolumeReplicationGroup{*group}, connected{}, now)) {
		volumes = append(volumes, object.(*dr.ProtectedVolume))
	}
	return volumes
}

func ptr(d time.Duration) *time.Duration { return &d }
