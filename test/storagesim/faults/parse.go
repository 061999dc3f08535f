// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Usage says how faults are written.
const Usage = `lag=DURATION            delay the shipping of snapshots, and movers
fail=POINT[:COUNT]      fail at a point, or only COUNT times
hang=POINT              hang at a point
crash=POINT             die at a point
note=POINT              write down, once, that a point is come by
keep=copies             keep copies of volumes that are primary nowhere any more, as never in sync, instead of failing to resync them
cluster=NAME namespace=NAME volume=HANDLE
                        narrow the faults in the same request
clear                   take back first all faults, or all that are narrowed in the same way`

// Request is what somebody wants to go wrong.
type Request struct {
	// Clear takes back first all faults that are narrowed as Scope is.
	Clear bool
	// Scope is what the request is narrowed to; only its Cluster, Namespace and Volume count.
	Scope Fault
	// Faults to put in place then.
	Faults []Fault
}

// Parse reads the words of a request, as Usage says. A point without .before or .after is the one before.
func Parse(words []string) (Request, error) {
	var r Request
	for _, word := range words {
		if word == "clear" {
			r.Clear = true
			continue
		}
		key, value, ok := strings.Cut(word, "=")
		if !ok || value == "" {
			return Request{}, fmt.Errorf("%q is no fault; known are:\n%s", word, Usage)
		}
		if r.Scope.narrow(key, value) {
			continue
		}
		f, err := parseFault(Kind(key), value)
		if err != nil {
			return Request{}, fmt.Errorf("%q: %w", word, err)
		}
		r.Faults = append(r.Faults, f)
	}
	if len(r.Faults) == 0 && !r.Clear {
		return Request{}, errors.New("no fault given; known are:\n" + Usage)
	}
	for i := range r.Faults {
		r.Faults[i].Cluster, r.Faults[i].Namespace, r.Faults[i].Volume = r.Scope.Cluster, r.Scope.Namespace, r.Scope.Volume
	}
	return r, nil
}

func (f *Fault) narrow(key, value string) bool {
	switch key {
	case "cluster":
		f.Cluster = value
	case "namespace":
		f.Namespace = value
	case "volume":
		f.Volume = value
	default:
		return false
	}
	return true
}

func parseFault(kind Kind, value string) (Fault, error) {
	switch kind {
	case Lag:
		delay, err := time.ParseDuration(value)
		if err != nil || delay <= 0 {
			return Fault{}, fmt.Errorf("%q is no positive duration", value)
		}
		return Fault{Kind: kind, Delay: delay}, nil
	case Keep:
		if value != keepCopies {
			return Fault{}, fmt.Errorf("%q can't be kept, only %s", value, keepCopies)
		}
		return Fault{Kind: kind, Point: keepCopies}, nil
	case Fail, Hang, Crash, Note:
		return parsePoint(Fault{Kind: kind}, value)
	}
	return Fault{}, fmt.Errorf("no such fault; known are:\n%s", Usage)
}

// keepCopies is all that can be kept.
const keepCopies = "copies"

func parsePoint(f Fault, value string) (Fault, error) {
	point, count, counted := strings.Cut(value, ":")
	if counted {
		n, err := strconv.Atoi(count)
		if err != nil || n < 1 || f.Kind != Fail {
			return Fault{}, fmt.Errorf("count %q: a positive number can be given to fail", count)
		}
		f.Count = n
	}
	if !strings.Contains(point, ".") {
		point += ".before"
	}
	if !slices.Contains(Points(), point) {
		return Fault{}, fmt.Errorf("unknown point; known are: %s", strings.Join(Points(), ", "))
	}
	f.Point = point
	return f, nil
}

// String is the fault as Parse reads it.
func (f Fault) String() string {
	value := f.Point
	switch {
	case f.Kind == Lag:
		value = f.Delay.String()
	case f.Count > 0:
		value += ":" + strconv.Itoa(f.Count)
	}
	words := []string{string(f.Kind) + "=" + value}
	for _, scope := range [][2]string{{"cluster", f.Cluster}, {"namespace", f.Namespace}, {"volume", f.Volume}} {
		if scope[1] != "" {
			words = append(words, scope[0]+"="+scope[1])
		}
	}
	return strings.Join(words, " ")
}
