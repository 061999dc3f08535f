// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package csiaddons

import (
	"context"
	"time"

	"github.com/ramendr/dr-apiserver/test/storagesim/csiaddons/sidecarpb"
	"github.com/ramendr/dr-apiserver/test/storagesim/engine"
)

// target is what csi-addons replicates: a volume, or a group as one.
type target interface {
	enable(ctx context.Context, interval time.Duration) error
	disable(ctx context.Context) error
	promote(ctx context.Context, force bool) error
	demote(ctx context.Context) error
	resync(ctx context.Context, force bool) (bool, error)
	info(ctx context.Context) (engine.Info, error)
}

type sourced interface {
	GetReplicationSource() *sidecarpb.ReplicationSource
}

func (r *Replication) target(req sourced) target {
	source := req.GetReplicationSource()
	if id := source.GetVolumeGroup().GetVolumeGroupId(); id != "" {
		return group{r.Engine, id}
	}
	return volume{r.Engine, source.GetVolume().GetVolumeId()}
}

type volume struct {
	array  *engine.Engine
	handle string
}

func (v volume) enable(ctx context.Context, interval time.Duration) error {
	return v.array.Enable(ctx, v.handle, interval)
}
func (v volume) disable(ctx context.Context) error { return v.array.Disable(ctx, v.handle) }
func (v volume) promote(ctx context.Context, force bool) error {
	return v.array.Promote(ctx, v.handle, force)
}
func (v volume) demote(ctx context.Context) error { return v.array.Demote(ctx, v.handle) }
func (v volume) resync(ctx context.Context, force bool) (bool, error) {
	return v.array.Resync(ctx, v.handle, force)
}
func (v volume) info(ctx context.Context) (engine.Info, error) { return v.array.Info(ctx, v.handle) }

type group struct {
	array *engine.Engine
	id    string
}

func (g group) enable(ctx context.Context, interval time.Duration) error {
	return g.array.EnableGroup(ctx, g.id, interval)
}
func (g group) disable(ctx context.Context) error { return g.array.DisableGroup(ctx, g.id) }
func (g group) promote(ctx context.Context, force bool) error {
	return g.array.PromoteGroup(ctx, g.id, force)
}
func (g group) demote(ctx context.Context) error { return g.array.DemoteGroup(ctx, g.id) }
func (g group) resync(ctx context.Context, force bool) (bool, error) {
	return g.array.ResyncGroup(ctx, g.id, force)
}
func (g group) info(ctx context.Context) (engine.Info, error) { return g.array.GroupInfo(ctx, g.id) }
