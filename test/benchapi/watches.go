// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// marker is the annotation that tells which event it is.
const marker = "bench/event"

// delivery is the arrival of an event at one watch.
type delivery struct {
	event string
	at    time.Time
	err   error
}

// audience is all the watches of one side.
type audience struct {
	*side
	deliveries chan delivery
}

// measureWatches changes objects of both sides in turn and takes, at each watch, the time from the moment before the request
// is sent until the event is there.
func (b *bench) measureWatches(ctx context.Context) error {
	b.say("measuring the delivery of events to %d watches", b.watchers)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := b.profile(ctx, "watch")
	defer stop()
	var audiences [2]*audience
	for i, s := range b.sides {
		var err error
		if audiences[i], err = b.openWatches(ctx, s); err != nil {
			return fmt.Errorf("watches of %s: %w", s.name, err)
		}
	}
	taken := [2][]time.Duration{}
	warmUp := min(b.events/10+1, 10)
	for i := range warmUp + b.events {
		for turn := range audiences {
			index := (turn + i) % len(audiences)
			durations, err := b.deliver(ctx, audiences[index], i)
			if err != nil {
				return fmt.Errorf("event of %s: %w", audiences[index].name, err)
			}
			if i >= warmUp {
				taken[index] = append(taken[index], durations...)
			}
		}
	}
	b.add(fmt.Sprintf("event at %d watches", b.watchers), 1, taken)
	return nil
}

// openWatches opens watches of all objects, each on a connection of its own, as if each were another program's.
func (b *bench) openWatches(ctx context.Context, s *side) (*audience, error) {
	version, err := s.resourceVersion(ctx)
	if err != nil {
		return nil, err
	}
	a := &audience{side: s, deliveries: make(chan delivery, b.watchers)}
	for range b.watchers {
		own, err := s.ownConnection()
		if err != nil {
			return nil, err
		}
		lines, stream, err := own.watch(ctx, metav1.ListOptions{ResourceVersion: version})
		if err != nil {
			return nil, err
		}
		go a.follow(ctx, lines, stream)
	}
	return a, nil
}

// follow passes the arrivals of one watch on.
func (a *audience) follow(ctx context.Context, lines *bufio.Reader, stream io.Closer) {
	defer stream.Close()
	for {
		line, err := lines.ReadBytes('\n')
		d := delivery{event: eventOf(line), at: time.Now(), err: err}
		if d.event == "" && err == nil {
			continue
		}
		select {
		case a.deliveries <- d:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// eventOf finds the marker in an event without decoding it; empty if there is none.
func eventOf(line []byte) string {
	_, rest, found := bytes.Cut(line, []byte(`"`+marker+`":"`))
	if !found {
		return ""
	}
	event, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(event)
}

// deliver changes an object and waits until all watches have the event.
func (b *bench) deliver(ctx context.Context, a *audience, i int) ([]time.Duration, error) {
	event := strconv.Itoa(i)
	body := fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, marker, event)
	began := time.Now()
	if _, err := a.patch(ctx, b.key(i), types.MergePatchType, metav1.PatchOptions{}, []byte(body)); err != nil {
		return nil, err
	}
	var durations []time.Duration
	for len(durations) < b.watchers {
		select {
		case d := <-a.deliveries:
			if d.err != nil {
				return nil, fmt.Errorf("a watch ended: %w", d.err)
			}
			if d.event == event {
				durations = append(durations, d.at.Sub(began))
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return durations, nil
}
