// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"cmp"
	"slices"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// source is the ReplicationSource that sends a claim's volume to an address when triggered.
func source(group types.NamespacedName, claim Claim, spec v1alpha1.VolSyncSpec, address, trigger string) *volsyncv1alpha1.ReplicationSource {
	tls := &volsyncv1alpha1.ReplicationSourceRsyncTLSSpec{
		Address:     ptr.To(address),
		MoverConfig: mover(spec, claim.Name),
	}
	tls.CopyMethod = volsyncv1alpha1.CopyMethodType(cmp.Or(spec.CopyMethod, v1alpha1.VolSyncCopySnapshot))
	if tls.CopyMethod == volsyncv1alpha1.CopyMethodSnapshot && claim.SnapshotClass != "" {
		tls.VolumeSnapshotClassName = ptr.To(claim.SnapshotClass)
	}
	return &volsyncv1alpha1.ReplicationSource{
		ObjectMeta: meta(group, claim.Name),
		Spec: volsyncv1alpha1.ReplicationSourceSpec{
			SourcePVC: claim.Name,
			Trigger:   &volsyncv1alpha1.ReplicationSourceTriggerSpec{Manual: trigger},
			RsyncTLS:  tls,
		},
	}
}

// destination is the ReplicationDestination that receives a volume and keeps the last complete copy as a snapshot: into the
// claim, if there is one, of which then only what differs is sent, else into one that VolSync makes.
func destination(group types.NamespacedName, d v1alpha1.VolSyncDestination, spec v1alpha1.VolSyncSpec, snapshotClass string, into *Claim, exports bool) *volsyncv1alpha1.ReplicationDestination {
	service := corev1.ServiceTypeLoadBalancer
	if exports {
		service = corev1.ServiceTypeClusterIP
	}
	tls := &volsyncv1alpha1.ReplicationDestinationRsyncTLSSpec{
		ServiceType: &service,
		VolumeMode:  d.VolumeMode,
		MoverConfig: mover(spec, d.Name),
	}
	tls.CopyMethod = volsyncv1alpha1.CopyMethodSnapshot
	if snapshotClass != "" {
		tls.VolumeSnapshotClassName = ptr.To(snapshotClass)
	}
	if into != nil {
		tls.DestinationPVC = ptr.To(into.Name)
	} else {
		tls.Capacity, tls.AccessModes = ptr.To(d.Capacity), d.AccessModes
		if d.StorageClassName != "" {
			tls.StorageClassName = ptr.To(d.StorageClassName)
		}
	}
	return &volsyncv1alpha1.ReplicationDestination{
		ObjectMeta: meta(group, d.Name),
		Spec:       volsyncv1alpha1.ReplicationDestinationSpec{RsyncTLS: tls},
	}
}

// mover says how the mover of a claim runs.
func mover(spec v1alpha1.VolSyncSpec, claim string) volsyncv1alpha1.MoverConfig {
	i := slices.IndexFunc(spec.MoverConfig, func(m v1alpha1.VolSyncMoverConfig) bool { return m.PVCName == claim })
	if i < 0 {
		i = slices.IndexFunc(spec.MoverConfig, func(m v1alpha1.VolSyncMoverConfig) bool { return m.PVCName == "" })
	}
	if i < 0 {
		return volsyncv1alpha1.MoverConfig{}
	}
	config := volsyncv1alpha1.MoverConfig{MoverSecurityContext: securityContext(spec.MoverConfig[i].MoverSecurityContext)}
	if account := spec.MoverConfig[i].MoverServiceAccount; account != "" {
		config.MoverServiceAccount = ptr.To(account)
	}
	return config
}

func securityContext(m *v1alpha1.MoverSecurityContext) *corev1.PodSecurityContext {
	if m == nil {
		return nil
	}
	c := &corev1.PodSecurityContext{
		RunAsUser: m.RunAsUser, RunAsGroup: m.RunAsGroup, RunAsNonRoot: m.RunAsNonRoot,
		FSGroup: m.FSGroup, SupplementalGroups: m.SupplementalGroups,
	}
	if m.FSGroupChangePolicy != "" {
		c.FSGroupChangePolicy = ptr.To(corev1.PodFSGroupChangePolicy(m.FSGroupChangePolicy))
	}
	if o := m.SELinuxOptions; o != nil {
		c.SELinuxOptions = &corev1.SELinuxOptions{User: o.User, Role: o.Role, Type: o.Type, Level: o.Level}
	}
	if p := m.SeccompProfile; p != nil {
		c.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileType(p.Type), LocalhostProfile: p.LocalhostProfile}
	}
	return c
}
