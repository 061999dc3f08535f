// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package supervisor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"

	"github.com/ramendr/dr-apiserver/test/playground/layout"
)

// ErrNotUp is what a client gets if no supervisor runs.
var ErrNotUp = errors.New("the playground is not up; make up starts it")

// Client talks to the supervisor of a source tree.
type Client struct {
	http   *http.Client
	socket string
}

// NewClient returns a client of the source tree that is the working directory.
func NewClient() *Client { return NewClientOf("") }

// NewClientOf returns a client of another source tree, the path of which must not be too long for that of a socket.
func NewClientOf(root layout.Root) *Client {
	socket := filepath.Join(string(root), layout.Socket)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}
	return &Client{socket: socket, http: &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}}
}

// Do has a command carried out and hands on what happens.
func (c *Client) Do(ctx context.Context, report Progress, command Command) error {
	body, err := json.Marshal(command)
	if err != nil {
		return err
	}
	response, err := c.send(ctx, http.MethodPost, "/command", body)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	decoder := json.NewDecoder(response.Body)
	for {
		var e event
		if err := decoder.Decode(&e); err != nil {
			return fmt.Errorf("the supervisor has ended (%w); its log is .run/log/supervisor.log", err)
		}
		switch {
		case e.Error != "":
			return errors.New(e.Error)
		case e.Done:
			return nil
		}
		report("%s", e.Message)
	}
}

// Status asks for the state of everything.
func (c *Client) Status(ctx context.Context) (Status, error) {
	response, err := c.send(ctx, http.MethodGet, "/status", nil)
	if err != nil {
		return Status{}, err
	}
	defer response.Body.Close()
	var status Status
	return status, json.NewDecoder(response.Body).Decode(&status)
}

// Running says whether a supervisor answers.
func (c *Client) Running() bool {
	conn, err := net.Dial("unix", c.socket)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

func (c *Client) send(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://playground"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, ErrNotUp
	}
	return response, nil
}
