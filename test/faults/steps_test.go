// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/storagesim/faults"
)

// role of a cluster in a moment.
type role string

const (
	// source is the cluster on which the application runs when the moment begins, target the other one.
	source role = "source"
	target role = "target"
)

// step is an operation of a cluster's storage.
type step struct {
	operation string
	at        role
}

func (s step) String() string { return s.operation + " on the " + string(s.at) }

// steps that the storage of the two clusters takes.
type steps map[role]string

// tried are the steps that storage takes when an application is replicated by a method and goes through a moment. The specs of where an
// application comes by keep the table true.
var tried = map[v1alpha1.ReplicationMethod]map[moment]steps{
	v1alpha1.MethodVolumeReplication:      byTheArray,
	v1alpha1.MethodVolumeGroupReplication: byTheArray,
	v1alpha1.MethodVolSync: {
		protection: {
			source: "create-snapshot restore mover-connect delete-snapshot delete persist write",
			target: "provision mover-piece mover-finish create-snapshot persist",
		},
		relocation: {
			source: "create-snapshot restore mover-connect mover-piece mover-finish delete-snapshot delete persist write",
			target: "mover-piece mover-finish create-snapshot restore mover-connect delete-snapshot delete persist write",
		},
		failover: {
			source: "create-snapshot mover-piece mover-finish delete-snapshot persist write",
			target: "create-snapshot restore mover-connect delete-snapshot delete persist write",
		},
	},
	v1alpha1.MethodVolSyncGroup: {
		protection: {
			source: "create-group-snapshot restore mover-connect delete-group-snapshot delete persist write",
			target: "provision mover-piece mover-finish create-snapshot persist",
		},
		relocation: {
			source: "create-group-snapshot restore mover-connect mover-piece mover-finish create-snapshot delete-group-snapshot delete-snapshot delete persist write",
			target: "mover-piece mover-finish create-snapshot create-group-snapshot restore mover-connect delete-group-snapshot delete-snapshot delete persist write",
		},
		failover: {
			source: "mover-piece mover-finish create-snapshot delete-snapshot persist write",
			target: "create-group-snapshot restore mover-connect delete-group-snapshot delete-snapshot delete persist write",
		},
	},
	v1alpha1.MethodShared: {
		protection: {source: "write"},
		relocation: {source: "write", target: "write"},
		failover:   {source: "write", target: "write"},
	},
}

var (
	byTheArray = map[moment]steps{
		protection: {source: "enable promote info snapshot ship persist write", target: "commit persist"},
		relocation: swap,
		failover:   swap,
	}
	// swap of the roles: the old copy is promoted, and the old primary receives.
	swap = steps{
		source: "demote resync snapshot ship commit persist write",
		target: "enable promote info snapshot ship commit persist write",
	}
)

// atRest are the operations that storage goes through all the time.
var atRest = []string{"write", "snapshot", "ship", "commit", "persist"}

// elsewhere are the operations in which no moment comes by, and what tries them.
var elsewhere = map[string]string{
	"disable": "protection is taken off before each first protection but the first",
	"fence":   "a fence cuts off what all other specs need",
	"unfence": "a fence cuts off what all other specs need",
}

// stepsOf lists the steps of a method in a moment.
func stepsOf(m method, in moment) []step {
	var all []step
	for _, at := range []role{source, target} {
		for _, operation := range strings.Fields(tried[m.name][in][at]) {
			all = append(all, step{operation, at})
		}
	}
	return all
}

// mayBeTaken says that a step may be taken in a moment but need not: what replicates at intervals may be at it when a failover begins.
func mayBeTaken(s step, m method, in moment) bool {
	return in == failover && m.ships && slices.Contains(stepsOf(m, protection), s)
}

// samples are the steps of which a few specs suffice to see that the suite works, and which disturb nobody else.
var samples = map[v1alpha1.ReplicationMethod]step{
	v1alpha1.MethodVolumeReplication:      {"demote", source},
	v1alpha1.MethodVolumeGroupReplication: {"promote", target},
	v1alpha1.MethodVolSync:                {"mover-finish", target},
	v1alpha1.MethodVolSyncGroup:           {"create-group-snapshot", source},
	v1alpha1.MethodShared:                 {"write", source},
}

// labels of the spec in which faults of the kinds happen at the step.
func (s step) labels(m method, in moment, kinds []faults.Kind) Labels {
	labels := Labels{string(m.name), string(in)}
	for _, kind := range kinds {
		labels = append(labels, string(kind))
	}
	if in == relocation && s == samples[m.name] && !slices.Contains(kinds, faults.Crash) {
		labels = append(labels, "sample")
	}
	return labels
}

var _ = It("Every operation of the storage is tried in the middle of something", Label("survey", "sample"), func() {
	known, named := sets.New[string](), sets.KeySet(elsewhere)
	for _, point := range faults.Points() {
		known.Insert(operationOf(point))
	}
	for _, m := range methods {
		for _, moment := range moments {
			for _, s := range stepsOf(m, moment) {
				named.Insert(s.operation)
			}
		}
	}
	Expect(sets.List(known.Difference(named))).To(BeEmpty(), "are tried nowhere")
	Expect(sets.List(named.Difference(known))).To(BeEmpty(), "are no operations")
})

func operationOf(point string) string {
	operation, _, _ := strings.Cut(point, ".")
	return operation
}
