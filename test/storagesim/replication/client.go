// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package replication carries what two arrays say to each other, and the bytes of their snapshots, over TCP.
package replication

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/ramendr/dr-apiserver/test/storagesim/engine"
)

const (
	helloPath    = "/peer/hello"
	snapshotPath = "/peer/snapshots"
	fetchPath    = "/peer/fetch"

	// maxErrorBytes of an error message are read.
	maxErrorBytes = 4096
	idlePerPeer   = 64
)

// Client speaks to the peer's array. The peer may hang: every call ends by the deadline of its context.
type Client struct {
	url  string
	http *http.Client
}

// NewClient returns a client for the array that listens there.
func NewClient(address string) *Client {
	dialer := &net.Dialer{Timeout: time.Second, KeepAlive: 5 * time.Second}
	return &Client{
		url: "http://" + address,
		http: &http.Client{Transport: &http.Transport{
			DialContext: dialer.DialContext, MaxIdleConnsPerHost: idlePerPeer, IdleConnTimeout: time.Minute,
		}},
	}
}

var _ engine.Peer = &Client{}

// Hello exchanges the states of copies.
func (c *Client) Hello(ctx context.Context, states []engine.PeerState) ([]engine.PeerState, error) {
	raw, err := json.Marshal(states)
	if err != nil {
		return nil, err
	}
	body, err := c.post(ctx, helloPath, bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, err
	}
	var answers []engine.PeerState
	err = json.NewDecoder(body).Decode(&answers)
	if err = errors.Join(err, body.Close()); err != nil {
		return nil, unreachable(err)
	}
	return answers, nil
}

// Send delivers a snapshot.
func (c *Client) Send(ctx context.Context, s engine.Snapshot, content io.Reader) error {
	head, err := json.Marshal(s)
	if err != nil {
		return err
	}
	head = append(head, '\n')
	body, err := c.post(ctx, snapshotPath, io.MultiReader(bytes.NewReader(head), content), int64(len(head))+s.Size-s.Base)
	if err != nil {
		return err
	}
	return body.Close()
}

// Fetch asks for a snapshot.
func (c *Client) Fetch(ctx context.Context, have engine.PeerState) (engine.Snapshot, io.ReadCloser, error) {
	raw, err := json.Marshal(have)
	if err != nil {
		return engine.Snapshot{}, nil, err
	}
	body, err := c.post(ctx, fetchPath, bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return engine.Snapshot{}, nil, err
	}
	content := bufio.NewReader(body)
	s, err := readHead(content)
	if err != nil {
		return engine.Snapshot{}, nil, errors.Join(unreachable(err), body.Close())
	}
	return s, &rest{Reader: content, Closer: body}, nil
}

// rest is what is left of a body after its head.
type rest struct {
	io.Reader
	io.Closer
}

func readHead(r *bufio.Reader) (engine.Snapshot, error) {
	var s engine.Snapshot
	line, err := r.ReadBytes('\n')
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(line, &s)
}

func (c *Client) post(ctx context.Context, path string, body io.Reader, size int64) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path, body)
	if err != nil {
		return nil, err
	}
	req.ContentLength = size
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, unreachable(err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	defer func() { _ = resp.Body.Close() }()
	message, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBytes))
	if err != nil {
		return nil, unreachable(err)
	}
	return nil, fmt.Errorf("%w: the peer answered: %s", kindOf(resp.StatusCode), bytes.TrimSpace(message))
}

func unreachable(err error) error { return fmt.Errorf("%w: %w", engine.ErrUnreachable, err) }

// errPeer is an error of the peer's array, which did answer.
var errPeer = errors.New("peer failed")

func kindOf(code int) error {
	switch code {
	case http.StatusConflict:
		return engine.ErrRefused
	case http.StatusNotFound:
		return engine.ErrNotFound
	case http.StatusBadRequest:
		return engine.ErrInvalid
	}
	return errPeer
}
