// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volumegroupreplication

import (
	"cmp"

	csiaddons "github.com/csi-addons/kubernetes-csi-addons/api/replication.storage/v1alpha1"

	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// groupName names the group of an application's volumes that one group replication id covers: the same on every cluster.
func groupName(v replication.Volume, class *csiaddons.VolumeGroupReplicationClass) string {
	return replication.GroupName(v.Rules, cmp.Or(class.Labels[v1alpha1.LabelGroupReplicationID], class.Name))
}

// contentName names the cluster-scoped object of a group, and with it the group in the storage.
func contentName(namespace, group string) string {
	return replication.FitName(namespace+"-"+group, namespace, group)
}
