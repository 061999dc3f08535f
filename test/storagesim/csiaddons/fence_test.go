// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package csiaddons

import (
	"net/netip"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/ramendr/dr-apiserver/test/storagesim/csiaddons/sidecarpb"
	"github.com/ramendr/dr-apiserver/test/storagesim/faults"
	"github.com/ramendr/dr-apiserver/test/storagesim/shared"
)

func TestFenceOfOneClusterKeepsTheOtherFromWriting(t *testing.T) {
	dir := t.TempDir()
	stores := map[string]*shared.Store{}
	for cluster, own := range map[string]string{"dr1": "198.18.0.0/24", "dr2": "198.18.1.0/24"} {
		store, err := shared.Open(dir, cluster, netip.MustParsePrefix(own))
		if err != nil {
			t.Fatal(err)
		}
		stores[cluster] = store
	}
	ctx, dr1, dr2 := t.Context(), &Fence{Store: stores["dr1"], Faults: &faults.Injector{}}, &Fence{Store: stores["dr2"], Faults: &faults.Injector{}}
	clients, err := dr1.GetFenceClients(ctx, &sidecarpb.FenceClientsRequest{})
	if err != nil || len(clients.GetClients()) != 1 {
		t.Fatalf("the clients are %v, %v", clients, err)
	}
	request := &sidecarpb.NetworkFenceRequest{Cidrs: clients.GetClients()[0].GetCidrs()}
	for range 2 {
		if _, err := dr2.FenceClusterNetwork(ctx, request); err != nil {
			t.Fatal(err)
		}
		if fenced, err := stores["dr1"].Fenced(); err != nil || !fenced {
			t.Errorf("dr1 is fenced: %t, %v", fenced, err)
		}
	}
	for range 2 {
		if _, err := dr2.UnFenceClusterNetwork(ctx, request); err != nil {
			t.Fatal(err)
		}
		if fenced, err := stores["dr1"].Fenced(); err != nil || fenced {
			t.Errorf("dr1 is fenced: %t, %v", fenced, err)
		}
	}
	if _, err := dr2.FenceClusterNetwork(ctx, &sidecarpb.NetworkFenceRequest{}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a fence of nothing: %v", err)
	}
}
