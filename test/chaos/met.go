// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
	"github.com/ramendr/dr-apiserver/test/playground/component"
	storagefaults "github.com/ramendr/dr-apiserver/test/storagesim/faults"
)

// followStorage writes down which of the faults its storage was told of a cluster comes by, for a fault may be over before that.
func followStorage(ctx context.Context, p *framework.Playground, cluster string, history *History) {
	log, err := storagefaults.FollowLog(component.Cluster{Root: p.Root, Name: cluster}.Dir("volumes"))
	if err != nil {
		history.Add(Entry{Kind: KindNote, What: "what storage of " + cluster + " comes by", Error: err.Error()})
		return
	}
	for ctx.Err() == nil {
		pause(ctx, time.Second)
		// What can't be read now can be the next time.
		happened, _ := log.Next()
		for _, h := range happened {
			if h.Kind != storagefaults.Start {
				history.Add(Entry{Time: h.Time, Kind: KindMet, App: h.Namespace, What: met(cluster, h)})
			}
		}
	}
}

// met says what happened as it was asked for.
func met(cluster string, h storagefaults.Happening) string {
	what := cluster + " " + string(h.Kind)
	if h.Point != "" {
		what += "=" + h.Point
	}
	return what
}
