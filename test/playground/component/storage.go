// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package component

import (
	"github.com/ramendr/dr-apiserver/test/playground/process"
)

// Names of the programs of a cluster's storage.
const (
	Storage        = "storage"
	storageSidecar = "storage-sidecar"
	kubelet        = "kubelet"
	CSIAddons      = "csi-addons"
	Provisioner    = "provisioner"

	SnapshotController = "snapshot-controller"
	Snapshotter        = "snapshotter"
	VolSync            = "volsync"
)

// Driver is the name of the CSI driver that the storage simulator is.
const Driver = "sim.dr.ramen.io"

// StorageSimulator is the CSI driver. It reaches its peer at an address that can be cut. Instant makes it do without
// csi-addons and answer every VolumeReplication at once. It also answers for the nodes when they are asked for what VolSync's
// movers print.
func (c Cluster) StorageSimulator(peer string, instant bool) process.Spec {
	args := []string{
		"--cluster=" + c.Name,
		"--kubeconfig=" + c.Kubeconfig(),
		"--data-dir=" + c.Dir("volumes"),
		"--ack-dir=" + c.Root.Run("acknowledged"),
		"--listen=" + c.Address(Storage),
		"--peer=" + peer,
		"--csi-socket=" + c.csiSocket(),
		"--csi-addons-port=" + itoa(c.port(storageSidecar)),
		"--load-balancer-range=" + c.loadBalancerRange(),
		"--kubelet-listen=" + c.Address(kubelet),
		"--kubelet-cert-file=" + c.PKI().Path(kubelet+".crt"), "--kubelet-key-file=" + c.PKI().Path(kubelet+".key"),
	}
	if instant {
		args = append(args, "--instant")
	}
	return c.process(Storage, c.Root.Program("storagesim"), args, c.serving("http://"+c.Address(Storage)+"/healthz"), Storage, storageSidecar, kubelet)
}

// Provisioner makes volumes for PersistentVolumeClaims.
func (c Cluster) Provisioner() process.Spec {
	args := []string{
		"--kubeconfig=" + c.Kubeconfig(),
		"--csi-address=" + c.csiSocket(),
		"--http-endpoint=" + c.Address(Provisioner),
		"--extra-create-metadata",
		"--worker-threads=50", "--kube-api-qps=1000", "--kube-api-burst=2000",
	}
	return c.process(Provisioner, c.Root.Tool("csi-provisioner"), args, listening(c.Address(Provisioner)), Provisioner)
}

// snapshotResync is how long a snapshot stays at most that was deleted while it was being made: the csi-snapshotter overlooks such a
// deletion until it looks at everything again, which it does every 15 minutes unless told otherwise. Until then nothing that the
// snapshot is of can be deleted either.
const snapshotResync = "20s"

// SnapshotController binds VolumeSnapshots and VolumeGroupSnapshots to their contents.
func (c Cluster) SnapshotController() process.Spec {
	args := []string{
		"--kubeconfig=" + c.Kubeconfig(),
		"--http-endpoint=" + c.Address(SnapshotController),
		"--resync-period=" + snapshotResync,
		"--kube-api-qps=1000", "--kube-api-burst=2000",
	}
	return c.process(SnapshotController, c.Root.Tool("snapshot-controller"), args, listening(c.Address(SnapshotController)), SnapshotController)
}

// Snapshotter has the storage take the snapshots that the contents describe.
func (c Cluster) Snapshotter() process.Spec {
	args := []string{
		"--kubeconfig=" + c.Kubeconfig(),
		"--csi-address=" + c.csiSocket(),
		"--http-endpoint=" + c.Address(Snapshotter),
		"--extra-create-metadata",
		"--resync-period=" + snapshotResync,
		"--kube-api-qps=1000", "--kube-api-burst=2000",
	}
	return c.process(Snapshotter, c.Root.Tool("csi-snapshotter"), args, listening(c.Address(Snapshotter)), Snapshotter)
}

// VolSyncManager reconciles ReplicationSources and ReplicationDestinations. What its Jobs do, the storage simulator does.
func (c Cluster) VolSyncManager() process.Spec {
	args := []string{
		"--kubeconfig=" + c.Kubeconfig(),
		"--health-probe-bind-address=" + c.Address(VolSync), "--metrics-bind-address=0",
		"--zap-devel=false",
	}
	return c.process(VolSync, c.Root.Tool("volsync-manager"), args, c.serving("http://"+c.Address(VolSync)+"/readyz"), VolSync)
}

// CSIAddonsManager reconciles VolumeReplications.
func (c Cluster) CSIAddonsManager() process.Spec {
	args := []string{
		"--kubeconfig=" + c.Kubeconfig(),
		"--enable-auth=false",
		"--health-probe-bind-address=" + c.Address(CSIAddons),
		"--max-concurrent-reconciles=50",
		"--namespace=dr-system",
		"--zap-devel=false",
	}
	ready := c.serving("http://" + c.Address(CSIAddons) + "/readyz")
	return c.process(CSIAddons, c.Root.Tool("csi-addons-manager"), args, ready, CSIAddons)
}

// loadBalancerRange are the addresses of the cluster's Services that other clusters reach.
func (c Cluster) loadBalancerRange() string {
	if c.Name == "dr1" {
		return "198.18.0.0/16"
	}
	return "198.19.0.0/16"
}

func (c Cluster) csiSocket() string {
	return c.Dir("csi.sock")
}
