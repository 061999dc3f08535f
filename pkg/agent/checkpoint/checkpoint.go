// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package checkpoint keeps what an agent must not forget: the command it accepted last, the roles its cluster had, and how
// far it came. There is one ConfigMap per VolumeReplicationGroup, written before anything is done.
package checkpoint

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ramendr/dr-apiserver/pkg/agent/handover"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

// Checkpoint is the memory of one VolumeReplicationGroup.
type Checkpoint struct {
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	UID       types.UID `json:"uid,omitempty"`
	// CaptureName is the name captures are kept under: the DRPlacementControl's, or the group's own.
	CaptureName string `json:"captureName"`
	// PeersRequired is true for a group of a DRPlacementControl: only classes with a peer protect.
	PeersRequired bool `json:"peersRequired,omitempty"`
	// Generation and Spec of the last command accepted.
	Generation int64                               `json:"generation"`
	Spec       v1alpha1.VolumeReplicationGroupSpec `json:"spec"`
	// History of roles, the oldest first. The last entry is the command's.
	History []Role `json:"history"`
	// Settled is true once nothing is left to restore or to undo in the role.
	Settled bool `json:"settled,omitempty"`
	// Restored says what volumes and objects were restored from in the role, if they were.
	Restored string `json:"restored,omitempty"`
	// Removed says which objects the restore deleted, because the application no longer has them.
	Removed string `json:"removed,omitempty"`
	// LastCapture that is complete in at least one profile.
	LastCapture *Capture `json:"lastCapture,omitempty"`
	// Token issued for the command.
	Token *v1alpha1.HandoverToken `json:"token,omitempty"`
	// Objects are the UIDs of the application's objects on this cluster when it last stopped being primary: a restore may
	// bring these up to date.
	Objects []types.UID `json:"objects,omitempty"`
	// Given are the objects that the application was restored with here last. Those that are gone since were deleted where it ran.
	Given []archive.Name `json:"given,omitempty"`
}

// Role is an entry of the history.
type Role struct {
	Epoch  int64                     `json:"epoch"`
	State  v1alpha1.ReplicationState `json:"state"`
	Action v1alpha1.VRGAction        `json:"action,omitempty"`
	Time   metav1.Time               `json:"time"`
}

// DeepCopy returns a copy that shares nothing with c.
func (c *Checkpoint) DeepCopy() *Checkpoint {
	n := *c
	n.Spec = *c.Spec.DeepCopy()
	n.History = slices.Clone(c.History)
	n.Objects = slices.Clone(c.Objects)
	n.Given = slices.Clone(c.Given)
	n.Token = c.Token.DeepCopy()
	if c.LastCapture != nil {
		capture := *c.LastCapture
		capture.CaptureReference = *c.LastCapture.CaptureReference.DeepCopy()
		n.LastCapture = &capture
	}
	return &n
}

// Capture is a capture this agent took.
type Capture struct {
	v1alpha1.CaptureReference `json:",inline"`
	// Digest of the manifest.
	Digest string `json:"digest"`
	// Volumes it holds, in one word, to see that others have come or gone.
	Volumes string `json:"volumes"`
	// Quiesced is true if it was taken after the workload had stopped.
	Quiesced bool `json:"quiesced,omitempty"`
}

// maxHistory entries are kept.
const maxHistory = 20

// Key of the VolumeReplicationGroup.
func (c *Checkpoint) Key() types.NamespacedName {
	return types.NamespacedName{Namespace: c.Namespace, Name: c.Name}
}

// Group is whose captures they are.
func (c *Checkpoint) Group() archive.Group {
	return archive.Group{Namespace: c.Namespace, Name: c.CaptureName}
}

// Current is the role of the last command accepted.
func (c *Checkpoint) Current() Role {
	if c == nil || len(c.History) == 0 {
		return Role{}
	}
	return c.History[len(c.History)-1]
}

// WasPrimary tells whether this cluster was primary last, leaving out of account that it has stood down since, for a
// handover or a failover that may not have come to its end.
func (c *Checkpoint) WasPrimary() bool {
	if c == nil {
		return false
	}
	for _, role := range slices.Backward(c.History) {
		if role.State == v1alpha1.Secondary && role.Action != "" {
			continue
		}
		return role.State == v1alpha1.Primary
	}
	return false
}

// Refusal is why a command is not accepted.
type Refusal struct {
	Reason, Message string
}

// Reasons of a refusal, and of DataReady=False for it.
const (
	ReasonEpochConflict        = v1alpha1.ReasonEpochConflict
	ReasonHandoverTokenInvalid = "HandoverTokenInvalid"
	ReasonActionRequired       = "ActionRequired"
)

// Accept returns the checkpoint to write before a command is carried out, or why it is refused. The checkpoint given is
// returned as it is when the command is the one it has.
func Accept(c *Checkpoint, group *v1alpha1.VolumeReplicationGroup, cluster string, now time.Time) (*Checkpoint, *Refusal) {
	if refusal := admit(c, group.Spec, cluster); refusal != nil {
		return c, refusal
	}
	if c != nil && sameCommand(c, group) {
		return c, nil
	}
	return next(c, group, now), nil
}

func admit(c *Checkpoint, spec v1alpha1.VolumeReplicationGroupSpec, cluster string) *Refusal {
	current := c.Current()
	if c != nil && spec.Epoch < current.Epoch {
		return conflict("the command is of epoch %d, but this cluster has accepted epoch %d; a hub restored from a backup must adopt the later one", spec.Epoch, current.Epoch)
	}
	sameRole := current.State == spec.ReplicationState && current.Action == spec.Action
	switch {
	case c != nil && sameRole && current.Epoch == spec.Epoch:
		return nil
	case spec.ReplicationState == v1alpha1.Primary:
		return admitPrimary(c, current, spec, cluster)
	case spec.Action == "" && current.State == v1alpha1.Primary:
		return &Refusal{ReasonActionRequired,
			"this cluster is primary; say with action Relocate that it shall hand over, or with Failover that it shall give way"}
	default:
		return nil
	}
}

func admitPrimary(c *Checkpoint, current Role, spec v1alpha1.VolumeReplicationGroupSpec, cluster string) *Refusal {
	stoodDown := current.State == v1alpha1.Secondary && current.Action != ""
	switch spec.Action {
	case v1alpha1.VRGActionAbort:
		if !c.WasPrimary() {
			return conflict("an aborted action gives the role back to the cluster that was primary last, and that was not this one")
		}
		if stoodDown && spec.Epoch != current.Epoch+1 {
			return conflict("this cluster stood down in epoch %d; an abort of that has epoch %d, not %d", current.Epoch, current.Epoch+1, spec.Epoch)
		}
	case v1alpha1.VRGActionFailover, v1alpha1.VRGActionRelocate:
		if stoodDown && current.Epoch == spec.Epoch {
			return conflict("this cluster stood down in epoch %d and can't become primary in the same one", current.Epoch)
		}
		if spec.Action == v1alpha1.VRGActionRelocate {
			if err := handover.Verify(spec.HandoverToken, spec.Epoch, cluster); err != nil {
				return &Refusal{ReasonHandoverTokenInvalid, err.Error()}
			}
		}
	default:
		if current.State == v1alpha1.Secondary {
			return conflict("this cluster became secondary in epoch %d; it becomes primary again only by a failover or a relocate", current.Epoch)
		}
	}
	return nil
}

func conflict(format string, args ...any) *Refusal {
	return &Refusal{ReasonEpochConflict, fmt.Sprintf(format, args...)}
}

func sameCommand(c *Checkpoint, group *v1alpha1.VolumeReplicationGroup) bool {
	return c.UID == group.UID && equality.Semantic.DeepEqual(c.Spec, group.Spec)
}

func next(c *Checkpoint, group *v1alpha1.VolumeReplicationGroup, now time.Time) *Checkpoint {
	n := &Checkpoint{Namespace: group.Namespace, Name: group.Name}
	if c != nil {
		n = c.DeepCopy()
	}
	before, settled := c.Current(), c.Current().State == v1alpha1.Primary && c.Settled
	n.UID, n.Generation = group.UID, group.Generation
	n.Spec = *group.Spec.DeepCopy()
	n.CaptureName, n.PeersRequired = group.Name, false
	if drpc := group.Labels[v1alpha1.LabelDRPlacementControl]; drpc != "" {
		n.CaptureName, n.PeersRequired = drpc, true
	}
	role := Role{Epoch: n.Spec.Epoch, State: n.Spec.ReplicationState, Action: n.Spec.Action, Time: metav1.NewTime(now)}
	if c != nil && before.Epoch == role.Epoch && before.State == role.State && before.Action == role.Action {
		return n
	}
	n.History = append(n.History, role)
	n.History = n.History[max(0, len(n.History)-maxHistory):]
	n.Token, n.Restored, n.Removed = nil, "", ""
	n.Settled = settledFromTheStart(role, settled)
	return n
}

// settledFromTheStart tells whether a role has nothing to restore or undo: a first placement, or staying what a settled
// primary is. One that was still being restored goes on being restored, whatever it is told that it became primary by.
func settledFromTheStart(role Role, settledPrimary bool) bool {
	return role.State == v1alpha1.Primary && (role.Action == "" || settledPrimary)
}
