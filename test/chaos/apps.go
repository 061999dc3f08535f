// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Kind is what an application keeps its records on.
type Kind struct {
	Name string
	// Classes of storage, one for each volume.
	Classes []string
	// Together has it write each record to all its volumes at once, which are one consistency group.
	Together bool
}

const (
	replicated = "sim-replicated"
	grouped    = "sim-replicated-group"
	copied     = "sim-snapshot"
	atOnce     = "sim-snapshot-group"
)

// kinds are what applications take in turns. What is added comes last, so that a run of four applications has what it had before.
var kinds = []Kind{
	{Name: "replicated", Classes: []string{replicated, replicated}},
	{Name: "copied", Classes: []string{copied, copied}},
	{Name: "grouped", Classes: []string{grouped, grouped, grouped}, Together: true},
	{Name: "mixed", Classes: []string{replicated, grouped, copied, grouped}},
	{Name: "snapshotted", Classes: []string{atOnce, atOnce, atOnce}, Together: true},
}

// methods are how volumes of a class are replicated.
var methods = map[string]v1alpha1.ReplicationMethod{
	replicated: v1alpha1.MethodVolumeReplication,
	grouped:    v1alpha1.MethodVolumeGroupReplication,
	copied:     v1alpha1.MethodVolSync,
	atOnce:     v1alpha1.MethodVolSyncGroup,
}

// parseKinds finds kinds by their names, with commas in between.
func parseKinds(names string) ([]Kind, error) {
	var found []Kind
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(kinds, func(k Kind) bool { return k.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there are no applications %q; there are %s", name, kindNames())
		}
		found = append(found, kinds[i])
	}
	return found, nil
}

func kindNames() string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.Name)
	}
	return strings.Join(names, ",")
}

// String tells by which methods its volumes are replicated.
func (k Kind) String() string {
	var words []string
	for _, class := range k.Classes {
		words = append(words, string(methods[class]))
	}
	text := fmt.Sprintf("%s: volumes by %s", k.Name, strings.Join(words, ", "))
	if k.Together {
		text += ", written together"
	}
	return text
}

// flags of bin/playground app.
func (k Kind) flags() []string {
	flags := []string{"--storage-class", strings.Join(k.Classes, ",")}
	if k.Together {
		flags = append(flags, "--together")
	}
	return flags
}

// has tells whether a volume is replicated by a method.
func (k Kind) has(method v1alpha1.ReplicationMethod) bool {
	return slices.ContainsFunc(k.Classes, func(class string) bool { return methods[class] == method })
}

// inTurns are the kinds of so many applications.
func inTurns(take []Kind, apps int) []Kind {
	var all []Kind
	for app := range apps {
		all = append(all, take[app%len(take)])
	}
	return all
}

// method is how the volume of a claim is replicated.
func (k Kind) method(claim string) v1alpha1.ReplicationMethod {
	for i, class := range k.Classes {
		if strings.HasPrefix(claim, fmt.Sprintf("data-%d-", i)) {
			return methods[class]
		}
	}
	return ""
}
