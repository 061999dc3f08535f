// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package replicationgroupdestination

import (
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/registry/base"
)

var now = time.Date(2026, 1, 1, 0, 5, 0, 0, time.UTC)

// connected are the agents: all are.
type connected struct{}

func (connected) Connected(string, time.Time) bool { return true }

func ago(d time.Duration) *metav1.Time { return &metav1.Time{Time: now.Add(-d)} }

// sending is a group on oslo that has sent cycle 2, an hour old, and cycle 3, of a minute ago, and sends cycle 4.
func sending(namespace, stream string) dr.VolumeReplicationGroup {
	id := func(n string) string { return stream + "." + n }
	return dr.VolumeReplicationGroup{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "shop.oslo"},
		Spec:       dr.VolumeReplicationGroupSpec{ClusterName: "oslo", ReplicationState: dr.Primary},
		Status: dr.VolumeReplicationGroupStatus{VolSync: &dr.VRGVolSyncStatus{Groups: []dr.VolSyncGroupStatus{{
			VolSyncGroup: dr.VolSyncGroup{Name: "shop-slow", Stream: stream},
			Source: &dr.VolSyncGroupSource{
				Current:   &dr.VolSyncCycle{ID: id("4"), Time: ago(time.Second)},
				Completed: []dr.VolSyncCycle{{ID: id("3"), Time: ago(time.Minute)}, {ID: id("2"), Time: ago(time.Hour)}},
			},
		}}}},
	}
}

// receiving is the group's other half on paris, which has committed a cycle, beside a volume that is sent by itself.
func receiving(role dr.ReplicationState, committed string) dr.VolumeReplicationGroup {
	told := dr.VolSyncGroup{Name: "shop-slow", Stream: "k1", Members: []string{"data-0", "data-1"}}
	alone := dr.VolSyncGroup{Name: "volume/logs", Stream: "k1", Members: []string{"logs"}}
	group := dr.VolumeReplicationGroup{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop.paris", UID: "paris", ResourceVersion: "8"},
		Spec: dr.VolumeReplicationGroupSpec{
			ClusterName: "paris", ReplicationState: role, VolSync: &dr.VRGVolSyncSpec{Groups: []dr.VolSyncGroup{told, alone}},
		},
	}
	if committed != "" {
		group.Status.VolSync = &dr.VRGVolSyncStatus{Groups: []dr.VolSyncGroupStatus{{
			VolSyncGroup: told,
			Destination: &dr.VolSyncGroupDestination{
				Step: "Receiving", Current: "k1.5", Arrived: []string{"data-1"},
				Committed: &dr.VolSyncCommit{Cycle: committed, Images: []dr.VolSyncImage{{PVCName: "data-0", VolumeSnapshotName: "v-0"}}},
			},
		}}}
	}
	return group
}

func computed(groups ...dr.VolumeReplicationGroup) []*dr.ReplicationGroupDestination {
	var destinations []*dr.ReplicationGroupDestination
	for _, object := range compute(base.NewReports(groups, connected{}, now)) {
		destinations = append(destinations, object.(*dr.ReplicationGroupDestination))
	}
	return destinations
}

func TestADestinationSaysWhatItsAgentReports(t *testing.T) {
	all := computed(sending("shop", "k1"), receiving(dr.Secondary, "k1.3"))
	if len(all) != 1 {
		t.Fatalf("computed were %+v, wanted one", all)
	}
	switch d := all[0]; {
	case d.Name != "paris.shop.paris.shop-slow" || d.Namespace != "shop" || d.ResourceVersion != "8" || d.UID == "":
		t.Errorf("the metadata is %+v", d.ObjectMeta)
	case d.Spec.ClusterName != "paris" || d.Spec.Peer != "oslo" || d.Spec.VolumeReplicationGroup != "shop.paris" || d.Spec.Group != "shop-slow":
		t.Errorf("the spec is %+v", d.Spec)
	case !slices.Equal(d.Spec.Members, []string{"data-0", "data-1"}):
		t.Errorf("the members are %v", d.Spec.Members)
	case d.Status.Step != "Receiving" || d.Status.Current != "k1.5" || !slices.Equal(d.Status.Arrived, []string{"data-1"}):
		t.Errorf("the status is %+v", d.Status)
	case d.Status.Committed == nil || d.Status.Committed.Cycle != "k1.3" || len(d.Status.Committed.Images) != 1:
		t.Errorf("committed is %+v", d.Status.Committed)
	case d.Status.Freshness != dr.Fresh || d.Status.Message != "":
		t.Errorf("the status is %+v", d.Status)
	}
}

func TestWhatIsCommittedIsOfThePointInTimeThatTheSourceTells(t *testing.T) {
	tests := map[string]struct {
		from      dr.VolumeReplicationGroup
		committed string
		at        *metav1.Time
	}{
		"of the last cycle": {sending("shop", "k1"), "k1.3", ago(time.Minute)},
		"of the one before, while the last is being kept": {sending("shop", "k1"), "k1.2", ago(time.Hour)},
		"of one of which the source has not heard yet":    {sending("shop", "k1"), "k1.4", ago(time.Second)},
		"of one that nobody tells of any more":            {sending("shop", "k1"), "k1.1", nil},
		"of another stream":                               {sending("shop", "k2"), "k1.3", nil},
		"of another application's":                        {sending("till", "k1"), "k1.3", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := computed(test.from, receiving(dr.Secondary, test.committed))[0]
			if !d.Status.LastSyncTime.Equal(test.at) {
				t.Errorf("it is of %v, wanted %v", d.Status.LastSyncTime, test.at)
			}
		})
	}
}

func TestADestinationThatNobodyReportsSaysSo(t *testing.T) {
	d := computed(receiving(dr.Secondary, ""))[0]
	if d.Status.Message != notReported || d.Status.Step != "" || d.Spec.Peer != "" {
		t.Errorf("computed was %+v", d)
	}
}

func TestAClusterThatWasMadePrimaryReceivesNothing(t *testing.T) {
	if all := computed(receiving(dr.Primary, "k1.3")); len(all) != 0 {
		t.Errorf("computed were %+v", all)
	}
}
