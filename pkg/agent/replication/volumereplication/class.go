// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volumereplication

import (
	"cmp"
	"fmt"
	"slices"

	csiaddons "github.com/csi-addons/kubernetes-csi-addons/api/replication.storage/v1alpha1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Reasons why a volume can't be protected.
const (
	ReasonNotBound           = "NotBound"
	ReasonNotCSI             = "NotCSI"
	ReasonNoPeerClass        = "NoPeerClass"
	ReasonNoReplicationClass = "NoReplicationClass"
)

const (
	intervalParameter      = "schedulingInterval"
	defaultClassAnnotation = "replication.storage.openshift.io/is-default-class"
)

// chooseClass is the whole rule: the claim is bound to a CSI volume, its storage class has a peer, and there is a
// VolumeReplicationClass of the same driver, the peer's replication id and the policy's interval.
func chooseClass(v replication.Volume, rules replication.Rules, classes []csiaddons.VolumeReplicationClass) (string, *replication.Problem) {
	name := v.Key().String()
	if v.PV == nil {
		return "", &replication.Problem{Reason: ReasonNotBound, Message: fmt.Sprintf(
			"PersistentVolumeClaim %s is not bound; it is protected once it is", name)}
	}
	if v.PV.Spec.CSI == nil {
		return "", &replication.Problem{Reason: ReasonNotCSI, Message: fmt.Sprintf(
			"PersistentVolumeClaim %s is bound to PersistentVolume %s, which is not a CSI volume; only CSI volumes can be replicated", name, v.PV.Name)}
	}
	peer, problem := peerOf(v, rules)
	if problem != nil {
		return "", problem
	}
	driver := v.PV.Spec.CSI.Driver
	var fitting []csiaddons.VolumeReplicationClass
	for _, class := range classes {
		if class.Spec.Provisioner == driver && fits(class, rules, peer) {
			fitting = append(fitting, class)
		}
	}
	if len(fitting) == 0 {
		return "", &replication.Problem{Reason: ReasonNoReplicationClass, Message: fmt.Sprintf(
			"PersistentVolumeClaim %s: there is no VolumeReplicationClass %s; create one on this cluster", name, describe(driver, rules, peer))}
	}
	slices.SortFunc(fitting, func(a, b csiaddons.VolumeReplicationClass) int {
		return cmp.Or(cmp.Compare(b.Annotations[defaultClassAnnotation], a.Annotations[defaultClassAnnotation]), cmp.Compare(a.Name, b.Name))
	})
	return fitting[0].Name, nil
}

func peerOf(v replication.Volume, rules replication.Rules) (*v1alpha1.PeerClass, *replication.Problem) {
	class := v.StorageClassName()
	i := slices.IndexFunc(rules.Peers, func(p v1alpha1.PeerClass) bool { return p.StorageClassName == class })
	if i < 0 {
		if !rules.PeersRequired {
			return nil, nil
		}
		return nil, &replication.Problem{Reason: ReasonNoPeerClass, Message: fmt.Sprintf(
			"PersistentVolumeClaim %s: StorageClass %q has no peer class on the policy's other cluster; see the DRPolicy's status.unpaired, or use a class that has one",
			v.Key(), class)}
	}
	peer := &rules.Peers[i]
	if v.StorageClass != nil {
		if id := v.StorageClass.Labels[v1alpha1.LabelStorageID]; id != "" && len(peer.StorageID) > 0 && !slices.Contains(peer.StorageID, id) {
			return nil, &replication.Problem{Reason: ReasonNoPeerClass, Message: fmt.Sprintf(
				"PersistentVolumeClaim %s: StorageClass %q is on storage %q, which is not what the policy paired (%q); correct the label %s or the policy",
				v.Key(), class, id, peer.StorageID, v1alpha1.LabelStorageID)}
		}
	}
	return peer, nil
}

func fits(class csiaddons.VolumeReplicationClass, rules replication.Rules, peer *v1alpha1.PeerClass) bool {
	if peer != nil && peer.ReplicationID != "" && ReplicationID(class.Labels) != peer.ReplicationID {
		return false
	}
	if rules.Selector != nil && !rules.Selector.Matches(labels.Set(class.Labels)) {
		return false
	}
	if rules.Async {
		return class.Spec.Parameters[intervalParameter] == rules.Interval
	}
	return class.Spec.Parameters[intervalParameter] == ""
}

func describe(driver string, rules replication.Rules, peer *v1alpha1.PeerClass) string {
	text := fmt.Sprintf("with provisioner %s", driver)
	if peer != nil && peer.ReplicationID != "" {
		text += fmt.Sprintf(", label %s=%s", v1alpha1.LabelReplicationID, peer.ReplicationID)
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

// ReplicationID reads the replication id from a class's labels, in either spelling.
func ReplicationID(labels map[string]string) string {
	return cmp.Or(labels[v1alpha1.LabelReplicationID], labels[v1alpha1.LabelReplicationIDCamel])
}

// SchedulingInterval reads the interval of a class.
func SchedulingInterval(class *csiaddons.VolumeReplicationClass) string {
	return class.Spec.Parameters[intervalParameter]
}
