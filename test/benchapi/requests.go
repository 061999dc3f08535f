// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// request is one kind of request. What prepare returns is given to send, and only send is measured.
type request struct {
	name string
	// aim is how many times as long as the custom resource's it may take at most; 0 where nothing is promised.
	aim     float64
	count   int
	prepare func(ctx context.Context, s *side, i int) ([]byte, error)
	send    func(ctx context.Context, s *side, i int, body []byte) error
}

// pageSize is that of kubectl and of informers that don't watch lists.
const pageSize = 500

// firstSpare is the number of the first object that is there only to be created and deleted.
const firstSpare = 50000

// creations are measured before anything else is there.
func (b *bench) creations() []request {
	return []request{
		{name: "create", count: b.requests, send: func(ctx context.Context, s *side, i int, _ []byte) error {
			return second(s.create(ctx, placement(key(firstSpare+i))))
		}},
		{name: "delete", count: b.requests, send: func(ctx context.Context, s *side, i int, _ []byte) error {
			return second(s.delete(ctx, key(firstSpare+i)))
		}},
	}
}

// accesses are measured with all objects there.
func (b *bench) accesses() []request {
	cached := metav1.GetOptions{ResourceVersion: "0"}
	return []request{
		{name: "get", aim: 1.3, count: b.requests, send: func(ctx context.Context, s *side, i int, _ []byte) error {
			return second(s.get(ctx, b.key(i), metav1.GetOptions{}))
		}},
		{name: "get from cache", count: b.requests, send: func(ctx context.Context, s *side, i int, _ []byte) error {
			return second(s.get(ctx, b.key(i), cached))
		}},
		{name: "update", count: b.requests, prepare: b.labelled, send: func(ctx context.Context, s *side, i int, body []byte) error {
			return second(s.update(ctx, b.key(i), "", body))
		}},
		{name: "update status", count: b.requests, prepare: b.reported, send: func(ctx context.Context, s *side, i int, body []byte) error {
			return second(s.update(ctx, b.key(i), "status", body))
		}},
		{name: "merge patch", count: b.requests, send: func(ctx context.Context, s *side, i int, _ []byte) error {
			body := fmt.Sprintf(`{"spec":{"kubeObjectProtection":{"captureInterval":"%ds"}}}`, 600+i)
			return second(s.patch(ctx, b.key(i), types.MergePatchType, metav1.PatchOptions{}, []byte(body)))
		}},
		{name: "server-side apply", count: b.requests, send: func(ctx context.Context, s *side, i int, _ []byte) error {
			force := true
			body := fmt.Sprintf(`{"apiVersion":%q,"kind":%q,"metadata":{"annotations":{"bench/applied":"%d"}}}`, s.group.String(), kind, i)
			return second(s.patch(ctx, b.key(i), types.ApplyPatchType, metav1.PatchOptions{FieldManager: "bench-apply", Force: &force}, []byte(body)))
		}},
		b.listing(fmt.Sprintf("list in pages of %d", pageSize), metav1.ListOptions{Limit: pageSize}),
		b.listing("list whole", metav1.ListOptions{}),
		b.listing("list whole from cache", metav1.ListOptions{ResourceVersion: "0"}),
		{name: "watch list (informer)", aim: 1, count: b.lists, send: func(ctx context.Context, s *side, _ int, _ []byte) error {
			size, err := s.watchList(ctx)
			return b.read("watch list (informer)", s, size, err)
		}},
	}
}

func (b *bench) listing(name string, options metav1.ListOptions) request {
	return request{name: name, aim: 1, count: b.lists, send: func(ctx context.Context, s *side, _ int, _ []byte) error {
		size, err := s.list(ctx, options)
		return b.read(name, s, size, err)
	}}
}

// key spreads requests over the objects.
func (b *bench) key(i int) types.NamespacedName {
	const stride = 7919
	return key(i * stride % b.objects)
}

// labelled is an object with a label changed.
func (b *bench) labelled(ctx context.Context, s *side, i int) ([]byte, error) {
	return b.changed(ctx, s, i, func(p *v1alpha1.DRPlacementControl) { p.Labels["changed"] = fmt.Sprint(i) })
}

// reported is an object with a new report in its status.
func (b *bench) reported(ctx context.Context, s *side, i int) ([]byte, error) {
	return b.changed(ctx, s, i, func(p *v1alpha1.DRPlacementControl) {
		now := metav1.NewTime(time.Now().Add(time.Duration(i) * time.Second))
		p.Status.LastGroupSyncTime = &now
	})
}

func (b *bench) changed(ctx context.Context, s *side, i int, change func(*v1alpha1.DRPlacementControl)) ([]byte, error) {
	data, err := s.get(ctx, b.key(i), metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	var p v1alpha1.DRPlacementControl
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, err
	}
	change(&p)
	return s.body(&p), nil
}

// second is the error of an answer that nobody needs.
func second(_ []byte, err error) error { return err }

// measure sends a request to both sides in turn, so that what else the machine does hits both, and each first every other
// time. The first few are not counted.
func (b *bench) measure(ctx context.Context, r request) error {
	b.say("measuring %s", r.name)
	stop := b.profile(ctx, r.name)
	defer stop()
	taken := [2][]time.Duration{}
	warmUp := min(r.count/10+1, 20)
	for i := range warmUp + r.count {
		for turn := range b.sides {
			index := (turn + i) % len(b.sides)
			s := b.sides[index]
			var body []byte
			if r.prepare != nil {
				var err error
				if body, err = r.prepare(ctx, s, i); err != nil {
					return fmt.Errorf("prepare %s of %s: %w", r.name, s.name, err)
				}
			}
			began := time.Now()
			if err := r.send(ctx, s, i, body); err != nil {
				return fmt.Errorf("%s of %s: %w", r.name, s.name, err)
			}
			if i >= warmUp {
				taken[index] = append(taken[index], time.Since(began))
			}
		}
	}
	b.add(r.name, r.aim, taken)
	return nil
}
