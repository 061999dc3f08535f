// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"fmt"
	"maps"
	"slices"
	"time"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// storage takes the snapshots of groups that were asked for.
func (m *model) storage() {
	for _, g := range m.from.facts.GroupSnapshots {
		if g.Ready() {
			continue
		}
		for i := range m.from.facts.Claims {
			c := &m.from.facts.Claims[i]
			if c.Label != together {
				continue
			}
			s := usable(g.GetName() + "-" + c.Name)
			s.Spec.Source.PersistentVolumeClaimName = ptr.To(c.Name)
			s.OwnerReferences = []metav1.OwnerReference{{UID: g.GetUID()}}
			m.from.facts.Snapshots[s.Name] = s
			m.from.holds[s.Name] = m.written
		}
		_ = unstructured.SetNestedField(g.Object, true, "status", "readyToUse")
		_ = unstructured.SetNestedField(g.Object, m.now.UTC().Format(time.RFC3339), "status", "creationTime")
	}
}

// volsyncFrom is a turn of VolSync's manager where volumes are sent.
func (m *model) volsyncFrom() {
	for _, name := range slices.Sorted(maps.Keys(m.from.facts.Sources)) {
		rs := m.from.facts.Sources[name]
		if rs.Status == nil {
			rs.Status = &volsyncv1alpha1.ReplicationSourceStatus{}
		}
		if rs.Status.LastSyncStartTime.IsZero() {
			if rs.Spec.Trigger.Manual != rs.Status.LastManualSync {
				rs.Status.LastSyncStartTime = ptr.To(metav1.NewTime(m.now))
				delete(m.from.points, rs.UID)
			}
			continue
		}
		content, there := m.from.points[rs.UID]
		switch {
		case alone(name) && !there:
			m.from.points[rs.UID] = m.written
			continue
		case alone(name):
		case m.from.facts.Copies[rs.Spec.SourcePVC] == nil:
			continue
		default:
			content = m.from.holds[rs.Spec.SourcePVC]
		}
		j := m.from.mover(rs.UID, *rs.Spec.RsyncTLS.KeySecret, rs.Spec.SourcePVC, rs.Spec.Paused)
		j.content = content
		if j.done {
			delete(m.from.jobs, rs.UID)
			ended := metav1.NewTime(m.now).Rfc3339Copy()
			rs.Status.LastSyncTime, rs.Status.LastSyncDuration = &ended, &metav1.Duration{Duration: m.now.Sub(rs.Status.LastSyncStartTime.Time)}
			rs.Status.LastSyncStartTime, rs.Status.LastManualSync = nil, rs.Spec.Trigger.Manual
			rs.Status.LatestMoverStatus = &volsyncv1alpha1.MoverStatus{Result: volsyncv1alpha1.MoverResultSuccessful}
		}
	}
}

// volsyncTo is a turn of VolSync's manager where volumes are received. The image that it has begun to make it goes on with,
// whatever it was told meanwhile.
func (m *model) volsyncTo() {
	for _, name := range slices.Sorted(maps.Keys(m.to.facts.Destinations)) {
		rd := m.to.facts.Destinations[name]
		if rd.Status == nil {
			rd.Status = &volsyncv1alpha1.ReplicationDestinationStatus{RsyncTLS: &volsyncv1alpha1.ReplicationDestinationRsyncTLSStatus{Address: ptr.To("198.51.100.7")}}
		}
		if rd.Status.LastSyncStartTime.IsZero() {
			if rd.Spec.Trigger.Manual != rd.Status.LastManualSync {
				rd.Status.LastSyncStartTime = ptr.To(metav1.NewTime(m.now))
			}
			continue
		}
		j := m.to.mover(rd.UID, *rd.Spec.RsyncTLS.KeySecret, rd.Name, rd.Spec.Paused)
		if !j.done {
			continue
		}
		image := "image-" + rd.Name
		if rd.Annotations["begun"] == "" {
			m.to.uids++
			rd.Annotations["begun"] = fmt.Sprintf("%s-%d", image, m.to.uids)
			s := usable(rd.Annotations["begun"])
			s.CreationTimestamp = metav1.NewTime(m.now.Add(ahead))
			m.to.facts.Snapshots[s.Name] = s
			m.to.holds[s.Name] = m.to.holds[rd.Name]
			continue
		}
		rd.Status.LatestImage = &corev1.TypedLocalObjectReference{APIGroup: ptr.To(snapshotv1.GroupName), Kind: dataSourceKind, Name: rd.Annotations["begun"]}
		rd.Status.LastSyncStartTime, rd.Status.LastManualSync = nil, rd.Spec.Trigger.Manual
		rd.Status.LastSyncTime = ptr.To(metav1.NewTime(m.now.Add(ahead)))
		delete(rd.Annotations, "begun")
		delete(m.to.jobs, rd.UID)
	}
}

// mover is the Job of something: another one if it is to have another key or claim.
func (s *side) mover(of types.UID, secret, claim string, paused bool) *job {
	j := s.jobs[of]
	if j == nil || j.key != s.keys[secret] || j.claim != claim {
		j = &job{key: s.keys[secret], claim: claim}
		s.jobs[of] = j
	}
	j.paused = paused
	return j
}

// transfer carries volumes over between movers that run and have the same key. Either may be thought to have failed.
func (m *model) transfer() {
	for _, name := range slices.Sorted(maps.Keys(m.from.facts.Sources)) {
		rs, rd := m.from.facts.Sources[name], m.to.facts.Destinations[name]
		j := m.from.jobs[rs.UID]
		if j == nil || j.paused || j.done || m.random.IntN(2) == 0 {
			continue
		}
		var k *job
		if rd != nil {
			k = m.to.jobs[rd.UID]
		}
		if k == nil || k.paused || k.done || j.key != k.key {
			rs.Status.LatestMoverStatus = &volsyncv1alpha1.MoverStatus{Result: volsyncv1alpha1.MoverResultFailed}
			continue
		}
		m.to.holds[name] = j.content
		j.done, k.done = m.random.IntN(20) > 0, m.random.IntN(20) > 0
		if !j.done {
			rs.Status.LatestMoverStatus = &volsyncv1alpha1.MoverStatus{Result: volsyncv1alpha1.MoverResultFailed}
		}
	}
}
