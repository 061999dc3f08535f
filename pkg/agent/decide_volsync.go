// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication/volsync"
	"github.com/ramendr/dr-apiserver/pkg/agent/status"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// planVolSync decides what follows for VolSync from the roles that claims were told and from what the peer needs.
func (d *decider) planVolSync(leaving bool) {
	if d.VolSync == nil {
		return
	}
	secondary := d.spec.ReplicationState == v1alpha1.Secondary
	d.out.VolSync = volsync.MakePlan(d.VolSync, volsync.Command{
		Spec:      d.spec.VolSync,
		Interval:  d.volSyncInterval(),
		Receiving: d.receiving,
		GivingUp:  secondary && d.spec.Action == v1alpha1.VRGActionFailover,
		Left:      d.leftHere(),
		Epoch:     d.spec.Epoch,
		Leaving:   leaving,
		Settled:   !secondary && d.Checkpoint != nil && d.Checkpoint.Settled,
	}, d.Now)
	if d.out.VolSync.After > 0 {
		d.lookAgain(d.out.VolSync.After)
	}
}

func (d *decider) volSyncInterval() time.Duration {
	if d.spec.Async == nil {
		return time.Hour
	}
	return d.syncInterval()
}

// receive has a secondary that has come to rest prepare for what the primary sends. What it is told of what has arrived is
// from when it was primary.
func (d *decider) receive() {
	if d.spec.VolSync != nil && len(d.spec.VolSync.Arrived) > 0 {
		return
	}
	d.receiving = true
	if d.VolSync == nil || d.spec.VolSync == nil {
		return
	}
	d.report.VolSync = &v1alpha1.VRGVolSyncStatus{}
	for _, r := range d.VolSync.Received(d.spec.VolSync) {
		d.report.VolSync.Destinations = append(d.report.VolSync.Destinations, r.VolSyncDestinationStatus)
	}
	d.report.VolSync.Groups = d.VolSync.Arrived(d.spec.VolSync)
}

// reportSent tells the peer, by way of the hub, what is sent.
func (d *decider) reportSent() {
	if d.VolSync == nil || d.report.VolSync != nil {
		return
	}
	if groups := d.VolSync.Sent(d.Now); len(groups) > 0 {
		d.report.VolSync = &v1alpha1.VRGVolSyncStatus{Groups: groups}
	}
}

// receivedRows are those of volumes that are received here and have no claim yet.
func (d *decider) receivedRows() {
	if !d.receiving || d.VolSync == nil {
		return
	}
	for _, r := range d.VolSync.Received(d.spec.VolSync) {
		claimed := slices.ContainsFunc(d.Volumes, func(v Volume) bool { return v.PVC.Name == r.Name })
		if !claimed {
			d.report.Volumes = append(d.report.Volumes, d.receivedRow(r))
		}
	}
}

func (d *decider) receivedRow(r volsync.Received) status.Volume {
	name := fmt.Sprintf("%s/%s", d.Key.Namespace, r.Name)
	row := status.Volume{
		Namespace: d.Key.Namespace, Name: r.Name, StorageClassName: r.Spec.StorageClassName,
		Capacity: &r.Spec.Capacity, AccessModes: r.Spec.AccessModes, VolumeMode: r.Spec.VolumeMode,
		Method: v1alpha1.MethodVolSync, ConsistencyGroup: r.Spec.Group, Peer: d.sender(r), Ready: status.True("Secondary", ""),
	}
	if r.Spec.Group != "" {
		row.Method = v1alpha1.MethodVolSyncGroup
	}
	switch {
	case r.LatestImage != "":
		row.Protected = status.True("InSync", "")
	case r.Message != "":
		row.Protected = status.False("NotReceiving", fmt.Sprintf("PersistentVolumeClaim %s is not received yet: %s", name, r.Message))
	default:
		row.Protected = status.False("NeverReceived", fmt.Sprintf("PersistentVolumeClaim %s has not been received completely for the first time yet", name))
	}
	return row
}

// sender is the cluster that a volume without a claim comes from; empty if that is not known.
func (d *decider) sender(r volsync.Received) string {
	rules, err := rulesOf(d.Facts)
	if err != nil {
		return ""
	}
	claim := &corev1.PersistentVolumeClaim{Spec: corev1.PersistentVolumeClaimSpec{StorageClassName: &r.Spec.StorageClassName}}
	return replication.PeerCluster(replication.Volume{PVC: claim, Rules: rules})
}

// notSent tells whether the primary says that it no longer sends a volume that there is a copy of here.
func (d *decider) notSent(v *Volume) bool {
	return d.receiving && d.spec.VolSync != nil && d.sentByVolSync(v) &&
		!slices.ContainsFunc(d.spec.VolSync.Destinations, func(to v1alpha1.VolSyncDestination) bool { return to.Name == v.PVC.Name })
}

// sentByVolSync tells whether a claim is VolSync's to replicate for the group.
func (f *Facts) sentByVolSync(v *Volume) bool {
	return f.own(v) && v.Method.ByVolSync()
}

// late tells whether a claim gets its volume only once a pod wants it, so that nobody is to wait for that before.
func (v *Volume) late() bool {
	return v.PVC.Spec.VolumeName == "" && waitsForConsumer(v.Volume) && !v.going()
}

func waitsForConsumer(v replication.Volume) bool {
	return v.StorageClass != nil && v.StorageClass.VolumeBindingMode != nil && *v.StorageClass.VolumeBindingMode == "WaitForFirstConsumer"
}
