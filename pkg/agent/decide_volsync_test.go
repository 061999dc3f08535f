// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"testing"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication/volsync"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// receiving is a world that is told to receive the claim data by VolSync, and what there is for it.
func (w world) receiving(image string) world {
	w.Group.Spec.VolSync = &v1alpha1.VRGVolSyncSpec{
		Destinations: []v1alpha1.VolSyncDestination{{Name: "data", Capacity: resource.MustParse("1Gi")}},
		Groups:       []v1alpha1.VolSyncGroup{{Name: "volume/data", Stream: "k1", Members: []string{"data"}}},
	}
	w.Checkpoint.Spec = w.Group.Spec
	w.VolSync = &volsync.Facts{Group: key, Present: true, Keyed: true}
	rd := &volsyncv1alpha1.ReplicationDestination{Status: &volsyncv1alpha1.ReplicationDestinationStatus{
		RsyncTLS: &volsyncv1alpha1.ReplicationDestinationRsyncTLSStatus{Address: ptr.To("198.51.100.7")},
	}}
	rd.Namespace, rd.Name = key.Namespace, "data"
	if image != "" {
		rd.Status.LatestImage = &corev1.TypedLocalObjectReference{Kind: "VolumeSnapshot", Name: image}
		rd.Status.LastSyncTime = &metav1.Time{Time: now}
		w.VolSync.Snapshots = map[string]*snapshotv1.VolumeSnapshot{image: {
			ObjectMeta: metav1.ObjectMeta{Name: image, CreationTimestamp: metav1.NewTime(now), Labels: map[string]string{mark.ManagedBy: mark.Agent}, Annotations: map[string]string{
				mark.Owner: key.String(), "dr.ramen.io/claim": "data", "dr.ramen.io/snapshot-group": "volume/data",
				"dr.ramen.io/cycle": "k1.4", "dr.ramen.io/cycle-members": "data",
			}},
			Status: &snapshotv1.VolumeSnapshotStatus{ReadyToUse: ptr.To(true)},
		}}
	}
	w.VolSync.Destinations = map[string]*volsyncv1alpha1.ReplicationDestination{"data": rd}
	return w
}

func copiedAs(state *replication.State) func(*Volume) {
	return func(v *Volume) { v.Method, v.State = v1alpha1.MethodVolSync, state }
}

func TestACopyIsReadyOnceEveryVolumeWasReceivedCompletely(t *testing.T) {
	old := &replication.State{Wanted: replication.Secondary, Role: replication.Secondary}
	run(t, map[string]row{
		"received":           {world: standingBy().receiving("image"), state: v1alpha1.SecondaryState, says: []string{"DataReady=True", "DataProtected=True"}},
		"not received yet":   {world: standingBy().receiving(""), state: v1alpha1.SecondaryState, says: []string{"DataReady=True", "DataProtected=False NeverReceived shop/data"}},
		"received by no one": {world: noVolSync(standingBy().receiving("")), state: v1alpha1.SecondaryState, says: []string{"DataProtected=False NotReceiving not installed"}},
		"a copy that is no longer sent": {
			world: standingBy().receiving("image").with(vol("old", copiedAs(old))), state: v1alpha1.SecondaryState, says: []string{"DataProtected=True"},
		},
		"a former primary's claim that has not received": {
			world: standingBy().receiving("").with(vol("data", copiedAs(old))), state: v1alpha1.SecondaryState, says: []string{"DataProtected=False Resyncing shop/data"},
		},
	})
}

func noVolSync(w world) world {
	w.VolSync.Present = false
	return w
}

func TestASecondaryTellsWhereItReceives(t *testing.T) {
	report := Decide(standingBy().receiving("image").Facts).Report
	if report.VolSync == nil || len(report.VolSync.Destinations) != 1 {
		t.Fatalf("%+v", report.VolSync)
	}
	if d := report.VolSync.Destinations[0]; d.Name != "data" || d.Address != "198.51.100.7" || d.LatestImage != "image" || d.LastSyncTime == nil {
		t.Errorf("%+v", d)
	}
	if g := report.VolSync.Groups; len(g) != 1 || g[0].Name != "volume/data" || g[0].Stream != "k1" || g[0].Cycle != 4 || g[0].Destination != nil {
		t.Errorf("%+v", g)
	}
}

func TestARowOfWhatIsReceivedNamesWhoSendsIt(t *testing.T) {
	w := standingBy().receiving("image")
	w.Group.Spec.VolSync.Destinations[0].StorageClassName = "copied"
	w.Group.Spec.Async = &v1alpha1.VRGAsyncSpec{SchedulingInterval: "5m", PeerClasses: []v1alpha1.PeerClass{{
		StorageClassName: "copied", Method: v1alpha1.MethodVolSync, Clusters: []string{"dr1", "dr2"},
	}}}
	w.Checkpoint.Spec = w.Group.Spec
	rows := Decide(w.Facts).Report.Volumes
	if len(rows) != 1 || rows[0].Name != "data" || rows[0].Peer != "dr2" {
		t.Errorf("%+v", rows)
	}
}

func TestWhoIsToldHowMuchHasArrivedReceivesNothing(t *testing.T) {
	w := standingBy().receiving("image")
	w.Group.Spec.VolSync.Arrived = []v1alpha1.VolSyncGroup{{Name: "volume/data", Stream: "k1", Cycle: 4}}
	w.Checkpoint.Spec = w.Group.Spec
	if report := Decide(w.Facts).Report; report.VolSync != nil && len(report.VolSync.Destinations) > 0 {
		t.Errorf("%+v", report.VolSync)
	}
}

func TestAClaimThatWaitsForAPodIsNotWaitedFor(t *testing.T) {
	late := func(v *Volume) {
		unbound(v)
		v.Method, v.State = v1alpha1.MethodVolSync, &replication.State{Wanted: replication.Primary, Role: replication.Primary}
		v.StorageClass = &storagev1.StorageClass{VolumeBindingMode: ptr.To(storagev1.VolumeBindingWaitForFirstConsumer)}
	}
	run(t, map[string]row{
		"made when a pod wants it": {
			world: failedOver().restored("data").with(vol("data", late)), does: []string{"refresh data", "restore objects"},
			state: v1alpha1.PrimaryState, says: []string{"ClusterDataReady=True Restored"},
		},
	})
}
