// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ramendr/dr-apiserver/pkg/objectstore"
)

// grace is how long a reader waits for the other profiles once one has answered.
const grace = 500 * time.Millisecond

// ErrNoCapture means that every profile that answered has no complete, undamaged capture to read.
var ErrNoCapture = errors.New("no complete capture")

// Found is a capture that was read, where it was found, and what had to be passed over.
type Found struct {
	Capture
	Profile string
	// Digest of its manifest.
	Digest string
	// Warnings name damaged captures that were passed over and profiles that could not be read.
	Warnings []string
}

// Newest reads the newest complete capture that accept allows. The profiles are asked at once; when one has answered the
// others have half a second more, so that a dead one delays nobody. A damaged capture is passed over for the same one
// in another profile, then for the one before, and named in the warnings.
func Newest(ctx context.Context, stores objectstore.Provider, profiles []string, g Group, accept func(Ref) bool) (*Found, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	holders, warnings := list(ctx, stores, profiles, g, accept)
	refs := make([]Ref, 0, len(holders))
	for r := range holders {
		refs = append(refs, r)
	}
	slices.SortFunc(refs, func(a, b Ref) int { return b.Compare(a) })
	for _, r := range refs {
		found, err := Read(ctx, stores, holders[r], g, r)
		if err == nil {
			found.Warnings = append(warnings, found.Warnings...)
			return found, nil
		}
		warnings = append(warnings, err.Error())
	}
	return nil, fmt.Errorf("%w of %s in %s%s", ErrNoCapture, g, strings.Join(profiles, ", "), because(warnings))
}

func because(warnings []string) string {
	if len(warnings) == 0 {
		return ""
	}
	return ": " + strings.Join(warnings, "; ")
}

type listing struct {
	profile string
	keys    []string
	err     error
}

// list asks every profile which captures it holds.
func list(ctx context.Context, stores objectstore.Provider, profiles []string, g Group, accept func(Ref) bool) (map[Ref][]string, []string) {
	answers := make(chan listing, len(profiles))
	for _, profile := range profiles {
		go func() {
			l := listing{profile: profile}
			var store objectstore.Store
			if store, l.err = stores.Store(ctx, profile); l.err == nil {
				l.keys, l.err = store.List(ctx, g.prefix())
			}
			answers <- l
		}()
	}
	holders, warnings := map[Ref][]string{}, []string(nil)
	pending := slices.Clone(profiles)
	var enough <-chan time.Time
	for len(pending) > 0 {
		select {
		case l := <-answers:
			pending = slices.DeleteFunc(pending, func(p string) bool { return p == l.profile })
			if l.err != nil {
				warnings = append(warnings, l.err.Error())
				continue
			}
			for _, r := range completeRefs(g, l.keys) {
				if accept(r) {
					holders[r] = append(holders[r], l.profile)
				}
			}
			if enough == nil && len(holders) > 0 {
				enough = time.After(grace)
			}
		case <-enough:
			return holders, append(warnings, fmt.Sprintf("s3 profiles %s did not answer in time and were passed over", strings.Join(pending, ", ")))
		}
	}
	return holders, warnings
}

// Read reads one capture from whichever of profiles has it undamaged; when one is slow to answer the next is asked too.
func Read(ctx context.Context, stores objectstore.Provider, profiles []string, g Group, r Ref) (*Found, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		found *Found
		err   error
	}
	answers := make(chan answer, len(profiles))
	next, running := 0, 0
	start := func() {
		profile := profiles[next]
		next++
		running++
		go func() {
			found, err := readFrom(ctx, stores, profile, g, r)
			answers <- answer{found, err}
		}()
	}
	var errs []error
	for next < len(profiles) || running > 0 {
		if next < len(profiles) && running == 0 {
			start()
		}
		var hedge <-chan time.Time
		if next < len(profiles) {
			hedge = time.After(grace)
		}
		select {
		case a := <-answers:
			running--
			if a.err == nil {
				a.found.Warnings = messages(errs)
				return a.found, nil
			}
			errs = append(errs, a.err)
		case <-hedge:
			start()
		}
	}
	return nil, fmt.Errorf("capture %s can't be read: %w", r, errors.Join(errs...))
}

func messages(errs []error) []string {
	var out []string
	for _, err := range errs {
		out = append(out, err.Error())
	}
	return out
}

// readFrom reads and verifies a capture; its objects are asked for at once, as their names are known.
func readFrom(ctx context.Context, stores objectstore.Provider, profile string, g Group, r Ref) (*Found, error) {
	store, err := stores.Store(ctx, profile)
	if err != nil {
		return nil, err
	}
	data := map[string][]byte{}
	var lock sync.Mutex
	var wait sync.WaitGroup
	var errs []error
	for _, file := range []string{manifestFile, VolumesFile, ObjectsFile} {
		wait.Go(func() {
			content, err := store.Get(ctx, g.key(r, file))
			lock.Lock()
			defer lock.Unlock()
			data[file] = content
			if err != nil {
				errs = append(errs, err)
			}
		})
	}
	wait.Wait()
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	found, err := verify(data, g, r)
	if err != nil {
		return nil, fmt.Errorf("s3 profile %q: %w", profile, err)
	}
	found.Profile = profile
	return found, nil
}

// verify compares every file with the manifest before it is believed.
func verify(data map[string][]byte, g Group, r Ref) (*Found, error) {
	m, err := decodeManifest(data[manifestFile])
	if err != nil {
		return nil, fmt.Errorf("object %s is damaged: %w", g.key(r, manifestFile), err)
	}
	if m.Namespace != g.Namespace || m.Name != g.Name || m.Epoch != r.Epoch || m.ID != r.ID {
		return nil, fmt.Errorf("object %s is damaged: it is the manifest of another capture", g.key(r, manifestFile))
	}
	for _, file := range []string{VolumesFile, ObjectsFile} {
		want, content := m.Files[file], data[file]
		if len(content) != want.Size {
			return nil, fmt.Errorf("object %s is damaged: it has %d bytes and should have %d", g.key(r, file), len(content), want.Size)
		}
		if Digest(content) != want.SHA256 {
			return nil, fmt.Errorf("object %s is damaged: its hash is not the manifest's", g.key(r, file))
		}
	}
	found := &Found{Capture: Capture{Ref: r, Group: g, Time: m.Time, Cluster: m.Cluster}, Digest: Digest(data[manifestFile])}
	var volumes volumesPart
	var objects objectsPart
	if err := unpack(data[VolumesFile], &volumes); err != nil {
		return nil, fmt.Errorf("object %s is damaged: %w", g.key(r, VolumesFile), err)
	}
	if err := unpack(data[ObjectsFile], &objects); err != nil {
		return nil, fmt.Errorf("object %s is damaged: %w", g.key(r, ObjectsFile), err)
	}
	found.Content = Content{Volumes: volumes.Volumes, Replication: volumes.Replication, Objects: objects.Objects, Gone: objects.Gone}
	if err := found.Content.check(m); err != nil {
		return nil, fmt.Errorf("capture %s is damaged: %w", r, err)
	}
	return found, nil
}
