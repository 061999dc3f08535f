// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ramendr/dr-apiserver/pkg/agent/checkpoint"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

// facts are everything that is decided upon: one value per look at a group.
type facts struct {
	now     time.Time
	cluster string
	key     types.NamespacedName
	// group as the hub has it; nil while the hub does not know it or can't be asked.
	group *v1alpha1.VolumeReplicationGroup
	// checkpoint of the last command accepted; nil if there never was one.
	checkpoint *checkpoint.Checkpoint
	// volumes that the selector covers or that belong to the group, sorted.
	volumes []volume
	stop    stopFacts
	restore restoreFacts
	capture captureFacts
	// turn is true once it is this group's turn to change its role.
	turn bool
	// cleared is true once the captures of a group that is being deleted were deleted, or that was tried.
	cleared bool
	// failure is what went wrong when the last decision was carried out.
	failure error
	// refreshed is when and how often each volume's state was last asked for, since it last changed.
	refreshed map[types.NamespacedName]attempt
}

// attempt counts tries and says when the last one was.
type attempt struct {
	count int
	last  time.Time
}

// volume is a claim and what is known of it.
type volume struct {
	replication.Volume
	// selected is true if the group's selector covers it.
	selected bool
	// owner is the group it says it belongs to; foreign is true if that is another one that this agent knows.
	owner   string
	foreign bool
	// claimed is true once the claim says that it is the group's, and its volume is kept if the claim goes.
	claimed bool
	// class that replicates it, or problem why none does.
	class   string
	problem *replication.Problem
	// state of its replication; nil if there is none.
	state *replication.State
}

// stopFacts are what stopping the workload has come to. They are of the current command only.
type stopFacts struct {
	// done is true once nothing runs any more; until then waiting names what does.
	done    bool
	waiting []string
	// remembered are the application's objects, once they have been listed.
	remembered []types.UID
	listed     bool
}

// restoreFacts are what the restore of the current command has come to.
type restoreFacts struct {
	running bool
	// found is the capture it reads.
	found *archive.Found
	// volumes and objects are in place.
	volumes, objects bool
	err              error
	retry            time.Time
}

// captureFacts are what the newest capture has come to.
type captureFacts struct {
	running bool
	err     error
	retry   time.Time
	// taken is the capture that is being put, or was; nil if none since the agent started.
	taken *checkpoint.Capture
	// objects it holds, by their UIDs here.
	objects []types.UID
	// put are the profiles that have it, and failed why others do not.
	put    []string
	failed map[string]string
}

// primary tells whether the volume is confirmed to be primary. In a role that had settled, a state that is being looked
// at again counts as it was.
func (v *volume) primary(settled bool) bool {
	return v.state != nil && !v.state.Ending && v.state.Wanted == replication.Primary &&
		(v.state.Role == replication.Primary || settled && v.state.Reported == replication.Primary)
}

func (v *volume) secondary() bool {
	return v.state != nil && v.state.Wanted == replication.Secondary && v.state.Role == replication.Secondary
}

// bound tells whether the claim has its volume.
func (v *volume) bound() bool { return v.PV != nil }

// going tells whether somebody has deleted the claim.
func (v *volume) going() bool { return !v.PVC.DeletionTimestamp.IsZero() }

// own tells whether the volume belongs to the group.
func (f *facts) own(v *volume) bool { return v.owner == f.key.String() }

// members are the volumes that are replicated for the group, in the form of a handover token.
func (f *facts) members() []v1alpha1.HandoverVolume {
	var members []v1alpha1.HandoverVolume
	for i := range f.volumes {
		if v := &f.volumes[i]; f.captured(v) {
			members = append(members, v1alpha1.HandoverVolume{Namespace: v.PVC.Namespace, Name: v.PVC.Name, VolumeHandle: v.Handle()})
		}
	}
	return members
}

// captured tells whether a volume is part of captures: it is the group's, and replicated.
func (f *facts) captured(v *volume) bool {
	return v.selected && v.claimed && v.bound() && v.problem == nil && !v.going()
}

// volumesWord is one word that changes when a member comes or goes.
func volumesWord(members []v1alpha1.HandoverVolume) string {
	names := make([]string, 0, len(members))
	for _, m := range members {
		names = append(names, fmt.Sprintf("%s/%s=%s", m.Namespace, m.Name, m.VolumeHandle))
	}
	slices.SortFunc(names, cmp.Compare[string])
	sum := sha256.Sum256([]byte(strings.Join(names, "\n")))
	return hex.EncodeToString(sum[:8])
}
