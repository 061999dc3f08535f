// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"strings"
	"testing"
	"time"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// sending is what an agent plans and does upon what there is of the claim data, which its peer receives.
func (c *cluster) sending(t *testing.T) error {
	t.Helper()
	claim, rs := &corev1.PersistentVolumeClaim{}, &volsyncv1alpha1.ReplicationSource{}
	c.read(t, key, claim)
	of := c.backend.Claim(volume(claim), v1alpha1.MethodVolSync, "snap")
	of.Role, of.Bound = rolePrimary, true
	f := there(func(f *Facts) { f.Claims = []Claim{of} })
	if c.read(t, key, rs) {
		f.Sources["data"] = rs
	}
	spec := &v1alpha1.VRGVolSyncSpec{Sources: []v1alpha1.VolSyncSource{{Name: "data", Address: "198.51.100.7"}}}
	return c.backend.Apply(t.Context(), group, MakePlan(f, Command{Spec: spec, Interval: syncInterval, Settled: true}, noon))
}

func TestAStreamIsOfferedAndBegunByOneSourceHoweverOftenTheAgentDies(t *testing.T) {
	for died := range 8 {
		c := newCluster(t, held(map[string]string{mark.Owner: group.String()}))
		c.left = died
		for range 3 {
			_ = c.sending(t)
		}
		c.left = -1
		for range 4 {
			if err := c.sending(t); err != nil {
				t.Fatalf("after it died at write %d: %v", died, err)
			}
		}
		claim, rs := &corev1.PersistentVolumeClaim{}, &volsyncv1alpha1.ReplicationSource{}
		c.read(t, key, claim)
		if !c.read(t, key, rs) {
			t.Fatalf("after it died at write %d there is no source: %v", died, claim.Annotations)
		}
		stream, hasBegun := streamOf(claim)
		if s, ours := parseSending(trigger(rs)); !ours || s.cycle != (cycle{stream, 1}) || !hasBegun {
			t.Errorf("after it died at write %d it sends %s, of stream %q, begun: %v", died, trigger(rs), stream, hasBegun)
		}
		if secret := (&corev1.Secret{}); !c.read(t, types.NamespacedName{Namespace: key.Namespace, Name: *rs.Spec.RsyncTLS.KeySecret}, secret) {
			t.Errorf("after it died at write %d there is no key", died)
		}
	}
}

func TestAStreamThatHasBegunIsNeverBegunAgain(t *testing.T) {
	for name, change := range map[string]func(c *cluster) error{
		"by who saw it before":  func(*cluster) error { return nil },
		"if its source is gone": func(c *cluster) error { return c.Delete(t.Context(), asked(cycleAt(1))) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, held(map[string]string{mark.Owner: group.String(), annotationStream: "k1"}))
			claim := &corev1.PersistentVolumeClaim{}
			c.read(t, key, claim)
			of := c.backend.Claim(volume(claim), v1alpha1.MethodVolSync, "snap")
			begins := Stream{&of, of.Stream, asked(cycleAt(1))}
			if err := c.backend.stream(t.Context(), group, begins); err != nil {
				t.Fatal(err)
			}
			if err := change(c); err != nil {
				t.Fatal(err)
			}
			before := &volsyncv1alpha1.ReplicationSource{}
			there := c.read(t, key, before)
			begins.source = asked(cycleAt(1))
			begins.source.Spec.RsyncTLS.Address = nil
			if err := c.backend.stream(t.Context(), group, begins); err != nil {
				t.Fatal(err)
			}
			after := &volsyncv1alpha1.ReplicationSource{}
			if c.read(t, key, after) != there || after.UID != before.UID || after.ResourceVersion != before.ResourceVersion {
				t.Errorf("there was a source: %v, and there is %+v", there, after)
			}
		})
	}
}

func TestAStreamIsNotOfferedWhileThereIsASource(t *testing.T) {
	c := newCluster(t, held(map[string]string{mark.Owner: group.String()}), asked(cycleAt(7)))
	offers := Stream{Claim: &Claim{Name: "data"}, name: "k2"}
	if err := c.backend.stream(t.Context(), group, offers); err != nil {
		t.Fatal(err)
	}
	claim := &corev1.PersistentVolumeClaim{}
	if c.read(t, key, claim); claim.Annotations[annotationStream] != "" {
		t.Errorf("offered is %q", claim.Annotations[annotationStream])
	}
	foreign := asked("mine")
	foreign.Labels = nil
	c = newCluster(t, held(map[string]string{mark.Owner: group.String()}), foreign)
	if err := c.backend.stream(t.Context(), group, offers); err == nil || !strings.Contains(err.Error(), "delete it") {
		t.Errorf("somebody else's: %v", err)
	}
}

func TestASyncDoesNotBeginWithTheClaimOfTheOneBeforeAlsoIfTheCacheDoesNotHaveIt(t *testing.T) {
	c := newCluster(t, held(map[string]string{mark.Owner: group.String()}))
	last := sending{cycle{"k1", 4}, noon.Add(-time.Hour), ""}.String()
	rs := synced(last, time.Second)
	if err := c.Create(t.Context(), rs.DeepCopy()); err != nil {
		t.Fatal(err)
	}
	there := &volsyncv1alpha1.ReplicationSource{}
	c.read(t, key, there)
	there.Status = rs.Status
	if err := c.Status().Update(t.Context(), there); err != nil {
		t.Fatal(err)
	}
	former := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{
		Namespace: key.Namespace, Name: "volsync-data-src", Labels: map[string]string{labelCreatedBy: createdByVolSync},
	}}
	if err := c.Create(t.Context(), former); err != nil {
		t.Fatal(err)
	}
	told := func() string {
		t.Helper()
		if err := c.sending(t); err != nil {
			t.Fatal(err)
		}
		c.read(t, key, there)
		return trigger(there)
	}
	if now := told(); now != last {
		t.Errorf("while there is such a claim it is told to send %s", now)
	}
	if err := c.Delete(t.Context(), former); err != nil {
		t.Fatal(err)
	}
	if now := told(); !strings.HasPrefix(now, "k1.5") {
		t.Errorf("once that is gone it is told to send %s", now)
	}
}
