// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"testing"

	csi "github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/ramendr/dr-apiserver/test/storagesim/engine"
	"github.com/ramendr/dr-apiserver/test/storagesim/faults"
	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

func open(t *testing.T, injector *faults.Injector) *Controller {
	t.Helper()
	array, err := engine.Open(engine.Options{Cluster: "dr1", Dir: t.TempDir(), Faults: injector})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = array.Close() })
	return &Controller{Engine: array}
}

func request(name string) *csi.CreateVolumeRequest {
	return &csi.CreateVolumeRequest{
		Name: name, CapacityRange: &csi.CapacityRange{RequiredBytes: 1 << 20},
		VolumeCapabilities: []*csi.VolumeCapability{{}},
		Parameters:         map[string]string{parameterClaimNamespace: "shop", parameterClaimName: "data"},
	}
}

func TestVolumesAreMadeAndRemoved(t *testing.T) {
	c := open(t, &faults.Injector{})
	for range 2 { // the provisioner repeats itself
		resp, err := c.CreateVolume(t.Context(), request("pvc-1"))
		if err != nil || resp.GetVolume().GetVolumeId() != "pvc-1" || resp.GetVolume().GetCapacityBytes() != 1<<20 {
			t.Fatalf("%v, %v", resp, err)
		}
	}
	volumes := c.Engine.List()
	if len(volumes) != 1 || volumes[0].Claim != (layout.Claim{Namespace: "shop", Name: "data"}) || !volumes[0].Writable {
		t.Fatalf("%+v", volumes)
	}
	for range 2 {
		if _, err := c.DeleteVolume(t.Context(), &csi.DeleteVolumeRequest{VolumeId: "pvc-1"}); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.Engine.List()) != 0 {
		t.Error("the volume is still there")
	}
}

func TestRefusals(t *testing.T) {
	injector := &faults.Injector{}
	c := open(t, injector)
	bare := request("pvc-1")
	bare.VolumeCapabilities = nil
	for name, req := range map[string]*csi.CreateVolumeRequest{
		"no capabilities": bare, "a name that is a path": request("../pvc-1"),
	} {
		if _, err := c.CreateVolume(t.Context(), req); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
	injector.Add(faults.Fault{Kind: faults.Fail, Point: "provision.before", Namespace: "shop", Count: 1})
	if _, err := c.CreateVolume(t.Context(), request("pvc-1")); status.Code(err) != codes.Internal {
		t.Errorf("fault: %v", err)
	}
	if _, err := c.CreateVolume(t.Context(), request("pvc-1")); err != nil {
		t.Fatal(err)
	}
}

func TestIdentity(t *testing.T) {
	i := &Identity{Driver: "sim.example"}
	info, err := i.GetPluginInfo(t.Context(), nil)
	if err != nil || info.GetName() != "sim.example" {
		t.Errorf("%v, %v", info, err)
	}
	capabilities, err := i.GetPluginCapabilities(t.Context(), nil)
	if err != nil || len(capabilities.GetCapabilities()) != 2 ||
		capabilities.GetCapabilities()[0].GetService().GetType() != csi.PluginCapability_Service_CONTROLLER_SERVICE ||
		capabilities.GetCapabilities()[1].GetService().GetType() != csi.PluginCapability_Service_GROUP_CONTROLLER_SERVICE {
		t.Errorf("%v, %v", capabilities, err)
	}
}
