// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package replication

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/ramendr/dr-apiserver/test/storagesim/engine"
)

const (
	groupSnapshotPath = "/peer/group-snapshots"
	groupFetchPath    = "/peer/group-fetch"
)

// SendGroup delivers a group snapshot.
func (c *Client) SendGroup(ctx context.Context, s engine.GroupSnapshot, content io.Reader) error {
	head, err := json.Marshal(s)
	if err != nil {
		return err
	}
	head = append(head, '\n')
	body, err := c.post(ctx, groupSnapshotPath, io.MultiReader(bytes.NewReader(head), content), int64(len(head))+s.Bytes())
	if err != nil {
		return err
	}
	return body.Close()
}

// FetchGroup asks for a group snapshot.
func (c *Client) FetchGroup(ctx context.Context, have engine.GroupHave) (engine.GroupSnapshot, io.ReadCloser, error) {
	var s engine.GroupSnapshot
	raw, err := json.Marshal(have)
	if err != nil {
		return s, nil, err
	}
	body, err := c.post(ctx, groupFetchPath, bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return s, nil, err
	}
	content := bufio.NewReader(body)
	if err := readLine(content, &s); err != nil {
		return s, nil, errors.Join(unreachable(err), body.Close())
	}
	return s, &rest{Reader: content, Closer: body}, nil
}

func readLine(r *bufio.Reader, into any) error {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, into)
}

func serveGroupSnapshot(e *engine.Engine, w http.ResponseWriter, r *http.Request) error {
	if err := limit(w, r); err != nil {
		return err
	}
	body := bufio.NewReader(r.Body)
	var s engine.GroupSnapshot
	if err := readLine(body, &s); err != nil {
		return err
	}
	return e.ReceiveGroup(r.Context(), s, body)
}

func serveGroupFetch(e *engine.Engine, w http.ResponseWriter, r *http.Request) error {
	var have engine.GroupHave
	if err := errors.Join(limit(w, r), json.NewDecoder(r.Body).Decode(&have)); err != nil {
		return err
	}
	s, body, done, err := e.SnapshotGroup(have)
	if err != nil {
		return err
	}
	defer done()
	if err := json.NewEncoder(w).Encode(s); err != nil {
		return err
	}
	_, err = io.Copy(w, body)
	return err
}
