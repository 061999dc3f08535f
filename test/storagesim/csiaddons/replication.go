// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package csiaddons offers the array to the csi-addons manager in the place of a csi-addons sidecar.
package csiaddons

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/ramendr/dr-apiserver/test/storagesim/csiaddons/sidecarpb"
	"github.com/ramendr/dr-apiserver/test/storagesim/engine"
)

const (
	// ParameterSyncInterval of a VolumeReplicationClass is how often snapshots are shipped: a duration such as 1s.
	ParameterSyncInterval = "syncInterval"
	// ParameterSchedulingInterval is how often csi-addons looks, and how often snapshots are shipped unless syncInterval says.
	ParameterSchedulingInterval = "schedulingInterval"
)

// Replication serves csi-addons' replication operations.
type Replication struct {
	sidecarpb.UnimplementedReplicationServer
	Engine *engine.Engine
}

// EnableVolumeReplication starts replicating a volume or a group.
func (r *Replication) EnableVolumeReplication(
	ctx context.Context, req *sidecarpb.EnableVolumeReplicationRequest,
) (*sidecarpb.EnableVolumeReplicationResponse, error) {
	interval, err := SyncInterval(req.GetParameters())
	if err == nil {
		err = r.target(req).enable(ctx, interval)
	}
	return &sidecarpb.EnableVolumeReplicationResponse{}, statusOf(err)
}

// DisableVolumeReplication stops replicating a volume or a group.
func (r *Replication) DisableVolumeReplication(
	ctx context.Context, req *sidecarpb.DisableVolumeReplicationRequest,
) (*sidecarpb.DisableVolumeReplicationResponse, error) {
	return &sidecarpb.DisableVolumeReplicationResponse{}, statusOf(r.target(req).disable(ctx))
}

// PromoteVolume makes a copy writable.
func (r *Replication) PromoteVolume(
	ctx context.Context, req *sidecarpb.PromoteVolumeRequest,
) (*sidecarpb.PromoteVolumeResponse, error) {
	return &sidecarpb.PromoteVolumeResponse{}, statusOf(r.target(req).promote(ctx, req.GetForce()))
}

// DemoteVolume makes a volume a copy.
func (r *Replication) DemoteVolume(
	ctx context.Context, req *sidecarpb.DemoteVolumeRequest,
) (*sidecarpb.DemoteVolumeResponse, error) {
	return &sidecarpb.DemoteVolumeResponse{}, statusOf(r.target(req).demote(ctx))
}

// ResyncVolume brings a copy up to date.
func (r *Replication) ResyncVolume(
	ctx context.Context, req *sidecarpb.ResyncVolumeRequest,
) (*sidecarpb.ResyncVolumeResponse, error) {
	ready, err := r.target(req).resync(ctx, req.GetForce())
	return &sidecarpb.ResyncVolumeResponse{Ready: ready}, statusOf(err)
}

// GetVolumeReplicationInfo tells how the replication of a volume is doing.
func (r *Replication) GetVolumeReplicationInfo(
	ctx context.Context, req *sidecarpb.GetVolumeReplicationInfoRequest,
) (*sidecarpb.GetVolumeReplicationInfoResponse, error) {
	info, err := r.target(req).info(ctx)
	if err != nil {
		return nil, statusOf(err)
	}
	resp := &sidecarpb.GetVolumeReplicationInfoResponse{Status: healthStatus[info.Health], StatusMessage: info.Message}
	if info.LastSync != nil {
		resp.LastSyncTime = timestamppb.New(info.LastSync.Time)
		resp.LastSyncDuration = durationpb.New(info.LastSync.Duration)
		resp.LastSyncBytes = info.LastSync.Bytes
	}
	return resp, nil
}

var healthStatus = map[engine.Health]sidecarpb.GetVolumeReplicationInfoResponse_Status{
	engine.HealthUnknown: sidecarpb.GetVolumeReplicationInfoResponse_UNKNOWN,
	engine.Healthy:       sidecarpb.GetVolumeReplicationInfoResponse_HEALTHY,
	engine.Degraded:      sidecarpb.GetVolumeReplicationInfoResponse_DEGRADED,
	engine.Broken:        sidecarpb.GetVolumeReplicationInfoResponse_ERROR,
}

// statusOf is an error of the array as csi-addons understands it.
func statusOf(err error) error {
	if err == nil {
		return nil
	}
	code := codes.Internal
	for kind, c := range map[error]codes.Code{
		engine.ErrNotFound: codes.NotFound, engine.ErrPrecondition: codes.FailedPrecondition, engine.ErrInvalid: codes.InvalidArgument,
		engine.ErrUnreachable: codes.Unavailable, context.DeadlineExceeded: codes.DeadlineExceeded, context.Canceled: codes.Canceled,
	} {
		if errors.Is(err, kind) {
			code = c
			break
		}
	}
	return status.Error(code, err.Error())
}

// SyncInterval is the time between two snapshots that the parameters of a VolumeReplicationClass ask for.
func SyncInterval(parameters map[string]string) (time.Duration, error) {
	if _, ok := parameters[ParameterSyncInterval]; ok {
		return interval(parameters, ParameterSyncInterval)
	}
	return interval(parameters, ParameterSchedulingInterval)
}

const (
	// defaultLook is how often the manager looks where the class does not say.
	defaultLook = time.Hour
	// minHalved is the shortest scheduling interval that the manager halves.
	minHalved = 2 * time.Minute
)

// LookInterval is how often the csi-addons manager looks at a primary.
func LookInterval(parameters map[string]string) time.Duration {
	d, err := interval(parameters, ParameterSchedulingInterval)
	switch {
	case err != nil:
		return defaultLook
	case d >= minHalved:
		return d / 2
	}
	return d
}

func interval(parameters map[string]string, name string) (time.Duration, error) {
	d, err := parseInterval(parameters[name])
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%w: parameter %s of the VolumeReplicationClass: %q is no positive duration such as 30s or 5m",
			engine.ErrInvalid, name, parameters[name])
	}
	return d, nil
}

// parseInterval knows days too, as RamenDR's scheduling intervals do.
func parseInterval(value string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(value, "d"); ok {
		n, err := strconv.Atoi(days)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(value)
}
