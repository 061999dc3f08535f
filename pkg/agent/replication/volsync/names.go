// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
)

// What a claim was last told is noted on it, by the annotation mark.VolSync.
const (
	rolePrimary   = "primary"
	roleSecondary = "secondary"
	// roleFinal, with the epoch, is that of a secondary that still has to let its peer have what it wrote.
	roleFinal = "final-"
)

// Annotations of what is made here.
const (
	// annotationClaim names the claim that a kept image is of, annotationEpoch the epoch in which it was kept.
	annotationClaim = "dr.ramen.io/claim"
	annotationEpoch = "dr.ramen.io/epoch"
	// annotationLeft is on the image of a claim that a failover went on without: in which epoch.
	annotationLeft = "dr.ramen.io/left-behind"
	// annotationStream is on a claim that is sent by itself: the stream that is to begin, and whether that has.
	annotationStream = "dr.ramen.io/sync-stream"
	// annotationGroup names what an object is for: a consistency group, or a volume that is sent by itself. annotationCycle is
	// the cycle and annotationMembers the claims of that. annotationFinal says which final sync a cycle is, annotationSynced which
	// cycle was sent completely before, and annotationJoined for which one a source was made.
	annotationGroup   = "dr.ramen.io/snapshot-group"
	annotationCycle   = "dr.ramen.io/cycle"
	annotationMembers = "dr.ramen.io/cycle-members"
	annotationFinal   = "dr.ramen.io/final-sync"
	annotationSynced  = "dr.ramen.io/synced-cycle"
	annotationJoined  = "dr.ramen.io/joined-cycle"
)

// labelGroup is on the claims that are snapshotted as one, with their group's name; labelKey on the keys of cycles, with the
// VolumeReplicationGroup's.
const (
	labelGroup = mark.SnapshotGroup
	labelKey   = "dr.ramen.io/cycle-key"
)

// Labels and annotations of VolSync.
const (
	labelDoNotDelete = "volsync.backube/do-not-delete"
	labelCleanup     = "volsync.backube/cleanup"
	labelCreatedBy   = "app.kubernetes.io/created-by"
	createdByVolSync = "volsync"
	// annotationImage names, on a claim that is received into, the image that VolSync makes of it.
	annotationImage = "volsync.backube/snapname"
)

const (
	servicePrefix   = "volsync-rsync-tls-dst-"
	maxServiceName  = 63
	clusterSetZone  = "svc.clusterset.local"
	keyField        = "psk.txt"
	keyIdentity     = "volsync:"
	keySecretPrefix = "dr-volsync-"
)

// KeySecret is the name of the Secret with the key of a group.
func KeySecret(group types.NamespacedName) string { return keySecretPrefix + group.Name }

// serviceName is the name that VolSync gives the Service of a ReplicationDestination.
func serviceName(destination string) string {
	name := servicePrefix + destination
	if len(name) > maxServiceName {
		return servicePrefix + fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(destination)))
	}
	return name
}

// sentFrom is the name that VolSync gives the claim that it sends a snapshot from.
func sentFrom(source string) string { return "volsync-" + source + "-src" }

// clusterSetName is the name by which the peer finds an exported Service.
func clusterSetName(namespace, destination string) string {
	return strings.Join([]string{serviceName(destination), namespace, clusterSetZone}, ".")
}

// Temporary tells the claims that are made for VolSync, by itself or here, from those of applications.
func Temporary(claim metav1.Object) bool {
	return claim.GetLabels()[labelCreatedBy] == createdByVolSync || claim.GetAnnotations()[annotationCycle] != ""
}

func finalRole(epoch int64) string { return roleFinal + strconv.FormatInt(epoch, 10) }

// finalEpoch is the epoch that a role is the final sync of.
func finalEpoch(role string) (int64, bool) {
	text, ok := strings.CutPrefix(role, roleFinal)
	if !ok {
		return 0, false
	}
	epoch, err := strconv.ParseInt(text, 10, 64)
	return epoch, err == nil
}

// meta is that of an object of ours.
func meta(group types.NamespacedName, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace:   group.Namespace,
		Name:        name,
		Labels:      map[string]string{mark.ManagedBy: mark.Agent},
		Annotations: map[string]string{mark.Owner: group.String()},
	}
}

// ours tells whether an object was made here for the group; an empty group stands for any.
func ours(object metav1.Object, group string) bool {
	owner := object.GetAnnotations()[mark.Owner]
	return object.GetLabels()[mark.ManagedBy] == mark.Agent && (group == "" || owner == group)
}

// parseKey is the group that an owner names.
func parseKey(owner string) types.NamespacedName {
	namespace, name, _ := strings.Cut(owner, "/")
	return types.NamespacedName{Namespace: namespace, Name: name}
}
