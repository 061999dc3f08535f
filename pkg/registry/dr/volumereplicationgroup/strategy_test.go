// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volumereplicationgroup

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
)

func TestTheGenerationCountsWhatIsWantedAndNotWhatThePeerHasSaid(t *testing.T) {
	told := func(number int64) *dr.VRGVolSyncSpec {
		return &dr.VRGVolSyncSpec{Arrived: []dr.VolSyncGroup{{Name: "g", Stream: "s", Cycle: number}}}
	}
	with := func(s *dr.VRGVolSyncSpec, address string) *dr.VRGVolSyncSpec {
		s.Sources = []dr.VolSyncSource{{Name: "data", Address: address}}
		return s
	}
	for name, test := range map[string]struct {
		before, after *dr.VRGVolSyncSpec
		want          int64
	}{
		"the peer says something":         {nil, told(1), 1},
		"it says something else":          {told(1), told(2), 1},
		"that is not told any more":       {with(told(2), "a"), with(&dr.VRGVolSyncSpec{}, "a"), 1},
		"it receives elsewhere":           {with(told(1), "a"), with(told(1), "b"), 2},
		"and has received more meanwhile": {with(told(1), "a"), with(told(2), "b"), 2},
	} {
		t.Run(name, func(t *testing.T) {
			old, group := &dr.VolumeReplicationGroup{}, &dr.VolumeReplicationGroup{}
			old.Generation, old.Spec.VolSync, group.Spec.VolSync = 1, test.before, test.after
			newStrategy(runtime.NewScheme()).PrepareForUpdate(t.Context(), group, old)
			if group.Generation != test.want {
				t.Errorf("generation %d, want %d", group.Generation, test.want)
			}
			if test.after != nil && len(group.Spec.VolSync.Arrived) != len(test.after.Arrived) {
				t.Error("what was told is lost")
			}
		})
	}
}
