// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// GroupSnapshot is a VolumeGroupSnapshot of a cycle, in whichever version the cluster serves.
type GroupSnapshot struct {
	*unstructured.Unstructured
}

// GroupSnapshotVersions are the versions of VolumeGroupSnapshots that are understood, the best first.
func GroupSnapshotVersions(kind string) []*unstructured.Unstructured {
	var versions []*unstructured.Unstructured
	for _, version := range []string{"v1", "v1beta2", "v1beta1"} {
		object := &unstructured.Unstructured{}
		object.SetGroupVersionKind(schema.GroupVersionKind{Group: "groupsnapshot.storage.k8s.io", Version: version, Kind: kind})
		versions = append(versions, object)
	}
	return versions
}

// groupSnapshot is that of the claims which carry the group's label. It gets its version when it is made.
func groupSnapshot(group types.NamespacedName, name, class string, c cycle, members []string, epoch int64) *GroupSnapshot {
	s := &GroupSnapshot{&unstructured.Unstructured{Object: map[string]any{}}}
	of := meta(group, name+"-"+strings.ReplaceAll(c.String(), ".", "-"))
	s.SetNamespace(of.Namespace)
	s.SetName(of.Name)
	of.Labels[labelGroup] = name
	s.SetLabels(of.Labels)
	of.Annotations[annotationGroup], of.Annotations[annotationCycle], of.Annotations[annotationMembers] = name, c.String(), strings.Join(members, ",")
	if epoch != 0 {
		of.Annotations[annotationFinal] = finalRole(epoch)
	}
	s.SetAnnotations(of.Annotations)
	s.Object["spec"] = map[string]any{
		"volumeGroupSnapshotClassName": class,
		"source":                       map[string]any{"selector": map[string]any{"matchLabels": map[string]any{labelGroup: name}}},
	}
	return s
}

func (s *GroupSnapshot) cycle() cycle {
	c, _ := parseCycle(s.GetAnnotations()[annotationCycle])
	return c
}

// Ready tells whether the storage has taken it.
func (s *GroupSnapshot) Ready() bool {
	ready, _, _ := unstructured.NestedBool(s.Object, "status", "readyToUse")
	return ready && !s.taken().IsZero()
}

// taken is the point in time that it is of, by the storage's clock.
func (s *GroupSnapshot) taken() time.Time {
	text, _, _ := unstructured.NestedString(s.Object, "status", "creationTime")
	taken, _ := time.Parse(time.RFC3339, text)
	return taken
}

// Trouble says why it can't be taken; empty if nothing is wrong.
func (s *GroupSnapshot) Trouble() string {
	message, _, _ := unstructured.NestedString(s.Object, "status", "error", "message")
	return message
}

// GroupSnapshot is the newest of a group that is not being deleted; nil if there is none.
func (f *Facts) GroupSnapshot(name string) *GroupSnapshot {
	var newest *GroupSnapshot
	for _, s := range f.GroupSnapshots {
		if s.GetAnnotations()[annotationGroup] != name || s.GetDeletionTimestamp() != nil || s.cycle().stream == "" {
			continue
		}
		if newest == nil || later(s.cycle(), newest.cycle()) {
			newest = s
		}
	}
	return newest
}

// later orders cycles that one cluster has begun: the names of streams are times.
func later(c, than cycle) bool {
	if c.stream == than.stream {
		return c.number > than.number
	}
	return len(c.stream) > len(than.stream) || len(c.stream) == len(than.stream) && c.stream > than.stream
}

func ownedByUID(object metav1.Object, uid types.UID) bool {
	return slices.ContainsFunc(object.GetOwnerReferences(), func(o metav1.OwnerReference) bool { return o.UID == uid })
}
