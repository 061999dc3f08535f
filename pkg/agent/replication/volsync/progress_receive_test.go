// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"slices"
	"strings"
	"testing"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// receivesMember is a destination that was told to receive a cycle; arrived says whether it has.
func receivesMember(name string, c cycle, arrived bool, changes ...func(*volsyncv1alpha1.ReplicationDestination)) func(*Facts) {
	return func(f *Facts) {
		rd := destination(group, v1alpha1.VolSyncDestination{Name: name, Group: together}, copying, "snap", nil, false)
		rd.Spec.Trigger = &volsyncv1alpha1.ReplicationDestinationTriggerSpec{Manual: c.String()}
		rd.Status = &volsyncv1alpha1.ReplicationDestinationStatus{
			RsyncTLS:          &volsyncv1alpha1.ReplicationDestinationRsyncTLSStatus{Address: ptr.To("198.51.100.7")},
			LastSyncStartTime: ptr.To(metav1.NewTime(noon)),
		}
		if arrived {
			rd.Status.LastSyncStartTime, rd.Status.LastManualSync = nil, c.String()
			rd.Status.LatestImage = &corev1.TypedLocalObjectReference{APIGroup: ptr.To(snapshotv1.GroupName), Kind: dataSourceKind, Name: "new-" + name}
			f.Snapshots["new-"+name] = usable("new-" + name)
		}
		for _, change := range changes {
			change(rd)
		}
		f.Destinations[name] = rd
	}
}

// keepsCycle are the images of a cycle that are kept, of the members named.
func keepsCycle(c cycle, of ...string) func(*Facts) {
	return func(f *Facts) {
		for _, name := range of {
			image := usable(c.String() + "-" + name)
			image.CreationTimestamp = metav1.NewTime(noon)
			s := keepMember(group, image, name, together, c, []string{"a", "b"})
			f.Snapshots[s.Name] = s
		}
	}
}

func unreachable(rd *volsyncv1alpha1.ReplicationDestination) { rd.Status.RsyncTLS = nil }

func receivingFails(rd *volsyncv1alpha1.ReplicationDestination) {
	rd.Status.LatestMoverStatus = &volsyncv1alpha1.MoverStatus{Result: volsyncv1alpha1.MoverResultFailed}
}

func TestHowFarAGroupIsWithBeingReceived(t *testing.T) {
	tests := map[string]struct {
		facts *Facts
		// the members that the primary has described, step and cycle with members arrived, what is committed and what is said.
		described     []string
		step, current string
		arrived       []string
		committed     string
		message       string
	}{
		"nothing is prepared": {there(), []string{"a", "b"}, "Preparing", "k1.1", nil, "", "shop/a: its ReplicationDestination is being prepared (and 1 more)"},
		"one is not described": {there(receivesMember("a", cycle{"k1", 1}, false)), []string{"a"},
			"Preparing", "k1.1", nil, "", "waits for the primary to say what PersistentVolumeClaim shop/b is like"},
		"one can't be reached": {there(receivesMember("a", cycle{"k1", 1}, false), receivesMember("b", cycle{"k1", 1}, false, unreachable)), []string{"a", "b"},
			"Preparing", "k1.1", nil, "", "PersistentVolumeClaim shop/b: waits until Service volsync-rsync-tls-dst-b has"},
		"the first is awaited": {there(receivesMember("a", cycle{"k1", 1}, false), receivesMember("b", cycle{"k1", 1}, false)), []string{"a", "b"},
			"Waiting", "k1.1", nil, "", ""},
		"the next is awaited, by destinations that have the last": {
			there(receivesMember("a", third, true), receivesMember("b", third, true), keepsCycle(third, "a", "b")), []string{"a", "b"},
			"Waiting", "k1.4", nil, "k1.3 a b", ""},
		"one has arrived, and the other fails": {
			there(receivesMember("a", fourth, true), receivesMember("b", fourth, false, receivingFails), keepsCycle(third, "a", "b")), []string{"a", "b"},
			"Receiving", "k1.4", []string{"a"}, "k1.3 a b", "PersistentVolumeClaim shop/b: ReplicationDestination shop/b: the last transfer failed"},
		"all have arrived": {there(receivesMember("a", fourth, true), receivesMember("b", fourth, true), keepsCycle(third, "a", "b")), []string{"a", "b"},
			"Committing", "k1.4", []string{"a", "b"}, "k1.3 a b", ""},
		"one of a cycle is kept": {there(receivesMember("a", fourth, true), receivesMember("b", fourth, true), keepsCycle(third, "a", "b"), keepsCycle(fourth, "a")), []string{"a", "b"},
			"Committing", "k1.4", []string{"a", "b"}, "k1.3 a b", ""},
		"what was committed is of an older stream": {
			there(receivesMember("a", cycle{"k1", 1}, false), receivesMember("b", cycle{"k1", 1}, false), keepsCycle(cycle{"k0", 7}, "a", "b")), []string{"a", "b"},
			"Waiting", "k1.1", nil, "k0.7 a b", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			spec := &v1alpha1.VRGVolSyncSpec{Groups: []v1alpha1.VolSyncGroup{{Name: together, Stream: "k1", Members: []string{"a", "b"}}}}
			for _, m := range test.described {
				spec.Destinations = append(spec.Destinations, v1alpha1.VolSyncDestination{Name: m, Group: together, StorageClassName: "fast"})
			}
			d := test.facts.Arrived(spec)[0].Destination
			var committed []string
			if d.Committed != nil {
				committed = append(committed, d.Committed.Cycle)
				for _, image := range d.Committed.Images {
					committed = append(committed, strings.TrimPrefix(image.VolumeSnapshotName, d.Committed.Cycle+"-"))
				}
				if !d.Committed.Time.Equal(ptr.To(metav1.NewTime(noon))) {
					t.Errorf("committed at %s", d.Committed.Time)
				}
			}
			if string(d.Step) != test.step || d.Current != test.current || !slices.Equal(d.Arrived, test.arrived) || strings.Join(committed, " ") != test.committed ||
				!strings.Contains(d.Message, test.message) || test.message == "" && d.Message != "" {
				t.Errorf("%s %s, arrived %v, committed %v: %q\nwanted %+v", d.Step, d.Current, d.Arrived, committed, d.Message, test)
			}
		})
	}
}
