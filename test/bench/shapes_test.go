// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"testing"
	"time"
)

func efforts(seconds ...int) (all []effort) {
	for _, s := range seconds {
		all = append(all, effort{took: time.Duration(s) * time.Second})
	}
	return all
}

func TestMedian(t *testing.T) {
	for name, test := range map[string]struct {
		of   []effort
		want time.Duration
	}{
		"nothing has none":                     {},
		"one is its own":                       {of: efforts(3), want: 3 * time.Second},
		"the order does not matter":            {of: efforts(9, 1, 4), want: 4 * time.Second},
		"of two it is the shorter":             {of: efforts(9, 1), want: time.Second},
		"one that was held up does not matter": {of: efforts(2, 100, 3), want: 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			if got := median(test.of).took; got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

func TestSlowestIsOfTheMethodsThatAreMixed(t *testing.T) {
	of := func(class string, seconds int) course {
		return course{shape: shape{classes: []string{class}}, protect: efforts(seconds)}
	}
	both := course{shape: shape{classes: []string{"a", "b"}}, protect: efforts(7)}
	courses := []course{of("a", 2), of("b", 5), of("c", 9), both}
	protect := func(c course) effort { return median(c.protect) }
	if got := slowest(courses, []string{"a", "b"}, protect); got != 5*time.Second {
		t.Errorf("%s, want 5s", got)
	}
}

func TestMethodsAreComparedAloneFirst(t *testing.T) {
	var counts []int
	for _, classes := range mixes() {
		if volumesPerMix%len(classes) != 0 {
			t.Errorf("%d volumes are not divided evenly among %v", volumesPerMix, classes)
		}
		counts = append(counts, len(classes))
	}
	if want := []int{1, 1, 1, 1, 2, 3, 4}; !slices.Equal(counts, want) {
		t.Errorf("applications have %v methods, want %v", counts, want)
	}
}

func TestWhatWasUsedIsKnownOfOneApplicationOnly(t *testing.T) {
	p := phase{samples: []sample{{ready: time.Second}}, untilReady: spent{usage: map[program]time.Duration{"agents": time.Second}}}
	if e := p.effort(0); e.took != time.Second || e.usage["agents"] != time.Second {
		t.Errorf("alone: %+v", e)
	}
	p.samples = append(p.samples, sample{ready: 2 * time.Second})
	if e := p.effort(1); e.took != 2*time.Second || e.usage != nil {
		t.Errorf("of two: %+v", e)
	}
}

func TestSetVolumes(t *testing.T) {
	for text, want := range map[string][]int{"": nil, "1,10,100": {1, 10, 100}, "3": {3}} {
		var o options
		if err := o.setVolumes(text); err != nil || !slices.Equal(o.volumes, want) {
			t.Errorf("%q: %v, %v", text, o.volumes, err)
		}
	}
	for _, text := range []string{"many", "0", "-1"} {
		if err := new(options).setVolumes(text); err == nil {
			t.Errorf("%q is taken for a number of volumes", text)
		}
	}
}
