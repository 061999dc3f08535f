// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volumegroupreplication

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	csiaddons "github.com/csi-addons/kubernetes-csi-addons/api/replication.storage/v1alpha1"

	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// longestName is what fits a label's value.
const longestName = 63

// groupName names the group of an application's volumes that one group replication id covers: the same on every cluster.
func groupName(v replication.Volume, class *csiaddons.VolumeGroupReplicationClass) string {
	application := strings.TrimSuffix(v.Rules.Group.Name, "."+v.Rules.Cluster)
	return fit(application, cmp.Or(class.Labels[v1alpha1.LabelGroupReplicationID], class.Name))
}

// contentName names the cluster-scoped object of a group, and with it the group in the storage.
func contentName(namespace, group string) string { return fit(namespace+"-"+group, namespace, group) }

// fit shortens a name so that a hash of what it has to tell apart fits behind it.
func fit(name string, of ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(append([]string{name}, of...), "\n")))
	hash := hex.EncodeToString(sum[:4])
	name = name[:min(len(name), longestName-len(hash)-1)]
	return strings.TrimRight(name, "-.") + "-" + hash
}
