// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volumegroupreplication

import (
	"context"
	"fmt"
	"slices"
	"strings"

	csiaddons "github.com/csi-addons/kubernetes-csi-addons/api/replication.storage/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication/volumereplication"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Reasons why a volume can't be protected in a group.
const (
	ReasonNoGroupReplicationClass = "NoGroupReplicationClass"
	ReasonGroupFull               = "GroupFull"
)

const (
	// maxMembers is how many volumes csi-addons replicates as one. Of a group with one more it replicates none.
	maxMembers        = 100
	intervalParameter = "schedulingInterval"
)

// Class implements replication.Backend: the VolumeGroupReplicationClass. A VolumeReplicationClass has to fit too, and there
// has to be room in the group.
func (b *Backend) Class(v replication.Volume) (string, *replication.Problem) {
	class, problem := b.groupClass(v)
	if problem != nil {
		return "", problem
	}
	if _, problem := b.volumeClass(v); problem != nil {
		return "", problem
	}
	members, err := b.members(context.Background(), v.PVC.Namespace, groupName(v, class))
	if err != nil {
		return "", unreadable(v, "PersistentVolumeClaims", err)
	}
	return class.Name, room(v, members)
}

// room tells why a volume is not taken into a group that is full.
func room(v replication.Volume, members []corev1.PersistentVolumeClaim) *replication.Problem {
	if len(members) < maxMembers || v.PVC.Labels[mark.VolumeGroup] != "" {
		return nil
	}
	return &replication.Problem{Reason: ReasonGroupFull, Message: fmt.Sprintf(
		"PersistentVolumeClaim %s: the application's consistency group has %d volumes, and csi-addons replicates no more as one; "+
			"take volumes out of the selector, or give some a StorageClass of another group", v.Key(), len(members))}
}

func (b *Backend) groupClass(v replication.Volume) (*csiaddons.VolumeGroupReplicationClass, *replication.Problem) {
	var classes csiaddons.VolumeGroupReplicationClassList
	if err := b.Reader.List(context.Background(), &classes); err != nil {
		return nil, unreadable(v, "VolumeGroupReplicationClasses", err)
	}
	return chooseClass(v, classes.Items)
}

func (b *Backend) volumeClass(v replication.Volume) (string, *replication.Problem) {
	var classes csiaddons.VolumeReplicationClassList
	if err := b.Reader.List(context.Background(), &classes); err != nil {
		return "", unreadable(v, "VolumeReplicationClasses", err)
	}
	return volumereplication.ChooseClass(v, classes.Items)
}

func unreadable(v replication.Volume, what string, err error) *replication.Problem {
	return &replication.Problem{Reason: ReasonNoGroupReplicationClass, Message: fmt.Sprintf(
		"PersistentVolumeClaim %s: %s can't be read (%v); is csi-addons installed on this cluster?", v.Key(), what, err)}
}

// chooseClass is the rule: of the volume's driver, with the peer's group replication id and the policy's interval; of
// several the first by name.
func chooseClass(v replication.Volume, classes []csiaddons.VolumeGroupReplicationClass) (*csiaddons.VolumeGroupReplicationClass, *replication.Problem) {
	if problem := replication.CSI(v); problem != nil {
		return nil, problem
	}
	peer, problem := replication.PeerClass(v)
	if problem != nil {
		return nil, problem
	}
	driver := v.PV.Spec.CSI.Driver
	var fitting []csiaddons.VolumeGroupReplicationClass
	for _, class := range classes {
		if class.Spec.Provisioner == driver && fits(class, v.Rules, peer) {
			fitting = append(fitting, class)
		}
	}
	if len(fitting) == 0 {
		return nil, &replication.Problem{Reason: ReasonNoGroupReplicationClass, Message: fmt.Sprintf(
			"PersistentVolumeClaim %s: there is no VolumeGroupReplicationClass %s; create one on this cluster", v.Key(), describe(driver, v.Rules, peer))}
	}
	slices.SortFunc(fitting, func(a, b csiaddons.VolumeGroupReplicationClass) int { return strings.Compare(a.Name, b.Name) })
	return &fitting[0], nil
}

func fits(class csiaddons.VolumeGroupReplicationClass, rules replication.Rules, peer *v1alpha1.PeerClass) bool {
	if peer != nil && peer.GroupReplicationID != "" && class.Labels[v1alpha1.LabelGroupReplicationID] != peer.GroupReplicationID {
		return false
	}
	if rules.Selector != nil && !rules.Selector.Matches(labels.Set(class.Labels)) {
		return false
	}
	interval := ""
	if rules.Async {
		interval = rules.Interval
	}
	return class.Spec.Parameters[intervalParameter] == interval
}

func describe(driver string, rules replication.Rules, peer *v1alpha1.PeerClass) string {
	text := fmt.Sprintf("with provisioner %s", driver)
	if peer != nil && peer.GroupReplicationID != "" {
		text += fmt.Sprintf(", label %s=%s", v1alpha1.LabelGroupReplicationID, peer.GroupReplicationID)
	}
	if rules.Async {
		text += fmt.Sprintf(", parameter %s=%s", intervalParameter, rules.Interval)
	} else {
		text += fmt.Sprintf(" and without parameter %s", intervalParameter)
	}
	if rules.Selector != nil && !rules.Selector.Empty() {
		text += fmt.Sprintf(" and labels %s", rules.Selector)
	}
	return text
}

// members are the claims that carry a group's label.
func (b *Backend) members(ctx context.Context, namespace, group string) ([]corev1.PersistentVolumeClaim, error) {
	var claims corev1.PersistentVolumeClaimList
	err := b.Reader.List(ctx, &claims, client.InNamespace(namespace), client.MatchingLabels{mark.VolumeGroup: group})
	return claims.Items, err
}
