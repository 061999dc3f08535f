// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"testing"
	"time"

	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

// Terms of a volume that began on dr1, was promoted on dr2 after 100 bytes, and again on dr1 after 150.
var (
	first  = layout.Term{Generation: 1, Cluster: "dr1"}
	second = layout.Term{Generation: 2, Cluster: "dr2", Start: 100}
	third  = layout.Term{Generation: 3, Cluster: "dr1", Start: 150}
)

func terms(t ...layout.Term) []layout.Term { return t }

func TestExtends(t *testing.T) {
	for name, c := range map[string]struct {
		history []layout.Term
		size    int64
		of      []layout.Term
		ofSize  int64
		want    bool
	}{
		"an empty copy is a prefix of anything":          {terms(first), 0, terms(second), 10, true},
		"equal copies are prefixes of each other":        {terms(first), 50, terms(first), 50, true},
		"a copy that lags is a prefix":                   {terms(first), 40, terms(first), 50, true},
		"a copy that is ahead is not":                    {terms(first), 60, terms(first), 50, false},
		"all of a term before the promotion is a prefix": {terms(first), 100, terms(first, second), 130, true},
		"more than that was not promoted":                {terms(first), 101, terms(first, second), 130, false},
		"a promotion that wrote nothing does not count":  {terms(first, second), 100, terms(first), 100, true},
		"a promotion elsewhere does":                     {terms(first, second), 101, terms(first), 120, false},
		"the same generation of another cluster is another": {
			terms(first, second), 110, terms(first, layout.Term{Generation: 2, Cluster: "dr1", Start: 100}), 120, false,
		},
		"later promotions do not matter": {terms(first, second), 150, terms(first, second, third), 200, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := extends(c.history, c.size, c.of, c.ofSize); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// secondary is a copy on dr2 of a volume whose primary is on dr1.
func secondary(change ...func(*layout.Meta)) *layout.Meta {
	m := &layout.Meta{Handle: "v", Role: layout.Secondary, Generation: 1, History: terms(first), Received: &layout.Received{From: "dr1"}}
	for _, f := range change {
		f(m)
	}
	return m
}

// demoted is the copy on dr2 after it was demoted in generation 2.
func demoted(delivered bool) *layout.Meta {
	return secondary(func(m *layout.Meta) {
		m.Generation, m.History = 2, terms(first, second)
		m.Received, m.Final = nil, &layout.Final{Delivered: delivered}
	})
}

func received(at time.Time) func(*layout.Meta) {
	return func(m *layout.Meta) { m.Received.Time = at }
}

func diverged(m *layout.Meta) { m.Diverged = true }

func superseded(m *layout.Meta) { m.SupersededBy = 2 }

func on(role layout.Role, generation, size int64, history ...layout.Term) *PeerState {
	return &PeerState{
		Cluster: "dr1", Exists: true, Role: role, Generation: generation, Size: size, History: history,
		MayWrite: role != layout.Secondary,
	}
}

// supersededPeer is the primary on dr1 over which dr2 was promoted in generation 2.
func supersededPeer() *PeerState {
	peer := on(layout.Primary, 1, 100, first)
	peer.MayWrite = false
	return peer
}

func TestPromotableWithoutForce(t *testing.T) {
	for name, c := range map[string]struct {
		meta *layout.Meta
		size int64
		peer *PeerState
		want bool
	}{
		"the peer is primary":                              {secondary(), 50, on(layout.Primary, 1, 50, first), false},
		"the peer is writable though not replicated":       {secondary(), 50, on(layout.Standalone, 1, 50, first), false},
		"the peer was demoted and all of it is here":       {secondary(), 50, on(layout.Secondary, 1, 50, first), true},
		"the peer was demoted and its last bytes lack":     {secondary(), 49, on(layout.Secondary, 1, 50, first), false},
		"the peer was promoted and demoted meanwhile":      {secondary(), 100, on(layout.Secondary, 2, 100, first, second), false},
		"the peer has no such volume any more":             {secondary(), 50, &PeerState{}, true},
		"the copy has diverged":                            {secondary(diverged), 50, on(layout.Secondary, 1, 50, first), false},
		"the copy was superseded before it was demoted":    {secondary(superseded), 50, nil, false},
		"the peer is silent and was primary":               {secondary(), 50, nil, false},
		"the peer is silent and had been demoted":          {secondary(func(m *layout.Meta) { m.Received.Final = true }), 50, nil, true},
		"the peer is silent and was handed over to":        {demoted(true), 130, nil, false},
		"the peer is silent and lacks the last snapshot":   {demoted(false), 130, nil, true},
		"a demotion is taken back":                         {demoted(true), 130, on(layout.Secondary, 2, 130, first, second), true},
		"a demotion can't be taken back after a promotion": {demoted(true), 130, on(layout.Primary, 3, 130, first, second), false},
	} {
		t.Run(name, func(t *testing.T) {
			err := promotable(c.meta, c.size, c.peer)
			if (err == nil) != c.want || (err != nil && !errors.Is(err, ErrPrecondition)) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestPlanResync(t *testing.T) {
	silent := (*PeerState)(nil)
	for name, c := range map[string]struct {
		meta  *layout.Meta
		size  int64
		peer  *PeerState
		force bool
		want  resyncStep
	}{
		"a copy pulls from its primary":                         {secondary(), 40, on(layout.Primary, 1, 50, first), false, pull},
		"a demoted primary pulls from the new one":              {secondary(), 100, on(layout.Primary, 2, 130, first, second), false, pull},
		"bytes that the new primary lacks are kept":             {secondary(), 101, on(layout.Primary, 2, 130, first, second), false, needsForce},
		"unless it is forced":                                   {secondary(), 101, on(layout.Primary, 2, 130, first, second), true, pull},
		"a copy known to have diverged needs force":             {secondary(diverged), 50, on(layout.Primary, 1, 50, first), false, needsForce},
		"a demoted volume awaits that its snapshot arrives":     {demoted(false), 130, on(layout.Secondary, 2, 120, first, second), false, awaitFinal},
		"also by force":                                         {demoted(false), 130, on(layout.Secondary, 2, 120, first, second), true, awaitFinal},
		"also if the peer has no copy yet":                      {demoted(false), 130, &PeerState{}, false, awaitFinal},
		"a demoted volume whose snapshot arrived is in sync":    {demoted(true), 130, on(layout.Secondary, 2, 130, first, second), false, inSync},
		"a silent peer that has the snapshot is taken for good": {demoted(true), 130, silent, false, inSync},
		"a silent peer that lacks it is not":                    {demoted(false), 130, silent, false, notYet},
		"a silent peer and a diverged copy":                     {secondary(diverged), 50, silent, true, notYet},
		"a copy whose primary was demoted is in sync with all":  {secondary(), 50, on(layout.Secondary, 1, 50, first), false, inSync},
		"and not yet without the last bytes":                    {secondary(), 49, on(layout.Secondary, 1, 50, first), false, notYet},
		"nobody replicates to a copy":                           {secondary(), 50, on(layout.Standalone, 1, 50, first), true, noPrimary},
		"the primary was superseded by the copy's promotion":    {demoted(true), 130, supersededPeer(), false, noPrimary},
		"which is given up by force":                            {demoted(true), 130, supersededPeer(), true, yield},
		"the primary's volume is gone":                          {secondary(), 50, &PeerState{}, true, noPrimary},
		"a superseded volume has no snapshot to wait for": {
			secondary(superseded, func(m *layout.Meta) { m.Final = &layout.Final{} }), 50, &PeerState{}, true, noPrimary,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := planResync(c.meta, c.size, c.peer, c.force); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

func TestRouteOfASnapshot(t *testing.T) {
	m := &layout.Meta{Role: layout.Primary, Generation: 2, History: terms(first, second)}
	for name, c := range map[string]struct {
		peer *PeerState
		want shipment
	}{
		"a peer without a copy gets all":               {&PeerState{}, shipFull},
		"a copy that lags gets what it lacks":          {on(layout.Secondary, 1, 90, first), shipDelta},
		"a copy that is ahead is left alone":           {on(layout.Secondary, 1, 101, first), shipDiverged},
		"a writer is not overwritten":                  {on(layout.Primary, 1, 100, first), shipWriter},
		"a volume that was released is not either":     {on(layout.Standalone, 1, 100, first), shipWriter},
		"a peer that was promoted since gets nothing":  {on(layout.Secondary, 3, 150, first, second, third), shipSuperseded},
		"a copy that is known to have diverged, too":   {&PeerState{Exists: true, Role: layout.Secondary, Diverged: true}, shipDiverged},
		"a copy of the same generation gets the delta": {on(layout.Secondary, 2, 110, first, second), shipDelta},
	} {
		t.Run(name, func(t *testing.T) {
			if got := route(m, 130, *c.peer); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

func TestJudgementOfASnapshot(t *testing.T) {
	delta := Snapshot{Handle: "v", From: "dr1", Generation: 1, History: terms(first), Base: 40, Size: 50}
	full := Snapshot{Handle: "v", From: "dr1", Generation: 1, History: terms(first), Size: 50, Full: true}
	for name, c := range map[string]struct {
		local *layout.Meta
		size  int64
		s     Snapshot
		want  error
	}{
		"all of a new volume":                 {nil, 0, full, nil},
		"a part of a new volume":              {nil, 0, delta, ErrRefused},
		"what a copy lacks":                   {secondary(), 40, delta, nil},
		"what a copy has already":             {secondary(), 50, delta, ErrRefused},
		"a gap":                               {secondary(), 30, delta, ErrRefused},
		"all over a copy":                     {secondary(), 40, full, nil},
		"an older generation over a copy":     {demoted(true), 40, full, ErrRefused},
		"anything over a writer":              {&layout.Meta{Role: layout.Primary, Generation: 1}, 40, full, ErrRefused},
		"something over a copy that is ahead": {secondary(), 60, delta, errDiverged},
		"what a resync has overtaken":         {secondary(received(delta.Time.Add(1))), 60, delta, ErrRefused},
		"all of what a resync has overtaken":  {secondary(received(full.Time.Add(1))), 60, full, ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			err := judge(c.local, c.size, c.s)
			if !errors.Is(err, c.want) || (c.want == nil) != (err == nil) || errors.Is(err, errDiverged) != (c.want == errDiverged) {
				t.Errorf("got %v", err)
			}
		})
	}
}
