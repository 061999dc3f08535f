// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import "time"

// unansweredPatience is how long whoever replicates a volume may take to make it what it was told to be, before he is reminded.
const unansweredPatience = 15 * time.Second

// refreshWhenDue has the state of a volume looked at: after first since it last changed, then at growing intervals.
func (d *decider) refreshWhenDue(v *Volume, first, then, longest time.Duration) {
	d.refreshSince(v, v.State.Since, first, then, longest)
}

// hurryUnanswered has the state of volumes looked at that are not what they were last told to be: whoever replicates them may have failed so
// often while their storage was away that it would not try again for a quarter of an hour, although the storage is back.
func (d *decider) hurryUnanswered() {
	for i := range d.Volumes {
		v := &d.Volumes[i]
		if since, unanswered := d.Unanswered[v.Key()]; unanswered && d.own(v) {
			d.refreshSince(v, since, unansweredPatience, unansweredPatience, time.Minute)
		}
	}
}

// refreshSince has the state of a volume looked at: after first since the time, then at growing intervals.
func (d *decider) refreshSince(v *Volume, since time.Time, first, then, longest time.Duration) {
	tried := d.Refreshed[v.Key()]
	at := since.Add(first)
	if tried.Count > 0 {
		at = tried.Last.Add(min(longest, then<<min(tried.Count-1, 10)))
	}
	if d.due(at) {
		d.out.Refresh = append(d.out.Refresh, v)
		d.lookAgain(then)
	}
}
