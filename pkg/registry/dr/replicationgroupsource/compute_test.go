// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package replicationgroupsource

import (
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/registry/base"
)

var now = time.Date(2026, 1, 1, 0, 5, 0, 0, time.UTC)

type connectedTo []string

func (c connectedTo) Connected(cluster string, _ time.Time) bool { return slices.Contains(c, cluster) }

func ago(d time.Duration) *metav1.Time { return &metav1.Time{Time: now.Add(-d)} }

// sending is a group on oslo that sends data-0 and data-1 as one.
func sending(change func(*dr.VolSyncGroupStatus)) dr.VolumeReplicationGroup {
	reported := dr.VolSyncGroupStatus{
		VolSyncGroup: dr.VolSyncGroup{Name: "shop-slow", Stream: "k1", Members: []string{"data-0", "data-1"}, Cycle: 3},
		Source: &dr.VolSyncGroupSource{
			VolumeGroupSnapshotClassName: "together", Step: "Waiting", Result: "Successful",
			Completed: []dr.VolSyncCycle{{ID: "k1.3", Time: ago(time.Minute)}, {ID: "k1.2", Time: ago(time.Hour)}},
		},
	}
	change(&reported)
	return dr.VolumeReplicationGroup{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop.oslo", UID: "oslo", ResourceVersion: "7"},
		Spec: dr.VolumeReplicationGroupSpec{
			ClusterName: "oslo", ReplicationState: dr.Primary, Async: &dr.VRGAsyncSpec{SchedulingInterval: "5m"},
		},
		Status: dr.VolumeReplicationGroupStatus{
			LastUpdateTime: ago(time.Second), VolSync: &dr.VRGVolSyncStatus{Groups: []dr.VolSyncGroupStatus{reported}},
		},
	}
}

// receiving is the group's other half on paris, told to receive a stream.
func receiving(namespace, stream string) dr.VolumeReplicationGroup {
	return dr.VolumeReplicationGroup{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "shop.paris"},
		Spec: dr.VolumeReplicationGroupSpec{
			ClusterName: "paris", ReplicationState: dr.Secondary,
			VolSync: &dr.VRGVolSyncSpec{Groups: []dr.VolSyncGroup{{Name: "shop-slow", Stream: stream}}},
		},
	}
}

func as(*dr.VolSyncGroupStatus) {}

func computed(t *testing.T, groups ...dr.VolumeReplicationGroup) *dr.ReplicationGroupSource {
	t.Helper()
	objects := compute(base.NewReports(groups, connectedTo{"oslo"}, now))
	if len(objects) != 1 {
		t.Fatalf("computed were %+v, wanted one", objects)
	}
	return objects[0].(*dr.ReplicationGroupSource)
}

func TestASourceSaysWhatItsAgentReports(t *testing.T) {
	s := computed(t, sending(as), receiving("shop", "k1"))
	switch {
	case s.Name != "oslo.shop.oslo.shop-slow" || s.Namespace != "shop" || s.ResourceVersion != "7" || s.UID == "":
		t.Errorf("the metadata is %+v", s.ObjectMeta)
	case s.Spec.ClusterName != "oslo" || s.Spec.Peer != "paris" || s.Spec.VolumeReplicationGroup != "shop.oslo" || s.Spec.Group != "shop-slow":
		t.Errorf("the spec is %+v", s.Spec)
	case !slices.Equal(s.Spec.Members, []string{"data-0", "data-1"}) || s.Spec.VolumeGroupSnapshotClassName != "together":
		t.Errorf("the spec is %+v", s.Spec)
	case s.Spec.Trigger != dr.ReplicationGroupTrigger{SchedulingInterval: "5m"}:
		t.Errorf("the trigger is %+v", s.Spec.Trigger)
	case s.Status.Last == nil || s.Status.Last.ID != "k1.3" || s.Status.Behind == nil || s.Status.Behind.Duration != time.Minute:
		t.Errorf("the last cycle is %+v, behind %v", s.Status.Last, s.Status.Behind)
	case s.Status.Freshness != dr.Fresh || !s.Status.ObservedAt.Equal(ago(time.Second)) || s.Status.Result != "Successful":
		t.Errorf("the status is %+v", s.Status)
	}
}

func TestWhatASourceIsAskedForAndByWhom(t *testing.T) {
	tests := map[string]struct {
		change  func(*dr.VolSyncGroupStatus)
		others  []dr.VolumeReplicationGroup
		peer    string
		trigger dr.ReplicationGroupTrigger
	}{
		"by the interval, for the cluster that is told of the stream": {
			as, []dr.VolumeReplicationGroup{receiving("shop", "k1")}, "paris", dr.ReplicationGroupTrigger{SchedulingInterval: "5m"},
		},
		"a final sync":                    {finalSync, nil, "", dr.ReplicationGroupTrigger{Manual: "final-4"}},
		"for none that awaits another":    {as, []dr.VolumeReplicationGroup{receiving("shop", "k0")}, "", dr.ReplicationGroupTrigger{SchedulingInterval: "5m"}},
		"for none of another application": {as, []dr.VolumeReplicationGroup{receiving("till", "k1")}, "", dr.ReplicationGroupTrigger{SchedulingInterval: "5m"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := computed(t, append(test.others, sending(test.change))...)
			if s.Spec.Peer != test.peer || s.Spec.Trigger != test.trigger {
				t.Errorf("the spec is %+v", s.Spec)
			}
		})
	}
}

func finalSync(g *dr.VolSyncGroupStatus) { g.Source.Manual = "final-4" }

func TestWhatIsReceivedIsNoSource(t *testing.T) {
	group := sending(func(g *dr.VolSyncGroupStatus) { g.Source, g.Destination = nil, &dr.VolSyncGroupDestination{} })
	if objects := compute(base.NewReports([]dr.VolumeReplicationGroup{group, receiving("shop", "k1")}, connectedTo{}, now)); len(objects) != 0 {
		t.Errorf("computed were %+v", objects)
	}
}

func TestASourceThatNeverSentIsBehindByNoNumber(t *testing.T) {
	s := computed(t, sending(func(g *dr.VolSyncGroupStatus) { g.Source.Completed = nil }))
	if s.Status.Last != nil || s.Status.Behind != nil {
		t.Errorf("the status is %+v", s.Status)
	}
}
