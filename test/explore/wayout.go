// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

// checkWayOut checks that a person gets the application to run again after a cluster is lost for good in a state, be it by
// nothing but waiting, by an abort, or by a failover to the cluster that is left.
func (m *model) checkWayOut(s state, lost int) error {
	left := 1 - lost
	s.sites[lost].die()
	s.sites[lost].dead = true
	gone := func(e event) bool { return e.kind == heals && int(e.n) == 2+lost }
	for range 3 {
		settled, _, err := m.settleWith(s, gone)
		if err != nil {
			return err
		}
		if s = settled; m.canWrite(&s, left) {
			return nil
		}
		s.left.verbs = 1
		if err := m.asked(&s, failover(left, true)); err != nil {
			return err
		}
		if s.left.verbs == 0 {
			continue
		}
		if err := m.asked(&s, abort); err != nil {
			return err
		}
		if s.left.verbs != 0 {
			key := verbKey{failover(left, true), m.judged(&s)}
			return m.violated(&s, wayOut, "%s is lost, and %s cannot take over: %s", names[lost], names[left], m.memoRefused[key])
		}
	}
	return m.violated(&s, wayOut, "%s is lost, and whatever is asked for, the application does not run on %s: %s", names[lost], names[left], m.describe(&s))
}
