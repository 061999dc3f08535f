// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"strings"
	"time"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// sentBy is the name by which a claim's volume is sent.
func (c *Claim) sentBy() string { return v1alpha1.VolSyncGroupFor(c.Group, c.Name) }

// sendVolume has a volume that is sent by itself sent in cycles, of which VolSync takes the snapshots. Epoch is that of the final
// sync; zero if there is none.
func (p *planner) sendVolume(c *Claim, epoch int64) {
	rs := p.Sources[c.Name]
	switch {
	case rs == nil && epoch == 0:
		p.beginStream(c)
		return
	case rs == nil, idle(rs) && !p.cleaned(rs.Name):
		return
	}
	if address := p.addressFor(c.Name, rs); address != "" {
		p.tell(rs, p.source(c, rs, address, p.next(c, rs, epoch)))
	}
}

// cleaned tells whether VolSync has got rid of the claim that it made for the sync before. It would take that for the claim of the
// next one, also while it is being deleted, and send again what was sent before.
func (f *Facts) cleaned(source string) bool { return !f.Temporary.Has(sentFrom(source)) }

// beginStream offers the peer a stream, and begins it once the peer has said where it receives. One that has begun and has no
// source is over.
func (p *planner) beginStream(c *Claim) {
	if c.Stream == "" || c.Begun {
		p.out.Streams = append(p.out.Streams, Stream{Claim: c, name: newStream(p.now).stream})
		return
	}
	if address := p.addressFor(c.Name, nil); address != "" {
		first := sending{cycle: cycle{c.Stream, 1}, at: p.now}
		p.out.Streams = append(p.out.Streams, Stream{c, c.Stream, p.source(c, nil, address, first)})
	}
}

// lastTold is the cycle that the source of a volume was told to send last. A trigger of somebody else's has taken the place of the
// one that came after what was answered last.
func lastTold(rs *volsyncv1alpha1.ReplicationSource) (sending, bool) {
	if last, ours := parseSending(trigger(rs)); ours || rs.Status == nil {
		return last, ours
	}
	answered, ours := parseSending(rs.Status.LastManualSync)
	return sending{cycle: answered.next(), at: answered.at}, ours
}

// next is what a source is to send: what it was told last, until that has been answered and the next is due.
func (p *planner) next(c *Claim, rs *volsyncv1alpha1.ReplicationSource, epoch int64) sending {
	last, known := lastTold(rs)
	switch {
	case !known || rs.Annotations[annotationGroup] != c.sentBy():
		return sending{cycle: newStream(p.now), at: p.now}
	case !idle(rs):
		return p.unanswered(c.sentBy(), rs, last)
	case epoch != 0:
		return final(rs, last, epoch, p.now)
	}
	if due := nextDue(last.at, p.Interval, rs.Namespace+"/"+rs.Name); p.now.Before(due) {
		p.again(due)
		return last
	}
	return sending{cycle: last.next(), at: p.now}
}

// unanswered is what a source is to send whose last cycle was not answered yet: that one, unless the hub says that it can't be.
// If all of it has arrived, the answer was lost, and it is sent once more as the one that the peer waits for now. If the peer
// waits for an earlier one, it has lost what it had, and hears of another stream.
func (p *planner) unanswered(name string, rs *volsyncv1alpha1.ReplicationSource, last sending) sending {
	arrived, told := p.hasArrivedOf(name, last.stream)
	switch {
	case !told:
	case arrived >= last.number:
		last.number = arrived + 1
	case arrived < last.number-1 && failing(rs) && p.over(since(rs, last.stream).Add(patience(rs))):
		// That its first cycle is answered proves nothing of what came before.
		last = sending{newStream(p.now), last.at, strings.TrimSuffix(last.final, confirmSuffix)}
	}
	return last
}

// since is when a source began what it is at: a sync goes on when it is told to send it as something else.
func since(rs *volsyncv1alpha1.ReplicationSource, stream string) time.Time {
	began := begun(stream)
	if start := rs.Status.LastSyncStartTime; start != nil && start.After(began) {
		return start.Time
	}
	return began
}
