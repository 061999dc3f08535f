// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
	"github.com/ramendr/dr-apiserver/test/storagesim/records"
)

var start = time.Date(2026, 1, 1, 3, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }

func pointer(t time.Time) *time.Time { return &t }

// failover is an action from dr1 to dr2, with a sync point at 8 s; seen has it asked for after 10 s and ended after 12 s.
func failover(change func(*Action)) Action {
	a := Action{
		Name: "f", UID: "u", Type: "Failover", Source: "dr1", Target: "dr2",
		SyncPoint: pointer(at(8)), Promoting: true, Ended: "Succeeded",
	}
	if change != nil {
		change(&a)
	}
	return a
}

func seen(actions ...Action) []Entry {
	entries := []Entry{{Kind: KindRequest, App: "shop", Answer: Unknown, Began: pointer(at(10)), Action: &Action{Name: "f"}}}
	for i := range actions {
		entries = append(entries, Entry{Kind: KindAction, App: "shop", Time: at(12), Action: &actions[i]})
	}
	return entries
}

func lost(seconds float64, cluster string) Finding {
	record := layout.Record{Cluster: cluster, Generation: 1, Seq: 7, Time: at(seconds)}
	return finding(records.Volume{Lost: records.Loss{Count: 1, Records: []layout.Record{record}}})
}

func overlap(generations [2]int64) Finding {
	return finding(records.Volume{Overlaps: []records.Overlap{{
		Clusters: [2]string{"dr1", "dr2"}, Generations: generations, FirstTime: at(11), LastTime: at(13), Records: 3,
	}}})
}

// finding is of an application with volumes that are replicated by their storage.
func finding(volumes ...records.Volume) Finding {
	for i := range volumes {
		volumes[i].Claim, volumes[i].Handle = cmp.Or(volumes[i].Claim, fmt.Sprintf("data-%d-shop-0", i)), fmt.Sprintf("handle-%d", i)
	}
	return Finding{App: "shop", Kind: kind("replicated"), Report: &records.Report{Volumes: volumes}}
}

// of is the same of an application of another kind.
func (f Finding) of(name string) Finding {
	f.Kind = kind(name)
	return f
}

func kind(name string) Kind {
	found, err := parseKinds(name)
	if err != nil {
		panic(err)
	}
	return found[0]
}

func entries(all ...Entry) []Entry { return all }

func TestCheck(t *testing.T) {
	acknowledged := func(a *Action) { a.Acknowledged = true }
	write := func(n int64, seconds float64) Entry {
		return Entry{Kind: KindWrite, Answer: Accepted, Number: n, Time: at(seconds)}
	}
	tried := func(n int64, seconds float64) Entry {
		return Entry{Kind: KindWrite, Answer: Unknown, Number: n, Time: at(seconds)}
	}
	group := func(uid, cluster string, epoch, version int64, state string) Entry {
		return Entry{Kind: KindGroup, App: "shop", Group: &Group{UID: uid, Cluster: cluster, Epoch: epoch, Version: version, State: state}}
	}
	synced := func(cluster, state string, seconds, upTo float64) Entry {
		return Entry{Kind: KindGroup, App: "shop", Time: at(seconds), Group: &Group{
			UID: cluster, Cluster: cluster, Epoch: 1, State: state, Synced: map[string]time.Time{"data-0-shop-0": at(upTo)},
		}}
	}
	read := func(n int64, began float64) Entry {
		return Entry{Kind: KindRead, Number: n, Time: at(began + 1), Began: pointer(at(began))}
	}
	saw := func(n int64, session int) Entry { return Entry{Kind: KindSeen, Number: n, Session: session} }
	request := Entry{Kind: KindRequest, App: "shop", Answer: Accepted, Action: &Action{Name: "f"}}

	for name, test := range map[string]struct {
		history []Entry
		found   []Finding
		want    []string
	}{
		"an action that ended": {history: append(seen(failover(nil)), request)},
		"an action that did not end": {
			history: seen(failover(func(a *Action) { a.Ended = "" })), want: []string{promiseEnd},
		},
		"an action that ended twice": {
			history: seen(failover(nil), failover(func(a *Action) { a.Ended = "Failed" })), want: []string{promiseEnd},
		},
		"an accepted request of which there is no record": {history: []Entry{request}, want: []string{promiseEnd}},
		"a request that was refused":                      {history: []Entry{{Kind: KindRequest, App: "shop", Answer: Refused, Action: &Action{Name: "f"}}}},
		"a request that became two actions": {
			history: append(seen(failover(nil), failover(func(a *Action) { a.UID = "v" })), request), want: []string{promiseOne},
		},
		"a record lost after the sync point":               {history: seen(failover(nil)), found: []Finding{lost(9, "dr1")}},
		"a record lost before the sync point":              {history: seen(failover(nil)), found: []Finding{lost(7, "dr1")}, want: []string{promiseLoss}},
		"a record lost that the target wrote":              {history: seen(failover(nil)), found: []Finding{lost(9, "dr2")}, want: []string{promiseLoss}},
		"a record lost though the failover was aborted":    {history: seen(failover(func(a *Action) { a.Promoting = false })), found: []Finding{lost(9, "dr1")}, want: []string{promiseLoss}},
		"a record lost in a relocate":                      {history: seen(failover(func(a *Action) { a.Type = "Relocate" })), found: []Finding{lost(9, "dr1")}, want: []string{promiseLoss}},
		"a record lost that was written after the end":     {history: seen(failover(nil)), found: []Finding{lost(20, "dr1")}, want: []string{promiseLoss}},
		"a record lost of a source that nobody could stop": {history: seen(failover(acknowledged)), found: []Finding{lost(20, "dr1")}},

		"two writers":                         {history: seen(failover(nil)), found: []Finding{overlap([2]int64{1, 2})}, want: []string{promiseWriter}},
		"two writers, which was acknowledged": {history: seen(failover(acknowledged)), found: []Finding{overlap([2]int64{1, 2})}},
		"two writers of one generation":       {history: seen(failover(acknowledged)), found: []Finding{overlap([2]int64{2, 2})}, want: []string{promiseWriter}},
		"two writers long before it was acknowledged": {
			history: seen(failover(acknowledged)), want: []string{promiseWriter},
			found: []Finding{finding(records.Volume{Overlaps: []records.Overlap{{
				Clusters: [2]string{"dr1", "dr2"}, Generations: [2]int64{1, 2}, FirstTime: at(2), LastTime: at(3),
			}}})},
		},
		"two writers of volumes of their own, which was acknowledged": {
			history: seen(failover(acknowledged)), found: []Finding{overlap([2]int64{2, 2}).of("copied"), overlap([2]int64{2, 2}).of("snapshotted")},
		},
		"two writers of volumes of their own": {
			history: seen(failover(nil)), found: []Finding{overlap([2]int64{1, 2}).of("copied")}, want: []string{promiseWriter},
		},

		"a record lost that the volume was known to have been synced with": {
			history: append(entries(synced("dr1", "Primary", 9.5, 9)), seen(failover(nil))...), found: []Finding{lost(9, "dr1")}, want: []string{promiseLoss},
		},
		"a record lost that was written after the volume's last sync": {
			history: append(entries(synced("dr1", "Primary", 9.5, 8.5)), seen(failover(nil))...), found: []Finding{lost(9, "dr1")},
		},
		"a record lost before a sync that was told of after the request": {
			history: append(seen(failover(nil)), synced("dr1", "Primary", 10.5, 9)), found: []Finding{lost(9, "dr1")},
		},
		"a record lost that another cluster's volume was synced with": {
			history: append(entries(synced("dr2", "Primary", 9.5, 9)), seen(failover(nil))...), found: []Finding{lost(9, "dr1")},
		},
		"a volume that is gone":                    {found: []Finding{finding(records.Volume{Deleted: true})}, want: []string{promiseLoss}},
		"a claim that got another volume":          {found: []Finding{finding(records.Volume{Claim: "data"}, records.Volume{Claim: "data"})}, want: []string{promiseLoss}},
		"records that all volumes of a group have": {found: []Finding{finding(records.Volume{}, records.Volume{}).of("grouped")}},
		"records that some volumes of a group have": {
			found: []Finding{{App: "shop", Kind: kind("grouped"), Report: &records.Report{Torn: 1}}}, want: []string{promiseTorn},
		},

		"primaries of two epochs": {
			history: entries(group("a", "dr1", 1, 1, "Primary"), group("b", "dr2", 1, 2, "Secondary"), group("b", "dr2", 2, 3, "Primary"), group("a", "dr1", 2, 4, "Secondary")),
		},
		"primaries of one epoch": {
			history: entries(group("b", "dr2", 1, 1, "Secondary"), group("a", "dr1", 2, 2, "Primary"), group("b", "dr2", 2, 3, "Primary")), want: []string{promiseEpoch},
		},
		"primaries of the first epochs of two placements": {
			history: entries(group("a", "dr1", 1, 1, "Primary"), group("a", "dr1", 1, 2, "Primary"), group("b", "dr2", 1, 3, "Primary")),
		},
		"a restored capture that is not complete":   {history: []Entry{{Kind: KindCapture, App: "shop", Error: "no manifest"}}, want: []string{promiseCapture}},
		"a read that misses what was not answered":  {history: entries(tried(1, 1), read(0, 2))},
		"a read of what was written":                {history: entries(write(1, 1), read(1, 2))},
		"a read that is older than the write":       {history: entries(write(1, 1), read(0, 0.5))},
		"a read that misses a write":                {history: entries(write(1, 1), write(2, 2), read(1, 3)), want: []string{promiseWrite}},
		"a watch that sees all":                     {history: entries(write(1, 1), write(2, 2), saw(1, 0), saw(2, 0))},
		"a watch that misses one":                   {history: entries(write(1, 1), write(2, 2), write(3, 3), saw(1, 0), saw(3, 0)), want: []string{promiseWatch}},
		"a watch that misses what was not answered": {history: entries(write(1, 1), write(3, 3), saw(1, 0), saw(3, 0))},
		"two watches with time between them":        {history: entries(write(1, 1), write(2, 2), write(3, 3), saw(1, 0), saw(3, 1))},
		"a watch that goes back":                    {history: entries(write(1, 1), write(2, 2), saw(2, 0), saw(1, 0)), want: []string{promiseWatch}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, v := range Check(test.history, test.found) {
				got = append(got, v.Promise)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
