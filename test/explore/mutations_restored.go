// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/agent"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/controllers/drplacementcontrol"
)

// Mutants of what follows when a hub that was restored from a backup has forgotten a failover.

// holdOn has an agent that gives way not see that a volume was told to give nothing up.
func holdOn(d *deciders) {
	aroundAgent(func(f *agent.Facts, decide func(*agent.Facts) agent.Decision) agent.Decision {
		for i := range f.Volumes {
			if state := f.Volumes[i].State; state != nil {
				following := *state
				following.Keeps = false
				f.Volumes[i].State = &following
			}
		}
		return decide(f)
	})(d)
}

// ignorePromoted has the hub go on with a relocate whose target took part in its epoch before.
func ignorePromoted(d *deciders) {
	decide := d.hub
	d.hub = func(f drplacementcontrol.Facts) drplacementcontrol.Decision {
		record := f.Placement.Status.CurrentAction
		if record == nil || action.Ended(record) || record.Spec.Type != v1alpha1.ActionRelocate || record.Status.Abort != nil {
			return decide(f)
		}
		f.Groups = eachGroup(f.Groups, func(g *v1alpha1.VolumeReplicationGroup) {
			if g.Spec.ClusterName == record.Spec.TargetCluster {
				g.Status.Epoch = min(g.Status.Epoch, g.Spec.Epoch)
			}
		})
		return decide(f)
	}
}
