// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"testing"

	"k8s.io/utils/clock"

	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// slow is a backend that can't do yet what it is told.
type slow struct {
	replication.Backend
	asked int
}

func (*slow) Method() v1alpha1.ReplicationMethod { return v1alpha1.MethodVolumeGroupReplication }

func (s *slow) Promote(context.Context, replication.Volume, string) error {
	s.asked++
	return replication.NotYet("its group is not complete")
}

func TestWhatABackendCannotDoYetIsAskedForAgainAndHoldsNothingElseUp(t *testing.T) {
	backend := &slow{}
	a := &Agent{backends: replication.Backends{backend}, clock: clock.RealClock{}, roles: newTurns()}
	v := vol("a", promoting)
	v.Method = v1alpha1.MethodVolumeGroupReplication
	f, m := primaryWorld().Facts, newMemory()
	for asked := 1; asked <= 2; asked++ {
		d := &Decision{Promote: []*Volume{&v}, After: relook}
		if err := a.actOnVolumes(t.Context(), f, m, d); err != nil || backend.asked != asked {
			t.Errorf("asked %d times, %v", backend.asked, err)
		}
		if d.After > patience {
			t.Errorf("looked at again after %s", d.After)
		}
	}
}
