// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"testing"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

func TestAnAgentLooksAtAGroupAgainWhenTheHubSaysSomethingNew(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*v1alpha1.VolumeReplicationGroup)
		want   bool
	}{
		"another command": {func(g *v1alpha1.VolumeReplicationGroup) { g.Generation++ }, true},
		"what has arrived, which is no command": {func(g *v1alpha1.VolumeReplicationGroup) {
			g.Spec.VolSync = &v1alpha1.VRGVolSyncSpec{Arrived: []v1alpha1.VolSyncGroup{{Name: "g", Stream: "s", Cycle: 1}}}
		}, true},
		"another label":                   {func(g *v1alpha1.VolumeReplicationGroup) { g.Labels = map[string]string{"a": "b"} }, true},
		"and not for what it has said":    {func(g *v1alpha1.VolumeReplicationGroup) { g.Status.State = v1alpha1.PrimaryState }, false},
		"but if the hub has forgotten it": {func(g *v1alpha1.VolumeReplicationGroup) { g.ResourceVersion = "3" }, true},
	} {
		t.Run(name, func(t *testing.T) {
			before := &v1alpha1.VolumeReplicationGroup{}
			before.ResourceVersion, before.Generation = "4", 1
			now := before.DeepCopy()
			now.ResourceVersion = "5"
			test.change(now)
			if changed := commandChanged(before, now); changed != test.want {
				t.Errorf("looks again: %t", changed)
			}
		})
	}
}
