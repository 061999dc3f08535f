// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import "fmt"

// event is one thing that can happen.
type event struct {
	kind kind
	c, n int8
}

type kind uint8

const (
	hubSees kind = iota
	hubDecides
	hubWritesNext
	hubRecords
	verbAsked
	verbStored
	verbRecorded
	agentSees
	agentDecides
	agentWrites
	agentRestores
	agentLists
	agentSeals
	agentUploads
	agentClears
	agentReports
	lateReport
	podsAreGone
	csiLooks
	arrayShips
	applicationWrites
	leaseExpires
	leaseRenewed
	agentStarts
	heals
	// From here on events are faults, that cost.
	hubDies
	agentDies
	agentCut
	clusterDies
	storageBreaks
	storeDies
	reportDelayed
	reportTwice
	hubSaved
	hubRestored
)

// words tell an event in a trace, and name it there.
func (m *model) words(e event) string {
	c := ""
	if int(e.c) < clusters {
		c = names[e.c]
	}
	switch e.kind {
	case hubSees:
		return []string{"hub: the caches show the placement", "hub: the caches show the group of dr1", "hub: the caches show the group of dr2"}[e.n]
	case verbAsked:
		return "somebody asks: " + m.scenario.verbs[e.n].String()
	case agentUploads:
		return fmt.Sprintf("%s: a capture goes to %s", c, profile(int(e.n)))
	case csiLooks:
		return fmt.Sprintf("%s: csi-addons looks at volume %d", c, e.n)
	case arrayShips:
		return fmt.Sprintf("%s: the array ships volume %d", c, e.n)
	case heals:
		return []string{"dr1 reaches the hub again", "dr2 reaches the hub again", "dr1 is back", "dr2 is back", "the arrays reach each other again", "s3-dr1 answers again", "s3-dr2 answers again"}[e.n]
	case storeDies:
		return "FAULT: " + profile(int(e.c)) + " dies"
	}
	return fmt.Sprintf(phrases[e.kind], c)
}

var phrases = map[kind]string{
	hubDecides: "hub: the placement controller decides%.0s", hubWritesNext: "hub: the placement controller writes%.0s",
	hubRecords: "hub: the DRAction controller brings the records up to date%.0s", verbStored: "hub: the request is stored%.0s",
	verbRecorded: "hub: the request's DRAction is written%.0s", agentSees: "%s: the agent sees its group",
	agentDecides: "%s: the agent decides", agentWrites: "%s: the agent writes", agentRestores: "%s: the restore ends",
	agentLists: "%s: the application's objects are listed", agentSeals: "%s: a capture is taken",
	agentClears: "%s: the captures are deleted", agentReports: "%s: the agent reports", lateReport: "%s: a late report arrives",
	podsAreGone: "%s: the last pod ends", applicationWrites: "%s: the application writes a record",
	leaseExpires: "hub: the Lease of %s expires", leaseRenewed: "hub: the Lease of %s is renewed", agentStarts: "%s: the agent starts",
	hubDies: "FAULT: the hub dies and starts again%.0s", agentDies: "FAULT: the agent of %s dies",
	agentCut: "FAULT: %s cannot reach the hub", clusterDies: "FAULT: cluster %s dies", storageBreaks: "FAULT: the arrays cannot reach each other%.0s",
	reportDelayed: "FAULT: a report of %s is delayed", reportTwice: "FAULT: a late report of %s arrives, and will again",
	hubSaved: "the hub is backed up%.0s", hubRestored: "FAULT: the hub is restored from its backup%.0s",
}

// everything that may happen in a state of the scenario, enabled or not.
func (m *model) everything() []event {
	var all []event
	add := func(k kind, ns ...int8) {
		for _, n := range ns {
			all = append(all, event{k, 0, n})
		}
	}
	both := func(k kind, ns ...int8) {
		for c := range int8(clusters) {
			for _, n := range ns {
				all = append(all, event{k, c, n})
			}
		}
	}
	for n := range m.scenario.verbs {
		add(verbAsked, int8(n)) //nolint:gosec // a handful
	}
	add(verbStored, 0)
	add(verbRecorded, 0)
	if m.scenario.hubLags {
		add(hubSees, 0, 1, 2)
	}
	add(hubDecides, 0)
	add(hubWritesNext, 0)
	if m.scenario.records {
		add(hubRecords, 0)
	}
	both(agentSees, 0)
	if !m.scenario.swift {
		all = append(all, m.withinClusters()...)
	}
	both(agentReports, 0)
	both(lateReport, 0)
	both(applicationWrites, 0)
	both(leaseExpires, 0)
	if m.scenario.leases {
		both(leaseRenewed, 0)
	}
	both(agentStarts, 0)
	add(heals, 0, 1, 2, 3, 4, 5, 6)
	return append(all, m.faults()...)
}

// withinClusters is what happens on the clusters by itself, without the hub.
func (m *model) withinClusters() []event {
	var all []event
	for _, k := range []kind{agentDecides, agentWrites, agentRestores, agentLists, agentSeals, agentUploads, agentClears, podsAreGone, csiLooks, arrayShips} {
		ns := 1
		switch k {
		case agentUploads:
			ns = len(m.profiles())
		case csiLooks, arrayShips:
			ns = m.scenario.volumes
		}
		for c := range int8(clusters) {
			for n := range int8(ns) { //nolint:gosec // one or two
				all = append(all, event{k, c, n})
			}
		}
	}
	return all
}

func (m *model) faults() []event {
	var all []event
	for _, k := range m.scenario.faults {
		switch k {
		case hubDies, storageBreaks, hubSaved, hubRestored:
			all = append(all, event{k, 0, 0})
		default:
			all = append(all, event{k, 0, 0}, event{k, 1, 0})
		}
	}
	return all
}
