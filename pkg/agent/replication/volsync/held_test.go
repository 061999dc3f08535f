// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"strings"
	"testing"
	"time"

	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	"k8s.io/utils/ptr"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

func TestWhatAVolumeWaitsForIsNamed(t *testing.T) {
	from := &v1alpha1.VRGVolSyncSpec{Destinations: []v1alpha1.VolSyncDestination{wanted}}
	told := Command{Spec: from}
	making := func(image *snapshotv1.VolumeSnapshot) func(*Facts) {
		return func(f *Facts) {
			image.Namespace = group.Namespace
			image.Status = &snapshotv1.VolumeSnapshotStatus{ReadyToUse: ptr.To(false), Error: &snapshotv1.VolumeSnapshotError{Message: ptr.To("no room")}}
			f.Snapshots[image.Name] = image
		}
	}
	before := making(origin(group, &Claim{Name: "data"}))
	left := origin(group, &Claim{Name: "data"})
	left.Name = leftImage("data", 3)
	grouped := func(f *Facts) { f.Claims[0].Group = "g" }
	for name, tc := range map[string]struct {
		facts   *Facts
		command Command
		want    string
	}{
		"nothing, while it is sent":             {there(claimIs("primary"), sends(asked(cycleAt(3, ""))), unclean), Command{}, ""},
		"nothing, between two syncs":            {there(claimIs("primary"), sends(synced(cycleAt(3, ""), time.Second))), Command{}, ""},
		"that VolSync cleans up":                {there(claimIs("primary"), sends(synced(cycleAt(3, ""), time.Second)), unclean), Command{}, "PersistentVolumeClaim shop/volsync-data-src is gone"},
		"also before the final sync":            {there(claimIs("final-7"), sends(synced(cycleAt(3, ""), time.Second)), unclean), Command{}, "PersistentVolumeClaim shop/volsync-data-src is gone"},
		"not one that is sent with others":      {there(claimIs("primary"), grouped, sends(synced(cycleAt(3, ""), time.Second)), unclean), Command{}, ""},
		"nothing, where nothing is received":    {there(claimIs("secondary"), before), Command{Spec: &v1alpha1.VRGVolSyncSpec{}}, ""},
		"an image of what is to be overwritten": {there(claimIs("secondary"), before), told, "VolumeSnapshot shop/data-before-sync is ready, which keeps what it holds before anything is received into it: no room"},
		"not once it is ready":                  {there(claimIs("secondary"), keptAs("image", 2)), told, ""},
		"nor once it receives":                  {there(claimIs("secondary"), before, receivesInto(nil, 0)), told, ""},
		"an image of what was left behind":      {there(claimIs("secondary"), making(nobodys(left, 3))), Command{Spec: from, Left: []string{"data"}, Epoch: 3}, "VolumeSnapshot shop/data-left-behind-3 is ready"},
		"not one of another epoch":              {there(claimIs("secondary"), making(nobodys(left, 3))), Command{Spec: from, Left: []string{"data"}, Epoch: 4}, ""},
		"a class that does not fit":             {there(claimIs("secondary"), func(f *Facts) { f.Problems["fast"] = "no class" }), told, "no class"},
	} {
		t.Run(name, func(t *testing.T) {
			got := tc.facts.HeldBy(tc.facts.Claims[0], tc.command)
			if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}
