// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package records

import "github.com/ramendr/dr-apiserver/test/storagesim/layout"

// member is one of several volumes that are written to at once: what was acknowledged, and what of it survives where the
// application would go on.
type member struct {
	acks      []layout.Record
	survivors map[layout.Key]bool
}

// torn counts the records that were written to several volumes at once and survive on some of them only.
func torn(members []member) int {
	type key struct {
		cluster  string
		together int64
	}
	type count struct{ written, kept int }
	counts := map[key]*count{}
	for _, m := range members {
		for i := range m.acks {
			r := &m.acks[i]
			if r.Together == 0 {
				continue
			}
			k := key{r.Cluster, r.Together}
			if counts[k] == nil {
				counts[k] = &count{}
			}
			counts[k].written++
			if m.survivors[r.Key()] {
				counts[k].kept++
			}
		}
	}
	n := 0
	for _, c := range counts {
		if c.kept > 0 && c.kept < c.written {
			n++
		}
	}
	return n
}
