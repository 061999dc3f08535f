// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/agent/handover"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func primary(epoch int64, action v1alpha1.VRGAction) Role {
	return Role{Epoch: epoch, State: v1alpha1.Primary, Action: action}
}

func secondary(epoch int64, action v1alpha1.VRGAction) Role {
	return Role{Epoch: epoch, State: v1alpha1.Secondary, Action: action}
}

func groupOf(r Role) *v1alpha1.VolumeReplicationGroup {
	return &v1alpha1.VolumeReplicationGroup{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop.dr1", UID: "u", Generation: 3,
			Labels: map[string]string{v1alpha1.LabelDRPlacementControl: "shop"}},
		Spec: v1alpha1.VolumeReplicationGroupSpec{ReplicationState: r.State, Action: r.Action, Epoch: r.Epoch},
	}
}

// remembering is the checkpoint of an agent that has accepted these commands, the oldest first.
func remembering(roles ...Role) *Checkpoint {
	if len(roles) == 0 {
		return nil
	}
	c := &Checkpoint{Namespace: "shop", Name: "shop.dr1", UID: "u", CaptureName: "shop", PeersRequired: true, History: roles}
	c.Spec = groupOf(roles[len(roles)-1]).Spec
	return c
}

func TestAccept(t *testing.T) {
	const failover, relocate, abort = v1alpha1.VRGActionFailover, v1alpha1.VRGActionRelocate, v1alpha1.VRGActionAbort
	token := handover.Seal(v1alpha1.HandoverToken{Epoch: 5, SourceCluster: "dr2"}, now)
	for name, tc := range map[string]struct {
		memory  []Role
		command Role
		token   *v1alpha1.HandoverToken
		refused string
		says    string
		settled bool
		// halfWay is true of a primary that is still being restored.
		halfWay bool
	}{
		"a first placement":                                {command: primary(1, ""), settled: true},
		"a group made by hand, without epochs":             {command: primary(0, ""), settled: true},
		"a first standby":                                  {command: secondary(1, "")},
		"the same command again":                           {memory: []Role{primary(1, "")}, command: primary(1, ""), settled: true},
		"a first placement where it is a standby":          {memory: []Role{secondary(1, "")}, command: primary(1, ""), refused: ReasonEpochConflict, says: "became secondary in epoch 1"},
		"a first placement where it stood down":            {memory: []Role{primary(1, ""), secondary(2, failover)}, command: primary(3, ""), refused: ReasonEpochConflict, says: "epoch 2"},
		"an epoch gone by":                                 {memory: []Role{secondary(2, "")}, command: secondary(1, ""), refused: ReasonEpochConflict, says: "accepted epoch 2"},
		"an epoch gone by, as primary":                     {memory: []Role{primary(1, ""), secondary(2, failover)}, command: primary(1, ""), refused: ReasonEpochConflict, says: "accepted epoch 2"},
		"a failover to a standby":                          {memory: []Role{secondary(1, "")}, command: primary(2, failover)},
		"a failover to an agent that lost its memory":      {command: primary(2, failover)},
		"a failover to where it runs":                      {memory: []Role{primary(1, "")}, command: primary(2, failover), settled: true},
		"a failover back to where it was failed away from": {memory: []Role{primary(1, ""), secondary(2, failover)}, command: primary(3, failover)},
		"a failover to a cluster that stood down for it":   {memory: []Role{primary(1, ""), secondary(2, failover)}, command: primary(2, failover), refused: ReasonEpochConflict, says: "stood down in epoch 2"},
		"giving way":                                 {memory: []Role{primary(1, "")}, command: secondary(2, failover)},
		"handing over":                               {memory: []Role{primary(1, "")}, command: secondary(2, relocate)},
		"a handover that turned into a failover":     {memory: []Role{primary(1, ""), secondary(2, relocate)}, command: secondary(3, failover)},
		"standing by where it is primary":            {memory: []Role{primary(1, "")}, command: secondary(2, ""), refused: ReasonActionRequired, says: "Relocate"},
		"standing by where it stood down":            {memory: []Role{primary(1, ""), secondary(2, failover)}, command: secondary(3, "")},
		"a relocate with its token":                  {memory: []Role{secondary(4, "")}, command: primary(5, relocate), token: token},
		"a relocate without a token":                 {memory: []Role{secondary(4, "")}, command: primary(5, relocate), refused: ReasonHandoverTokenInvalid, says: "missing"},
		"a relocate with a token of another epoch":   {memory: []Role{secondary(4, "")}, command: primary(6, relocate), token: token, refused: ReasonHandoverTokenInvalid, says: "of epoch 5"},
		"a relocate to the cluster that handed over": {memory: []Role{primary(4, ""), secondary(5, relocate)}, command: primary(5, relocate), token: token, refused: ReasonEpochConflict},
		"taking a handover back":                     {memory: []Role{primary(1, ""), secondary(2, relocate)}, command: primary(3, abort)},
		"taking a failover back":                     {memory: []Role{primary(1, ""), secondary(2, failover)}, command: primary(3, abort)},
		"taking back what never arrived here":        {memory: []Role{primary(1, "")}, command: primary(3, abort), settled: true},
		"taking back in the same epoch":              {memory: []Role{primary(1, ""), secondary(2, relocate)}, command: primary(2, abort), refused: ReasonEpochConflict, says: "has epoch 3"},
		"taking back what was completed long ago":    {memory: []Role{primary(1, ""), secondary(2, failover)}, command: primary(5, abort), refused: ReasonEpochConflict, says: "has epoch 3"},
		"taking back where it was not primary":       {memory: []Role{secondary(1, "")}, command: primary(3, abort), refused: ReasonEpochConflict, says: "not this one"},
		"taking back with nothing remembered":        {command: primary(3, abort), refused: ReasonEpochConflict, says: "not this one"},
		"the role it has not come to yet, said by a hub that adopts": {
			memory: []Role{secondary(4, ""), primary(5, relocate)}, halfWay: true, command: primary(5, failover),
		},
		"the role it has, said by a hub that adopts": {memory: []Role{secondary(4, ""), primary(5, relocate)}, command: primary(5, failover), settled: true},
	} {
		t.Run(name, func(t *testing.T) {
			before := remembering(tc.memory...)
			if before != nil {
				before.Settled = before.Current().State == v1alpha1.Primary && !tc.halfWay
			}
			group := groupOf(tc.command)
			group.Spec.HandoverToken = tc.token
			after, refusal := Accept(before, group, "dr1", now)
			if tc.refused != "" {
				if refusal == nil || refusal.Reason != tc.refused || !strings.Contains(refusal.Message, tc.says) || after != before {
					t.Errorf("got %+v, want %s with %q", refusal, tc.refused, tc.says)
				}
				return
			}
			if refusal != nil {
				t.Fatalf("refused: %+v", refusal)
			}
			role := after.Current()
			if role.Epoch != tc.command.Epoch || role.State != tc.command.State || role.Action != tc.command.Action || after.Settled != tc.settled {
				t.Errorf("remembers %+v, settled %t", role, after.Settled)
			}
			if again, refusal := Accept(after, group, "dr1", now); again != after || refusal != nil {
				t.Errorf("the same command again: %+v, %+v", again, refusal)
			}
		})
	}
}

func TestAChangeOfWhatIsProtectedIsNoChangeOfRole(t *testing.T) {
	c := remembering(primary(1, ""))
	c.Settled = true
	group := groupOf(primary(1, ""))
	group.Spec.S3Profiles = []string{"other"}
	after, refusal := Accept(c, group, "dr1", now)
	if refusal != nil || after == c || len(after.History) != 1 || !after.Settled || after.Spec.S3Profiles[0] != "other" || len(c.Spec.S3Profiles) != 0 {
		t.Errorf("%+v, %+v", after, refusal)
	}
}

func TestANewRoleForgetsTheTokenAndKeepsWhatItCaptured(t *testing.T) {
	c := remembering(primary(1, ""), secondary(2, v1alpha1.VRGActionRelocate))
	c.Token = handover.Seal(v1alpha1.HandoverToken{Epoch: 2}, now)
	c.LastCapture = &Capture{Digest: "d"}
	after, _ := Accept(c, groupOf(primary(3, v1alpha1.VRGActionAbort)), "dr1", now)
	if after.Token != nil || after.LastCapture == nil || c.Token == nil {
		t.Errorf("%+v", after)
	}
}

func TestAGroupMadeByHandIsItsOwnArchive(t *testing.T) {
	group := groupOf(primary(0, ""))
	group.Labels = nil
	c, _ := Accept(nil, group, "dr1", now)
	if c.Group().String() != "shop/shop.dr1" || c.PeersRequired {
		t.Errorf("%+v", c)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	var c *Checkpoint
	for epoch := range int64(maxHistory + 5) {
		c, _ = Accept(c, groupOf(secondary(epoch, "")), "dr1", now)
	}
	if len(c.History) != maxHistory || c.Current().Epoch != maxHistory+4 {
		t.Errorf("%d entries, the last of epoch %d", len(c.History), c.Current().Epoch)
	}
}
