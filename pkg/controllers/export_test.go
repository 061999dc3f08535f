// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"

	"github.com/ramendr/dr-apiserver/pkg/controllers/drcluster"
)

// RunForTest runs the controllers once, with the buckets given.
func RunForTest(ctx context.Context, c Config, buckets drcluster.BucketChecker) error {
	returned := newChanges()
	c.Heartbeat.OnChange(returned.note)
	return runOnce(ctx, c, buckets, returned)
}
