// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package mover

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/test/storagesim/engine"
	"github.com/ramendr/dr-apiserver/test/storagesim/faults"
)

const (
	// patience is how long a source tries to reach a destination before its container ends; firstRetry is the time
	// before it tries again, and doubles up to maxRetry.
	patience   = 20 * time.Second
	firstRetry = 250 * time.Millisecond
	maxRetry   = 2 * time.Second
	// requestTimeout is how long one request may take: a piece on a slow link takes seconds.
	requestTimeout = 10 * time.Second
	idlePerHost    = 16
	maxErrorBytes  = 4096

	// Of a transfer at most piecesWanted pieces are made, unless they would be too large.
	piecesWanted = 16
	maxPiece     = 64 << 10
)

// errRefused: the destination does not take this source, and trying again changes nothing.
var errRefused = errors.New("refused")

// send carries a volume over, and prints what that took.
func (m *Movers) send(ctx context.Context, t task) error {
	began := time.Now()
	size, err := m.carry(ctx, t)
	if ctx.Err() != nil {
		return err
	}
	m.print(client.ObjectKeyFromObject(t.pod), sourceLog(t.pod, *t.traffic, size, time.Since(began), err))
	return err
}

// carry carries a volume over, trying again for a while where the destination does not answer, and returns how much it holds.
func (m *Movers) carry(ctx context.Context, t task) (int64, error) {
	volume := faults.Volume{Handle: t.handle, Namespace: t.pod.Namespace}
	if err := m.Faults.Delay(ctx, volume); err != nil {
		return 0, err
	}
	deadline, retry := time.Now().Add(patience), firstRetry
	for {
		size, err := m.transfer(ctx, t, volume)
		if err == nil || ctx.Err() != nil || errors.Is(err, errRefused) || time.Now().After(deadline) {
			return size, err
		}
		klog.V(2).InfoS("Mover tries again", "pod", klog.KObj(t.pod), "err", err)
		pause(ctx, retry)
		retry = min(2*retry, maxRetry)
	}
}

// transfer makes the destination's volume hold what this one holds, and returns how much that is.
func (m *Movers) transfer(ctx context.Context, t task, volume faults.Volume) (int64, error) {
	if err := m.Faults.At(ctx, "mover-connect.before", volume); err != nil {
		return 0, err
	}
	base, local, err := m.route(ctx, t)
	if err != nil {
		return 0, err
	}
	hello := newGreeting(t, local)
	hello.From = m.Cluster
	var there greeted
	if err := m.call(ctx, t.traffic, base+connectPath, hello, &there); err != nil {
		return 0, err
	}
	if err := m.Faults.At(ctx, "mover-connect.after", volume); err != nil {
		return 0, err
	}
	here, err := m.Engine.Content(t.handle)
	if err != nil {
		return 0, err
	}
	session := base + sessionPath + there.Session
	for _, p := range pieces(here, there.Content) {
		raw, err := m.Engine.ReadContent(t.handle, p.offset, p.length)
		if err != nil {
			return 0, err
		}
		if err := m.put(ctx, t.traffic, fmt.Sprintf("%s?offset=%d", session, p.offset), raw); err != nil {
			return 0, err
		}
	}
	return here.Size, m.call(ctx, t.traffic, session+finishSuffix, here, nil)
}

func newGreeting(t task, local bool) greeting {
	nonce := rand.Text()
	return greeting{Address: t.address, Port: t.port, Local: local, Nonce: nonce, Proof: proof(t.key, nonce)}
}

// piece is a stretch of a volume.
type piece struct{ offset, length int64 }

// pieces finds what has to be sent so that one volume holds what the other does: the newest first, as of many files the
// newest could be.
func pieces(here, there engine.Content) []piece {
	var differing []int64
	for n, hash := range here.Blocks {
		if n >= len(there.Blocks) || there.Blocks[n] != hash {
			differing = append(differing, int64(n))
		}
	}
	atOnce := min(maxPiece/engine.BlockSize, max(1, (len(differing)+piecesWanted-1)/piecesWanted))
	var found []piece
	for n := 0; n < len(differing); {
		end := n + 1
		for end < len(differing) && end-n < atOnce && differing[end] == differing[end-1]+1 {
			end++
		}
		offset := differing[n] * engine.BlockSize
		found = append(found, piece{offset, min((differing[end-1]+1)*engine.BlockSize, here.Size) - offset})
		n = end
	}
	slices.Reverse(found)
	return found
}

// call posts a JSON body and reads a JSON answer, if one is wanted.
func (m *Movers) call(ctx context.Context, t *traffic, url string, body, answer any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	content, err := m.do(ctx, t, http.MethodPost, url, raw)
	if err != nil || answer == nil {
		return err
	}
	return json.Unmarshal(content, answer)
}

func (m *Movers) put(ctx context.Context, t *traffic, url string, raw []byte) error {
	_, err := m.do(ctx, t, http.MethodPut, url, raw)
	return err
}

func (m *Movers) do(ctx context.Context, t *traffic, method, url string, body []byte) ([]byte, error) {
	t.sent += int64(len(body))
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := m.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusOK {
		content, err := io.ReadAll(resp.Body)
		t.received += int64(len(content))
		return content, err
	}
	message, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBytes))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusForbidden {
		return nil, fmt.Errorf("%w: %s", errRefused, bytes.TrimSpace(message))
	}
	return nil, fmt.Errorf("the destination answered: %s", bytes.TrimSpace(message))
}
