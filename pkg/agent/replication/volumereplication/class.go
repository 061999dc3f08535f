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

// ReasonNoReplicationClass is why a volume can't be protected that no VolumeReplicationClass fits.
const ReasonNoReplicationClass = "NoReplicationClass"

const (
	intervalParameter      = "schedulingInterval"
	defaultClassAnnotation = "replication.storage.openshift.io/is-default-class"
)

// ChooseClass is the whole rule: the claim is bound to a CSI volume, its storage class has a peer, and there is a
// VolumeReplicationClass of the same driver, the peer's replication id and the policy's interval.
func ChooseClass(v replication.Volume, classes []csiaddons.VolumeReplicationClass) (string, *replication.Problem) {
	if problem := replication.CSI(v); problem != nil {
		return "", problem
	}
	peer, problem := replication.PeerClass(v)
	if problem != nil {
		return "", problem
	}
	rules := v.Rules
	driver := v.PV.Spec.CSI.Driver
	var fitting []csiaddons.VolumeReplicationClass
	for _, class := range classes {
		if class.Spec.Provisioner == driver && sameStorage(v, class) && fits(class, rules, peer) {
			fitting = append(fitting, class)
		}
	}
	if len(fitting) == 0 {
		return "", &replication.Problem{Reason: ReasonNoReplicationClass, Message: fmt.Sprintf(
			"PersistentVolumeClaim %s: there is no VolumeReplicationClass %s; create one on this cluster", v.Key(), describe(driver, rules, peer))}
	}
	slices.SortFunc(fitting, func(a, b csiaddons.VolumeReplicationClass) int {
		return cmp.Or(cmp.Compare(b.Annotations[defaultClassAnnotation], a.Annotations[defaultClassAnnotation]), cmp.Compare(a.Name, b.Name))
	})
	return fitting[0].Name, nil
}

// sameStorage tells whether a class is of the storage that the volume is on, as far as their labels say.
func sameStorage(v replication.Volume, class csiaddons.VolumeReplicationClass) bool {
	if v.StorageClass == nil {
		return true
	}
	of, own := v.StorageClass.Labels[v1alpha1.LabelStorageID], class.Labels[v1alpha1.LabelStorageID]
	return of == "" || own == "" || of == own
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
