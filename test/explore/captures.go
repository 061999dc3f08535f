// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/agent"
	"github.com/ramendr/dr-apiserver/pkg/agent/capture"
	"github.com/ramendr/dr-apiserver/pkg/agent/checkpoint"
	"github.com/ramendr/dr-apiserver/pkg/agent/handover"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

// taken is a capture in an agent's memory.
type taken struct {
	c       int
	capture *checkpoint.Capture
	sealed  *archive.Sealed
}

type sealKey struct {
	agent  agentKey
	stores [clusters]ref
}

// seal takes the capture that an agent has begun.
func (m *model) seal(s *state, c int) {
	site := &s.sites[c]
	key := sealKey{agentKey{c, site.watched, site.checkpoint, site.memory, site.claims, site.vrs, s.clock}, s.stores}
	site.memory = m.memoSeal.of(key, func() ref { return m.sealed(s, key.agent) })
}

func (m *model) sealed(s *state, key agentKey) ref {
	k, now := m.memories.get(key.memory), instant(key.clock)
	f := m.facts(key, k)
	content := archive.Content{}
	for i := range f.Volumes {
		if v := &f.Volumes[i]; f.Captured(v) {
			content.Volumes = append(content.Volumes, capture.Volume(v.PVC, v.PV))
		}
	}
	sealed, err := archive.Seal(archive.Capture{
		Ref:   archive.Ref{Epoch: f.Checkpoint.Spec.Epoch, ID: m.nextID(s, f)},
		Group: f.Checkpoint.Group(), Time: now, Cluster: names[key.c], Content: content,
	})
	if err != nil {
		panic(err)
	}
	t := &taken{key.c, &checkpoint.Capture{
		CaptureReference: v1alpha1.CaptureReference{ID: sealed.ID, Epoch: sealed.Epoch, Time: metav1.NewTime(now)},
		Digest:           sealed.Digest, Volumes: agent.VolumesWord(f.Members()), Quiesced: k.quiesced,
	}, sealed}
	k.taken = m.captures.put(fmt.Sprintf("%d %s %v %s", key.c, sealed.Ref, k.quiesced, sealed.Digest), t)
	k.capturing, k.quiesced, k.put, k.failed, k.begun = false, false, 0, 0, 0
	return m.memories.put(k)
}

// nextID is later than that of any capture that the agent knows of, or that anybody has begun to put.
func (m *model) nextID(s *state, f *agent.Facts) string {
	last := 0
	see := func(id string) {
		var n int
		if _, err := fmt.Sscanf(id, "2026030%d", &n); err == nil {
			last = max(last, n-1000)
		}
	}
	if token := f.Checkpoint.Spec.HandoverToken; token != nil {
		see(token.CaptureID)
	}
	if f.Checkpoint.LastCapture != nil {
		see(f.Checkpoint.LastCapture.ID)
	}
	if f.Capture.Taken != nil {
		see(f.Capture.Taken.ID)
	}
	for p := range m.profiles() {
		for key := range m.contents.get(s.stores[p]) {
			see(strings.Split(key, "/")[3])
		}
	}
	return fmt.Sprintf("2026030%04d-%s", 1000+last+1, f.Cluster)
}

type putKey struct {
	store, taken ref
	half         bool
}

type putResult struct {
	store ref
	err   error
}

// put puts a capture into a store, or its files without the manifest, and then deletes old ones.
func (m *model) put(key putKey) putResult {
	b := &bucket{objects: maps.Clone(m.contents.get(key.store)), cut: key.half}
	if b.objects == nil {
		b.objects = map[string][]byte{}
	}
	t := m.captures.get(key.taken)
	err := archive.Put(context.Background(), b, t.sealed)
	if err == nil {
		err = archive.Prune(context.Background(), b, t.sealed.Group, t.sealed.Epoch)
	}
	return putResult{m.putContent(b.objects), err}
}

// uploads puts the next part of a capture into a store: its files, then its manifest, after which old ones are deleted.
func (m *model) uploads(s *state, c, p int) error {
	site := &s.sites[c]
	k, bit := m.memories.get(site.memory), uint8(1)<<p
	if !site.up || site.dead || k.taken == 0 || k.put&bit != 0 {
		return nil
	}
	if !m.storeAnswers(s, p) {
		k.failed |= bit
		site.memory = m.memories.put(k)
		return nil
	}
	before, key := s.stores[p], putKey{s.stores[p], k.taken, k.begun&bit == 0 && m.scenario.halfCaptures}
	result := m.memoPut.of(key, func() putResult { return m.put(key) })
	switch {
	case errors.Is(result.err, errInterrupted):
		k.begun |= bit
	case result.err != nil:
		return m.violated(s, capturesAreComplete, "%s puts capture %s: %v", names[c], m.captures.get(k.taken).sealed.Ref, result.err)
	default:
		k.put, k.failed, k.begun = k.put|bit, k.failed&^bit, k.begun&^bit
	}
	site.memory, s.stores[p] = m.memories.put(k), result.store
	return m.checkStore(s, p, before)
}

// clear deletes the captures of a group that is being deleted from the stores that answer.
func (m *model) clear(s *state, c int) {
	site := &s.sites[c]
	for p := range m.profiles() {
		if b := m.bucket(s, p); !b.dead {
			if err := archive.Clear(context.Background(), b, shop); err != nil {
				panic(err)
			}
			s.stores[p] = m.putContent(b.objects)
		}
	}
	k := m.memories.get(site.memory)
	k.clearing, k.cleared, k.taken, k.begun = false, true, 0, 0
	site.memory = m.memories.put(k)
}

type findKey struct {
	c          int
	checkpoint ref
	stores     [clusters]ref
	answers    [clusters]bool
}

// finds is the capture that an agent's command is about; 0 if there is none that can be read.
func (m *model) finds(s *state, c int) ref {
	key := findKey{c: c, checkpoint: s.sites[c].checkpoint, stores: s.stores}
	for p := range m.profiles() {
		key.answers[p] = m.storeAnswers(s, p)
	}
	return m.memoFind.of(key, func() ref {
		found, err := m.findCapture(s, c)
		if err != nil {
			return 0
		}
		return m.founds.put(found.Ref.String()+found.Digest, found)
	})
}

// findCapture is the capture that the command is about, read as the agent does it.
func (m *model) findCapture(s *state, c int) (*archive.Found, error) {
	spec := m.checkpoints.get(s.sites[c].checkpoint).Spec
	if spec.Action != v1alpha1.VRGActionRelocate || m.anyCapture {
		return m.deciders.newest(m.buckets(s), m.profiles(), shop, func(r archive.Ref) bool { return r.Epoch < spec.Epoch })
	}
	token := spec.HandoverToken
	if handover.Verify(token, spec.Epoch, names[c]) != nil {
		return nil, errTokenInvalid
	}
	found, err := archive.Read(context.Background(), m.buckets(s), spec.S3Profiles, shop, archive.Ref{Epoch: token.Epoch, ID: token.CaptureID})
	if err != nil {
		return nil, err
	}
	if handover.VerifyCapture(token, found.Digest, handles(found)) != nil {
		return nil, errTokenInvalid
	}
	return found, nil
}

func handles(found *archive.Found) []v1alpha1.HandoverVolume {
	var out []v1alpha1.HandoverVolume
	for _, v := range found.Content.Volumes {
		out = append(out, v1alpha1.HandoverVolume{Namespace: v.PVC.Namespace, Name: v.PVC.Name, VolumeHandle: v.PV.Spec.CSI.VolumeHandle})
	}
	return out
}

// refOf is the capture that an object belongs to.
func refOf(key string) archive.Ref {
	parts := strings.Split(key, "/")
	epoch, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil {
		panic(err)
	}
	return archive.Ref{Epoch: epoch, ID: parts[3]}
}
