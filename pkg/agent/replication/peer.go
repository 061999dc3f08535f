// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package replication

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Problem is why a volume can't be protected.
type Problem struct {
	Reason, Message string
}

// Reasons why a volume can't be protected, whatever replicates it.
const (
	ReasonNotBound      = "NotBound"
	ReasonNotCSI        = "NotCSI"
	ReasonNoPeerClass   = "NoPeerClass"
	ReasonUnknownMethod = "UnknownMethod"
)

// Bound tells why nothing can be done yet about a volume that has to be there before it is replicated; nil if it is there.
func Bound(v Volume) *Problem {
	if v.PV != nil {
		return nil
	}
	return &Problem{Reason: ReasonNotBound, Message: fmt.Sprintf(
		"PersistentVolumeClaim %s is not bound; it is protected once it is", v.Key())}
}

// CSI tells why a volume can't be replicated by a CSI driver; nil if it is bound to one's volume.
func CSI(v Volume) *Problem {
	if problem := Bound(v); problem != nil || v.PV.Spec.CSI != nil {
		return problem
	}
	return &Problem{Reason: ReasonNotCSI, Message: fmt.Sprintf(
		"PersistentVolumeClaim %s is bound to PersistentVolume %s, which is not a CSI volume; only CSI volumes can be replicated", v.Key(), v.PV.Name)}
}

// PeerClass is what the policy found for the volume's StorageClass; nil if nothing, and with a problem if there has to be.
func PeerClass(v Volume) (*v1alpha1.PeerClass, *Problem) {
	class := v.StorageClassName()
	i := slices.IndexFunc(v.Rules.Peers, func(p v1alpha1.PeerClass) bool { return p.StorageClassName == class })
	if i < 0 {
		if !v.Rules.PeersRequired {
			return nil, nil
		}
		return nil, &Problem{Reason: ReasonNoPeerClass, Message: fmt.Sprintf(
			"PersistentVolumeClaim %s: StorageClass %q has no peer class on the policy's other cluster; see the DRPolicy's status.unpaired, or use a class that has one",
			v.Key(), class)}
	}
	peer := &v.Rules.Peers[i]
	if v.StorageClass != nil {
		if id := v.StorageClass.Labels[v1alpha1.LabelStorageID]; id != "" && len(peer.StorageID) > 0 && !slices.Contains(peer.StorageID, id) {
			return nil, &Problem{Reason: ReasonNoPeerClass, Message: fmt.Sprintf(
				"PersistentVolumeClaim %s: StorageClass %q is on storage %q, which is not what the policy paired (%q); correct the label %s or the policy",
				v.Key(), class, id, peer.StorageID, v1alpha1.LabelStorageID)}
		}
	}
	return peer, nil
}

// PeerCluster is the cluster that the volume is replicated with; empty if that is not known.
func PeerCluster(v Volume) string {
	peer, _ := PeerClass(v)
	if peer == nil {
		return ""
	}
	for _, cluster := range peer.Clusters {
		if cluster != v.Rules.Cluster {
			return cluster
		}
	}
	return ""
}

// longestName is what fits a label's value.
const longestName = 63

// GroupName names the group of an application's volumes that something covers: the same on every cluster.
func GroupName(rules Rules, of string) string {
	return FitName(strings.TrimSuffix(rules.Group.Name, "."+rules.Cluster), of)
}

// FitName shortens a name to what fits a label's value, so that a hash of what it has to tell apart fits behind it.
func FitName(name string, of ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(append([]string{name}, of...), "\n")))
	hash := hex.EncodeToString(sum[:4])
	name = name[:min(len(name), longestName-len(hash)-1)]
	return strings.TrimRight(name, "-.") + "-" + hash
}
