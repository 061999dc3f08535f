// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// progressName is the name of the one record without an object in it, and what its label says.
	progressName = "progress"
	// progressTimeout bounds the write that all who wait for progress share.
	progressTimeout = 10 * time.Second
)

// progress writes a record without an object in it, so that every watch of records learns a resourceVersion that is newer
// than all that was written before. An etcd can be asked to tell its watches how far they are; a kube-apiserver can't, and
// what it tells by itself comes once a minute. The watch caches need it for consistent reads.
//
// All who ask while a write is under way share the next one, so that there is one write at a time however many read.
type progress struct {
	write func(context.Context) (uint64, error)

	writing sync.Mutex
	mu      sync.Mutex
	next    *round
}

// round is one write and what came of it.
type round struct {
	done            chan struct{}
	resourceVersion uint64
	err             error
}

func newProgress(write func(context.Context) (uint64, error)) *progress {
	return &progress{write: write}
}

// Make returns a resourceVersion newer than everything written before the call. Watches of records get to it.
func (p *progress) Make(ctx context.Context) (uint64, error) {
	r := p.join()
	select {
	case <-r.done:
		return r.resourceVersion, r.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// join returns the first round that begins from now on.
func (p *progress) join() *round {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next == nil {
		p.next = &round{done: make(chan struct{})}
		go p.run(p.next)
	}
	return p.next
}

func (p *progress) run(r *round) {
	p.writing.Lock()
	defer p.writing.Unlock()
	p.mu.Lock()
	p.next = nil
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), progressTimeout)
	defer cancel()
	r.resourceVersion, r.err = p.write(ctx)
	close(r.done)
}

// touch changes the record that stands for progress. It makes it if it is not there.
func (c *Client) touch(ctx context.Context) (uint64, error) {
	// Replicas write the same record: what each writes is new, or the hub would not write it.
	data := make([]byte, 12)
	_, _ = rand.Read(data)
	patch, err := json.Marshal(map[string]string{"data": base64.StdEncoding.EncodeToString(data)})
	if err != nil {
		return 0, err
	}
	version, err := c.merge(ctx, progressName, patch)
	if apierrors.IsNotFound(err) {
		version, err = c.create(ctx, &Record{
			TypeMeta:   metav1.TypeMeta{APIVersion: GroupVersion.String(), Kind: kind},
			ObjectMeta: metav1.ObjectMeta{Name: progressName, Labels: map[string]string{ResourceLabel: progressName}},
			Key:        progressName,
			Data:       data,
		})
		if apierrors.IsAlreadyExists(err) {
			return c.touch(ctx)
		}
	}
	if err != nil {
		return 0, fmt.Errorf("asking the hub for progress: %w", err)
	}
	return strconv.ParseUint(version, 10, 64)
}
