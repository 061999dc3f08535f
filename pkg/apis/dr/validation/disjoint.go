// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
)

// Disjoint tells whether it is certain that no object is selected by both selectors: there is a label on which they
// contradict each other. False says only that they may overlap.
func Disjoint(a, b *metav1.LabelSelector) bool {
	demandsOfB := demandsOf(b)
	for key, demand := range demandsOf(a) {
		if other, ok := demandsOfB[key]; ok && demand.contradicts(other) {
			return true
		}
	}
	return false
}

// demand is what a selector demands of one label.
type demand struct {
	// absent and present say that the label must be missing, must be there.
	absent, present bool
	// oneOf are the only values allowed, if not nil.
	oneOf sets.Set[string]
	// noneOf are values that are not allowed.
	noneOf sets.Set[string]
}

func (d demand) contradicts(other demand) bool {
	if d.absent && other.present || d.present && other.absent {
		return true
	}
	if d.oneOf == nil && other.oneOf == nil {
		return false
	}
	return allowed(d, other).Len() == 0
}

// allowed are the values both demands allow; at least one of them lists values.
func allowed(a, b demand) sets.Set[string] {
	values := a.oneOf
	switch {
	case a.oneOf == nil:
		values = b.oneOf
	case b.oneOf != nil:
		values = a.oneOf.Intersection(b.oneOf)
	}
	return values.Difference(a.noneOf).Difference(b.noneOf)
}

func demandsOf(selector *metav1.LabelSelector) map[string]demand {
	demands := map[string]demand{}
	restrict := func(key string, values sets.Set[string]) {
		d := demands[key]
		d.present = true
		if d.oneOf != nil {
			values = d.oneOf.Intersection(values)
		}
		d.oneOf = values
		demands[key] = d
	}
	for key, value := range selector.MatchLabels {
		restrict(key, sets.New(value))
	}
	for _, expression := range selector.MatchExpressions {
		d := demands[expression.Key]
		switch expression.Operator {
		case metav1.LabelSelectorOpIn:
			restrict(expression.Key, sets.New(expression.Values...))
			continue
		case metav1.LabelSelectorOpExists:
			d.present = true
		case metav1.LabelSelectorOpDoesNotExist:
			d.absent = true
		case metav1.LabelSelectorOpNotIn:
			d.noneOf = d.noneOf.Union(sets.New(expression.Values...))
		}
		demands[expression.Key] = d
	}
	return demands
}
