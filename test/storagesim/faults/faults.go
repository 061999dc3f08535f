// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package faults makes the storage simulator fail, hang, lag or die at named points.
package faults

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Operations that have points; each has one before and one after, as in "promote.before".
var operations = []string{
	"enable", "disable", "promote", "demote", "resync", "info", // csi-addons
	"provision", "restore", "delete", // CSI's volumes, restored ones from snapshots or other volumes
	"create-snapshot", "delete-snapshot", "create-group-snapshot", "delete-group-snapshot", // CSI's snapshots
	"mover-connect", "mover-piece", "mover-finish", // VolSync's movers: the source's way in, each piece, the end
	"snapshot", "ship", // the sender of a snapshot
	"commit",  // the receiver of a snapshot
	"persist", // each change of a volume's metadata
	"write",   // each record of a pod
	"fence", "unfence",
}

// Points lists every point a fault can be put at.
func Points() []string {
	points := make([]string, 0, 2*len(operations))
	for _, op := range operations {
		points = append(points, op+".before", op+".after")
	}
	return points
}

// Kind of a fault.
type Kind string

const (
	// Lag delays the shipping of snapshots.
	Lag Kind = "lag"
	// Fail makes a point return an error.
	Fail Kind = "fail"
	// Hang makes a point wait until the fault is taken back or the caller gives up.
	Hang Kind = "hang"
	// Crash kills the process at a point.
	Crash Kind = "crash"
	// Note makes nothing go wrong: that the point was come by is written down, once.
	Note Kind = "note"
	// Keep makes storage keep the copy of a volume whose primary is no more: it is never in sync, and no error says why.
	Keep Kind = "keep"
	// Start is no fault: the simulator serves, and has no faults yet.
	Start Kind = "start"
)

// Fault is one thing that goes wrong.
type Fault struct {
	Kind  Kind
	Point string
	// Count is how often it happens still; 0 means until it is taken back.
	Count int
	// Delay of a Lag.
	Delay time.Duration
	// Cluster, Namespace and Volume narrow it to one simulator, to volumes of a namespace, or to one.
	Cluster, Namespace, Volume string
}

func (f *Fault) concerns(v Volume) bool {
	return (f.Namespace == "" || f.Namespace == v.Namespace) && (f.Volume == "" || f.Volume == v.Handle)
}

// Volume a point is reached for.
type Volume struct {
	Handle    string
	Namespace string
}

// Injector holds the faults of one simulator. The zero Injector has none.
type Injector struct {
	// Die ends the process; it does not return.
	Die func(point string)
	// Log, if there is one, is told of each fault that happens, before it does.
	Log func(Happening)

	mu      sync.Mutex
	faults  []Fault
	changed chan struct{}
}

// Add puts faults in place.
func (i *Injector) Add(faults ...Fault) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.faults = append(i.faults, faults...)
	i.notify()
}

// Clear takes back the faults that are narrowed as scope is, the zero Fault all of them, and lets go what hangs for them.
func (i *Injector) Clear(scope Fault) { i.Replace(scope) }

// Replace takes back what Clear does and puts others in place at once: what hung for those may hang for these next.
func (i *Injector) Replace(scope Fault, faults ...Fault) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.faults = slices.DeleteFunc(i.faults, func(f Fault) bool {
		return (scope.Cluster == "" || scope.Cluster == f.Cluster) &&
			(scope.Namespace == "" || scope.Namespace == f.Namespace) && (scope.Volume == "" || scope.Volume == f.Volume)
	})
	i.faults = append(i.faults, faults...)
	i.notify()
}

// List returns the faults in place.
func (i *Injector) List() []Fault {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]Fault{}, i.faults...)
}

// notify lets go whoever waits for a change; the caller holds the lock.
func (i *Injector) notify() {
	if i.changed != nil {
		close(i.changed)
		i.changed = nil
	}
}

// At is called where a fault may happen. It returns the error to fail with, after hanging if told so.
func (i *Injector) At(ctx context.Context, point string, v Volume) error {
	i.note(point, v)
	hung := false
	for {
		f, changed := i.take(point, v)
		if f.Kind != "" && !hung {
			i.log(f, point, v)
		}
		switch f.Kind {
		case Crash:
			i.Die(point)
			return fmt.Errorf("crashed at %s", point)
		case Fail:
			return fmt.Errorf("fault injected at %s", point)
		case Hang:
			hung = true
			select {
			case <-changed:
			case <-ctx.Done():
				return fmt.Errorf("hung at %s: %w", point, ctx.Err())
			}
		default:
			return nil
		}
	}
}

// take finds the fault of a point and counts it down. The channel is closed at the next change.
func (i *Injector) take(point string, v Volume) (Fault, <-chan struct{}) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for n, f := range i.faults {
		if f.Point != point || f.Kind == Note || !f.concerns(v) {
			continue
		}
		if f.Kind != Hang {
			i.countDown(n)
		}
		if i.changed == nil {
			i.changed = make(chan struct{})
		}
		return f, i.changed
	}
	return Fault{}, nil
}

// note writes down that a point was come by, where that was asked for.
func (i *Injector) note(point string, v Volume) {
	i.mu.Lock()
	var noted []Fault
	i.faults = slices.DeleteFunc(i.faults, func(f Fault) bool {
		wanted := f.Kind == Note && f.Point == point && f.concerns(v)
		if wanted {
			noted = append(noted, f)
		}
		return wanted
	})
	i.mu.Unlock()
	for _, f := range noted {
		i.log(f, point, v)
	}
}

func (i *Injector) countDown(n int) {
	switch i.faults[n].Count {
	case 0:
	case 1:
		i.faults = slices.Delete(i.faults, n, n+1)
	default:
		i.faults[n].Count--
	}
}

// Delay waits for as long as snapshots of the volume lag.
func (i *Injector) Delay(ctx context.Context, v Volume) error {
	for logged := false; ; logged = true {
		delay, changed := i.lag(v)
		if delay == 0 {
			return nil
		}
		if !logged {
			i.log(Fault{Kind: Lag, Delay: delay}, "", v)
		}
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Keeps tells whether the copy of a volume is kept that has no primary any more.
func (i *Injector) Keeps(v Volume) bool {
	i.mu.Lock()
	n := slices.IndexFunc(i.faults, func(f Fault) bool { return f.Kind == Keep && f.concerns(v) })
	i.mu.Unlock()
	if n >= 0 {
		i.log(Fault{Kind: Keep, Point: keepCopies}, keepCopies, v)
	}
	return n >= 0
}

func (i *Injector) lag(v Volume) (time.Duration, <-chan struct{}) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var delay time.Duration
	for _, f := range i.faults {
		if f.Kind == Lag && f.concerns(v) {
			delay = max(delay, f.Delay)
		}
	}
	if delay > 0 && i.changed == nil {
		i.changed = make(chan struct{})
	}
	return delay, i.changed
}
