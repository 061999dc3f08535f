// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

func TestDisjoint(t *testing.T) {
	tests := map[string]struct {
		a, b string
		want bool
	}{
		"the same selector":                         {"app=shop", "app=shop", false},
		"different values of one label":             {"app=shop", "app=bank", true},
		"different labels":                          {"app=shop", "tier=db", false},
		"everything and something":                  {"", "app=shop", false},
		"everything twice":                          {"", "", false},
		"a label in common and one that differs":    {"app=shop,tier=db", "app=shop,tier=web", true},
		"sets of values apart":                      {"app in (a,b)", "app in (c,d)", true},
		"sets of values that meet":                  {"app in (a,b)", "app in (b,c)", false},
		"a value and all but it":                    {"app=shop", "app notin (shop)", true},
		"a value and all but another":               {"app=shop", "app notin (bank)", false},
		"a set and all but it":                      {"app in (a,b)", "app notin (a,b,c)", true},
		"with the label and without":                {"app", "!app", true},
		"a value and without the label":             {"app=shop", "!app", true},
		"all but a value and without the label":     {"app notin (shop)", "!app", false},
		"with the label, twice":                     {"app", "app", false},
		"a set narrowed twice in the same selector": {"app in (a,b),app in (b,c)", "app=a", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a, b := selector(t, test.a), selector(t, test.b)
			if got, mirrored := Disjoint(a, b), Disjoint(b, a); got != test.want || mirrored != test.want {
				t.Errorf("%q and %q: %v, the other way round %v, wanted %v", test.a, test.b, got, mirrored, test.want)
			}
		})
	}
}

// TestDisjointNeverLies tries all objects of a small world: what both selectors select is a counterexample.
func TestDisjointNeverLies(t *testing.T) {
	requirements := []string{"", "x=a", "x in (a,b)", "x notin (a)", "x", "!x", "y=a", "y notin (a,b)", "x=a,y=b", "x notin (b),y", "x in (a,b),!y"}
	var objects []labels.Set
	for _, x := range []string{"", "a", "b", "c"} {
		for _, y := range []string{"", "a", "b", "c"} {
			object := labels.Set{}
			if x != "" {
				object["x"] = x
			}
			if y != "" {
				object["y"] = y
			}
			objects = append(objects, object)
		}
	}
	for _, first := range requirements {
		for _, second := range requirements {
			a, b := selector(t, first), selector(t, second)
			if !Disjoint(a, b) {
				continue
			}
			for _, object := range objects {
				if matches(t, a, object) && matches(t, b, object) {
					t.Errorf("%q and %q are said to be disjoint and select both %v", first, second, object)
				}
			}
		}
	}
}

func selector(t *testing.T, text string) *metav1.LabelSelector {
	t.Helper()
	parsed, err := metav1.ParseToLabelSelector(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func matches(t *testing.T, selector *metav1.LabelSelector, object labels.Set) bool {
	t.Helper()
	matcher, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	return matcher.Matches(object)
}
