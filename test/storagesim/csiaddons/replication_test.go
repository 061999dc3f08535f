// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package csiaddons

import (
	"context"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/csi-addons/spec/lib/go/identity"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	pb "github.com/ramendr/dr-apiserver/test/storagesim/csiaddons/sidecarpb"
	"github.com/ramendr/dr-apiserver/test/storagesim/engine"
	"github.com/ramendr/dr-apiserver/test/storagesim/faults"
	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

// willing is a peer that takes every snapshot and keeps none.
type willing struct{}

func (willing) Hello(_ context.Context, states []engine.PeerState) ([]engine.PeerState, error) {
	answers := make([]engine.PeerState, len(states))
	for i := range states {
		answers[i].Handle = states[i].Handle
	}
	return answers, nil
}

func (willing) Send(context.Context, engine.Snapshot, io.Reader) error { return nil }

func (willing) Fetch(context.Context, engine.PeerState) (engine.Snapshot, io.ReadCloser, error) {
	return engine.Snapshot{}, nil, engine.ErrRefused
}

func (willing) SendGroup(context.Context, engine.GroupSnapshot, io.Reader) error { return nil }

func (willing) FetchGroup(context.Context, engine.GroupHave) (engine.GroupSnapshot, io.ReadCloser, error) {
	return engine.GroupSnapshot{}, nil, engine.ErrRefused
}

const driver = "sim.example"

// serve returns clients of an array with the volume "v", records in it, and not replicated.
func serve(t *testing.T) (*engine.Engine, pb.ReplicationClient, identity.IdentityClient) {
	t.Helper()
	array, err := engine.Open(engine.Options{Cluster: "dr1", Dir: t.TempDir(), Faults: &faults.Injector{}, Peer: willing{}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() { array.Run(ctx); close(stopped) }()
	t.Cleanup(func() { cancel(); <-stopped; _ = array.Close() })
	if err := array.Create(ctx, "v", 1<<20, layout.Claim{}); err != nil {
		t.Fatal(err)
	}
	if _, err := array.Append(ctx, "v", "pod"); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	pb.RegisterReplicationServer(server, &Replication{Engine: array})
	identity.RegisterIdentityServer(server, &Identity{Driver: driver})
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return array, pb.NewReplicationClient(conn), identity.NewIdentityClient(conn)
}

func source(handle string) *pb.ReplicationSource {
	return &pb.ReplicationSource{Type: &pb.ReplicationSource_Volume{Volume: &pb.ReplicationSource_VolumeSource{VolumeId: handle}}}
}

func mustBe(t *testing.T, what string, err error, code codes.Code) {
	t.Helper()
	if status.Code(err) != code {
		t.Fatalf("%s returned %v, want %s", what, err, code)
	}
}

func TestLifeOfAReplicatedVolume(t *testing.T) {
	_, client, _ := serve(t)
	ctx := t.Context()
	class := map[string]string{ParameterSchedulingInterval: "1d", ParameterSyncInterval: "1h"}

	_, err := client.GetVolumeReplicationInfo(ctx, &pb.GetVolumeReplicationInfoRequest{ReplicationSource: source("v")})
	mustBe(t, "info before enable", err, codes.NotFound)
	_, err = client.PromoteVolume(ctx, &pb.PromoteVolumeRequest{ReplicationSource: source("v"), Force: true})
	mustBe(t, "promote before enable", err, codes.FailedPrecondition)
	_, err = client.EnableVolumeReplication(ctx, &pb.EnableVolumeReplicationRequest{ReplicationSource: source("v")})
	mustBe(t, "enable without an interval", err, codes.InvalidArgument)
	_, err = client.EnableVolumeReplication(ctx, &pb.EnableVolumeReplicationRequest{ReplicationSource: source("v"), Parameters: class})
	mustBe(t, "enable", err, codes.OK)
	_, err = client.PromoteVolume(ctx, &pb.PromoteVolumeRequest{ReplicationSource: source("v")})
	mustBe(t, "promote", err, codes.OK)

	info, err := client.GetVolumeReplicationInfo(ctx, &pb.GetVolumeReplicationInfoRequest{ReplicationSource: source("v")})
	mustBe(t, "info", err, codes.OK)
	if info.GetStatus() != pb.GetVolumeReplicationInfoResponse_HEALTHY ||
		time.Since(info.GetLastSyncTime().AsTime()) > time.Minute || info.GetLastSyncDuration() == nil {
		t.Errorf("info %v", info)
	}

	_, err = client.ResyncVolume(ctx, &pb.ResyncVolumeRequest{ReplicationSource: source("v")})
	mustBe(t, "resync of a primary", err, codes.FailedPrecondition)
	_, err = client.DemoteVolume(ctx, &pb.DemoteVolumeRequest{ReplicationSource: source("v")})
	mustBe(t, "demote", err, codes.OK)
	resync, err := client.ResyncVolume(ctx, &pb.ResyncVolumeRequest{ReplicationSource: source("gone")})
	mustBe(t, "resync of an unknown volume", err, codes.NotFound)
	if resync.GetReady() {
		t.Error("an unknown volume is ready")
	}
	_, err = client.DisableVolumeReplication(ctx, &pb.DisableVolumeReplicationRequest{ReplicationSource: source("v")})
	mustBe(t, "disable", err, codes.OK)
}

func TestIdentityPromisesReplication(t *testing.T) {
	_, _, client := serve(t)
	id, err := client.GetIdentity(t.Context(), &identity.GetIdentityRequest{})
	if err != nil || id.GetName() != driver {
		t.Errorf("identity %v, %v", id, err)
	}
	caps, err := client.GetCapabilities(t.Context(), &identity.GetCapabilitiesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, c := range caps.GetCapabilities() {
		found[fmt.Sprint(c.GetService().GetType(), c.GetVolumeReplication().GetType())] = true
	}
	if !found["CONTROLLER_SERVICE UNKNOWN"] || !found["UNKNOWN VOLUME_REPLICATION"] {
		t.Errorf("capabilities %v", found)
	}
	probe, err := client.Probe(t.Context(), &identity.ProbeRequest{})
	if err != nil || !probe.GetReady().GetValue() {
		t.Errorf("probe %v, %v", probe, err)
	}
}

func TestIntervals(t *testing.T) {
	for name, c := range map[string]struct {
		parameters map[string]string
		sync, look time.Duration
		refused    bool
	}{
		"syncs as often as it is scheduled":        {map[string]string{"schedulingInterval": "1m"}, time.Minute, time.Minute, false},
		"unless it is told otherwise":              {map[string]string{"schedulingInterval": "10m", "syncInterval": "1s"}, time.Second, 5 * time.Minute, false},
		"days":                                     {map[string]string{"schedulingInterval": "1d"}, 24 * time.Hour, 12 * time.Hour, false},
		"a class without an interval is refused":   {nil, 0, time.Hour, true},
		"so is one with an interval that is none":  {map[string]string{"schedulingInterval": "often"}, 0, time.Hour, true},
		"and one with an interval that is nothing": {map[string]string{"schedulingInterval": "0m"}, 0, time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			sync, err := SyncInterval(c.parameters)
			if sync != c.sync || (err != nil) != c.refused || LookInterval(c.parameters) != c.look {
				t.Errorf("sync %s, %v, look %s", sync, err, LookInterval(c.parameters))
			}
		})
	}
}
