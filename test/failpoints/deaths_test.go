// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package failpoints

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/ramendr/dr-apiserver/pkg/failpoint"

	// The packages that have points.
	_ "github.com/ramendr/dr-apiserver/pkg/agent"
	_ "github.com/ramendr/dr-apiserver/pkg/controllers"
	_ "github.com/ramendr/dr-apiserver/pkg/registry/dr/rest"
)

// Who dies.
const (
	// server is dr-apiserver.
	server = "the server"
	// source is the agent of the cluster that is primary when the story begins, target that of the other.
	source = "the source's agent"
	target = "the target's agent"
)

// deaths are a process and the points at which it dies, one after the other, each time the same thing is done.
type deaths struct {
	of     string
	during string
	points []string
}

// tried are all deaths: each point at least once, and in each role in which a process comes by it.
var tried = []deaths{
	{source, protection, []string{
		"checkpoint.save", "checkpoint.saved", "claim.marked", "volume.promote", "capture.sealed", "archive.file", "archive.manifest",
		"capture.put", "report.send", "report.sent",
	}},
	{server, protection, []string{"placement.finalizer", "placement.decided", "placement.written", "group.created"}},
	{source, failover, []string{"checkpoint.save", "checkpoint.saved", "workload.stopped", "volume.demote", "report.send"}},
	{target, failover, []string{
		"checkpoint.save", "checkpoint.saved", "restore.claim", "restore.volume", "restore.object", "volume.promote", "report.send",
		"report.sent", "archive.manifest",
	}},
	{server, failover, []string{
		"action.accept", "action.accepted", "action.recorded", "placement.decided", "placement.written", "group.updated", "record.update",
		"record.updated", "record.finished",
	}},
	{source, relocation, []string{
		"checkpoint.save", "checkpoint.saved", "workload.stopped", "volume.demote", "capture.sealed", "archive.file", "archive.manifest",
		"capture.put", "report.send", "report.sent",
	}},
	{target, relocation, []string{
		"checkpoint.save", "checkpoint.saved", "restore.claim", "restore.volume", "restore.object", "volume.promote", "report.sent",
	}},
	{server, relocation, []string{
		"action.accept", "action.accepted", "placement.decided", "placement.written", "group.updated", "record.update", "record.finished",
	}},
	{source, abortion, []string{"checkpoint.save", "checkpoint.saved", "volume.promote", "workload.started"}},
	{server, abortion, []string{"action.accept", "action.accepted", "placement.written", "group.updated"}},
	{source, deletion, []string{"volume.released", "group.forgotten"}},
	{server, deletion, []string{"group.deleted", "placement.released"}},
}

// elsewhere are points that a process comes by only if something else happens too, and what tries them.
var elsewhere = map[string]string{
	"fence.accept": fences, "fence.accepted": fences, "fence.ordered": fences, "fence.settled": fences,
	"fence.report": fences, "networkfence.written": fences,

	"record.made-up": "the spec in which the server dies twice",
	"group.released": "a DRCluster has to be given up, which all other specs need; TestItGoesOnAfterDyingBetweenAnyTwoWrites in " +
		"pkg/controllers/drplacementcontrol",
}

// fences cut a whole cluster off, which all other specs need.
const fences = "a fence cuts off what all other specs need; what is next for one is decided from what is there, which TestDecide in " +
	"pkg/agent/fence, TestFenceIsOrderedFromThePeerAndSettledByItsReport and TestFenceFromRequestToClean try step by step"

var _ = It("Every failpoint is tried", func() {
	names := sets.KeySet(elsewhere)
	for _, d := range tried {
		names.Insert(d.points...)
	}
	known := sets.New[string]()
	for _, p := range failpoint.All() {
		known.Insert(p.Name)
	}
	Expect(sets.List(known.Difference(names))).To(BeEmpty(), "are tried by no spec")
	Expect(sets.List(names.Difference(known))).To(BeEmpty(), "are no failpoints")
})
