// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/config"
	"github.com/ramendr/dr-apiserver/pkg/objectstore"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
	"github.com/ramendr/dr-apiserver/test/playground/component"
	"github.com/ramendr/dr-apiserver/test/playground/network"
)

// captures looks at what was restored, past all that goes wrong on the way to the stores.
type captures struct {
	stores  map[string]objectstore.Store
	history *History
	seen    sync.Map
}

func newCaptures(ctx context.Context, p *framework.Playground, history *History) (*captures, error) {
	status, err := p.Status(ctx)
	if err != nil {
		return nil, err
	}
	c := &captures{stores: map[string]objectstore.Store{}, history: history}
	for _, process := range status.Processes {
		if process.Name != component.S3 {
			continue
		}
		keys, err := component.Cluster{Root: p.Root, Name: process.Cluster}.S3Credentials()
		if err != nil {
			return nil, err
		}
		profile := component.Profile(process.Cluster)
		c.stores[profile], err = objectstore.New(config.S3StoreProfile{
			S3ProfileName: profile, S3Bucket: component.Bucket(process.Cluster),
			S3CompatibleEndpoint: "http://" + network.Address(process.Port),
		}, keys.AccessKey, keys.SecretKey)
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

// restoredFrom is how the record of an action names what was restored.
var restoredFrom = regexp.MustCompile(`Restored from capture (\S+) of epoch (\d+) in S3 profile (\S+)\.`)

// look reads a capture that an action has restored, once, and verifies it. A store that does not answer proves nothing.
func (c *captures) look(ctx context.Context, app string, a *v1alpha1.DRAction) {
	step := action.Step(&v1alpha1.ActionRecord{Status: a.Status}, v1alpha1.StepPromote)
	if step == nil || step.State != v1alpha1.StepDone {
		return
	}
	match := restoredFrom.FindStringSubmatch(step.Message)
	if match == nil {
		return
	}
	if _, before := c.seen.LoadOrStore(a.UID, true); before {
		return
	}
	epoch, err := strconv.ParseInt(match[2], 10, 64)
	if err != nil {
		return
	}
	ref := archive.Ref{Epoch: epoch, ID: match[1]}
	entry := Entry{Kind: KindCapture, App: app, What: fmt.Sprintf("%s restored capture %s from %s", a.Name, ref, match[3])}
	store := c.stores[match[3]]
	if store.CheckBucket(ctx) != nil {
		entry.What += "; the store does not answer"
	} else if _, err := archive.Read(ctx, provider{match[3]: store}, []string{match[3]}, archive.Group{Namespace: app, Name: app}, ref); gone(err) {
		entry.What += "; it is gone since"
	} else if err != nil {
		entry.Error = err.Error()
	}
	c.history.Add(entry)
}

// gone tells whether there is nothing of the capture: captures go with their placement, perhaps before one gets to look at them.
func gone(err error) bool {
	return err != nil && strings.Contains(err.Error(), "manifest.json: "+objectstore.ErrNotFound.Error())
}

// provider hands out the stores that are there.
type provider map[string]objectstore.Store

// Store implements objectstore.Provider.
func (p provider) Store(_ context.Context, name string) (objectstore.Store, error) {
	return p[name], nil
}
