// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

func TestTheStateOfAClaimFollowsFromWhatItWasToldAndWhatThereIs(t *testing.T) {
	rd := there(receivesInto(&Claim{Name: "data"}, 1)).Destinations["data"]
	primary, secondary := replication.Primary, replication.Secondary
	for name, tc := range map[string]struct {
		role   string
		rs     *volsyncv1alpha1.ReplicationSource
		rd     *volsyncv1alpha1.ReplicationDestination
		image  bool
		want   *replication.State
		synced bool
	}{
		"told nothing":                        {"", nil, nil, false, nil, false},
		"told to be primary":                  {rolePrimary, nil, nil, false, &replication.State{Wanted: primary, Role: primary}, false},
		"primary, but still receives":         {rolePrimary, nil, rd, true, &replication.State{Wanted: primary}, false},
		"primary and synced":                  {rolePrimary, synced(cycleAt(4), time.Second), nil, false, &replication.State{Wanted: primary, Role: primary}, true},
		"hands over":                          {"final-7", underWay(cycleAt(4), cycleAt(5, "final-7")), nil, false, &replication.State{Wanted: secondary, Role: secondary}, false},
		"hands over, the image is not proven": {"final-7", synced(cycleAt(5, "final-7"), time.Second), nil, false, &replication.State{Wanted: secondary, Role: secondary}, false},
		"has handed over":                     {"final-7", synced(cycleAt(6, "final-7-confirm"), time.Second), nil, false, &replication.State{Wanted: secondary, Role: secondary, InSync: true}, false},
		"handed over in an earlier epoch":     {"final-9", synced(cycleAt(6, "final-7-confirm"), time.Second), nil, false, &replication.State{Wanted: secondary, Role: secondary}, false},
		"has handed over and receives":        {"final-7", nil, rd, false, &replication.State{Wanted: secondary, Role: secondary}, false},
		"gives way, but still sends":          {roleSecondary, synced(cycleAt(4), time.Second), nil, false, &replication.State{Wanted: secondary}, false},
		"has given way":                       {roleSecondary, nil, nil, false, &replication.State{Wanted: secondary, Role: secondary}, false},
		"receives, and nothing is complete":   {roleSecondary, nil, rd, false, &replication.State{Wanted: secondary, Role: secondary}, false},
		"has received":                        {roleSecondary, nil, rd, true, &replication.State{Wanted: secondary, Role: secondary, InSync: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got := report(tc.role, tc.rs, tc.rd, tc.image)
			if got == nil || tc.want == nil {
				if got != tc.want {
					t.Errorf("%+v", got)
				}
				return
			}
			if got.Wanted != tc.want.Wanted || got.Role != tc.want.Role || got.InSync != tc.want.InSync || (got.LastSyncTime != nil) != tc.synced {
				t.Errorf("%+v", got)
			}
		})
	}
}

func volume(c *corev1.PersistentVolumeClaim) replication.Volume {
	return replication.Volume{PVC: c, Rules: replication.Rules{Group: group, Epoch: 7, Cluster: "dr1"}}
}

func TestARoleIsNotedOnTheClaimAndTakenOffLast(t *testing.T) {
	c := newCluster(t, held(map[string]string{mark.Owner: group.String()}), asked("x"), keep(group, usable("kept"), "data", "5"))
	claim := &corev1.PersistentVolumeClaim{}
	for _, tc := range []struct {
		do   func(replication.Volume) error
		role string
	}{
		{func(v replication.Volume) error { return c.backend.Promote(t.Context(), v, "snap") }, rolePrimary},
		{func(v replication.Volume) error {
			return c.backend.Demote(t.Context(), v, "snap", replication.FinalSync)
		}, "final-7"},
		{func(v replication.Volume) error { return c.backend.Demote(t.Context(), v, "snap", replication.Resync) }, roleSecondary},
	} {
		c.read(t, key, claim)
		if err := tc.do(volume(claim)); err != nil {
			t.Fatal(err)
		}
		if c.read(t, key, claim); claim.Annotations[mark.VolSync] != tc.role {
			t.Errorf("%q, not %q", claim.Annotations[mark.VolSync], tc.role)
		}
	}
	if gone, err := c.backend.Remove(t.Context(), key); gone || err != nil {
		t.Errorf("removed at once: %t, %v", gone, err)
	}
	if c.read(t, key, claim); claim.Annotations[mark.VolSync] == "" {
		t.Error("the role went before what was made for it")
	}
	if gone, err := c.backend.Remove(t.Context(), key); !gone || err != nil {
		t.Errorf("%t, %v", gone, err)
	}
	if c.read(t, key, claim); claim.Annotations[mark.VolSync] != "" {
		t.Errorf("left behind: %v", claim.Annotations)
	}
	if c.read(t, types.NamespacedName{Namespace: "shop", Name: "kept"}, &snapshotv1.VolumeSnapshot{}) {
		t.Error("an image is left behind")
	}
}

func TestWhatSomebodyElseMadeIsLeftAlone(t *testing.T) {
	foreign := asked("mine")
	foreign.Labels = nil
	c := newCluster(t, foreign, held(nil))
	if gone, err := c.backend.Remove(t.Context(), key); !gone || err != nil {
		t.Errorf("%t, %v", gone, err)
	}
	if err := c.backend.Apply(t.Context(), group, Plan{Create: toObjects(asked("x"))}); err == nil {
		t.Error("it is taken for ours")
	}
	rs := &volsyncv1alpha1.ReplicationSource{}
	if !c.read(t, key, rs) || rs.Spec.Trigger.Manual != "mine" {
		t.Errorf("%+v", rs.Spec)
	}
}

func TestTheKeyIsWhereMoversFindItAndNowhereElse(t *testing.T) {
	c := newCluster(t)
	secret := &corev1.Secret{}
	name := types.NamespacedName{Namespace: "shop", Name: KeySecret(group)}
	if err := c.backend.Apply(t.Context(), group, Plan{Key: true, Create: toObjects(asked("x"))}); err != nil {
		t.Fatal(err)
	}
	if !c.read(t, name, secret) || string(secret.Data[keyField]) != "volsync:00ff" || !c.backend.hasKey(group) {
		t.Errorf("%v", secret.Data)
	}
	c.backend.Key = func(context.Context, types.NamespacedName) (string, error) { return "", errors.New("the hub is away") }
	if err := c.backend.ensureKey(t.Context(), group); err != nil {
		t.Errorf("without the hub: %v", err)
	}
	c.backend.Key = func(context.Context, types.NamespacedName) (string, error) { return "11ee", nil }
	if err := c.backend.ensureKey(t.Context(), group); err != nil {
		t.Fatal(err)
	}
	if c.read(t, name, secret); string(secret.Data[keyField]) != "volsync:11ee" {
		t.Errorf("after the hub was set up anew: %s", secret.Data[keyField])
	}
	c.backend.Clock = clocktesting.NewFakePassiveClock(noon.Add(keyLasts))
	if c.backend.hasKey(group) {
		t.Error("it is never looked at again")
	}
	if err := c.backend.Apply(t.Context(), group, Plan{DropKey: true}); err != nil || c.read(t, name, secret) {
		t.Errorf("it is left behind: %v", err)
	}
}

func TestMoversRunAsThePlacementSays(t *testing.T) {
	spec := v1alpha1.VolSyncSpec{MoverConfig: []v1alpha1.VolSyncMoverConfig{
		{MoverServiceAccount: "all"},
		{PVCName: "data", MoverServiceAccount: "copier", MoverSecurityContext: &v1alpha1.MoverSecurityContext{
			RunAsUser: ptr.To[int64](1000), FSGroup: ptr.To[int64](2000), FSGroupChangePolicy: "OnRootMismatch",
			SeccompProfile: &v1alpha1.MoverSeccompProfile{Type: "RuntimeDefault"},
		}},
	}}
	rs := source(group, Claim{Name: "data"}, spec, "198.51.100.7", "x")
	rd := destination(group, wanted, spec, "", nil, false)
	for name, config := range map[string]volsyncv1alpha1.MoverConfig{"source": rs.Spec.RsyncTLS.MoverConfig, "destination": rd.Spec.RsyncTLS.MoverConfig} {
		if c := config.MoverSecurityContext; *config.MoverServiceAccount != "copier" || *c.RunAsUser != 1000 || *c.FSGroup != 2000 ||
			*c.FSGroupChangePolicy != corev1.FSGroupChangeOnRootMismatch || c.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
			t.Errorf("%s: %+v", name, config)
		}
	}
	if other := mover(spec, "other"); *other.MoverServiceAccount != "all" || other.MoverSecurityContext != nil {
		t.Errorf("%+v", other)
	}
	if none := mover(v1alpha1.VolSyncSpec{}, "data"); none.MoverServiceAccount != nil || none.MoverSecurityContext != nil {
		t.Errorf("%+v", none)
	}
}

func TestCopyMethods(t *testing.T) {
	for method, want := range map[v1alpha1.VolSyncCopyMethod]volsyncv1alpha1.CopyMethodType{
		"": volsyncv1alpha1.CopyMethodSnapshot, v1alpha1.VolSyncCopySnapshot: volsyncv1alpha1.CopyMethodSnapshot, v1alpha1.VolSyncCopyDirect: volsyncv1alpha1.CopyMethodDirect,
	} {
		spec := v1alpha1.VolSyncSpec{CopyMethod: method}
		if rs := source(group, Claim{Name: "data", SnapshotClass: "snap"}, spec, "198.51.100.7", "x"); rs.Spec.RsyncTLS.CopyMethod != want {
			t.Errorf("%q sends by %s", method, rs.Spec.RsyncTLS.CopyMethod)
		}
		if rd := destination(group, wanted, spec, "snap", nil, false); rd.Spec.RsyncTLS.CopyMethod != volsyncv1alpha1.CopyMethodSnapshot {
			t.Errorf("%q keeps what arrives by %s", method, rd.Spec.RsyncTLS.CopyMethod)
		}
	}
}

func TestTheSnapshotClassIsThatOfTheVolumesStorage(t *testing.T) {
	class := func(name, driver, storage string, isDefault bool) snapshotv1.VolumeSnapshotClass {
		c := snapshotv1.VolumeSnapshotClass{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"tier": name}, Annotations: map[string]string{}}, Driver: driver}
		if storage != "" {
			c.Labels[v1alpha1.LabelStorageID] = storage
		}
		if isDefault {
			c.Annotations[defaultSnapshotClass] = "true"
		}
		return c
	}
	classes := []snapshotv1.VolumeSnapshotClass{
		class("a", "sim", "", false), class("b", "sim", "s1", false), class("c", "sim", "s2", false), class("d", "other", "s1", true), class("e", "sim", "s1", true),
	}
	only := func(name string) labels.Selector { return labels.SelectorFromSet(labels.Set{"tier": name}) }
	for name, tc := range map[string]struct {
		driver, storage string
		selector        labels.Selector
		want            string
	}{
		"the default one of the storage":        {"sim", "s1", nil, "e"},
		"the only one of the storage":           {"sim", "s2", nil, "c"},
		"one of the driver, if it says nothing": {"sim", "s3", nil, "a"},
		"the one that the policy selects":       {"sim", "s1", only("b"), "b"},
		"none that the policy does not select":  {"sim", "s1", only("c"), ""},
		"none of another driver":                {"none", "s1", nil, ""},
	} {
		if got, fits := chooseSnapshotClass(tc.driver, tc.storage, tc.selector, classes); got != tc.want || fits != (tc.want != "") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestANamespaceThatIsNotThereIsMadeToReceiveVolumesIn(t *testing.T) {
	c := newCluster(t)
	for range 2 {
		if err := c.backend.Apply(t.Context(), group, Plan{Key: true, Create: toObjects(destination(group, wanted, copying, "snap", nil, false))}); err != nil {
			t.Fatal(err)
		}
	}
	namespace := &corev1.Namespace{}
	if !c.read(t, types.NamespacedName{Name: "shop"}, namespace) || namespace.Labels[mark.ManagedBy] != mark.Agent {
		t.Errorf("%v", namespace.Labels)
	}
}

func TestAServiceIsExportedForItsDestinationAndSomebodyElsesExportIsNamed(t *testing.T) {
	rd := there(receivesInto(nil, 0)).Destinations["data"]
	exported := func(c *cluster) *unstructured.Unstructured {
		export := &unstructured.Unstructured{}
		export.SetGroupVersionKind(ServiceExport)
		if !c.read(t, types.NamespacedName{Namespace: "shop", Name: "volsync-rsync-tls-dst-data"}, export) {
			t.Fatal("there is none")
		}
		return export
	}
	c := newCluster(t)
	for range 2 {
		if err := c.backend.export(t.Context(), rd); err != nil {
			t.Fatal(err)
		}
	}
	mine := exported(c)
	if !ownedByUID(mine, rd.UID) {
		t.Errorf("it does not go with its destination: %+v", mine)
	}
	mine.SetLabels(nil)
	if err := c.Update(t.Context(), mine); err != nil {
		t.Fatal(err)
	}
	if err := c.backend.export(t.Context(), rd); err == nil || !strings.Contains(err.Error(), "delete it") {
		t.Errorf("somebody else's: %v", err)
	}
}

func TestAnExportGoesBeforeItsDestinationAndThatOfAFormerOneIsMadeAnew(t *testing.T) {
	exported := func(c *cluster) *unstructured.Unstructured {
		export := &unstructured.Unstructured{}
		export.SetGroupVersionKind(ServiceExport)
		if !c.read(t, types.NamespacedName{Namespace: "shop", Name: "volsync-rsync-tls-dst-data"}, export) {
			return nil
		}
		return export
	}
	former, rd := there(receivesInto(nil, 0)).Destinations["data"].DeepCopy(), there(receivesInto(nil, 0)).Destinations["data"]
	former.UID = "former"
	c := newCluster(t)
	c.backend.Exports = func() bool { return true }
	if err := c.backend.export(t.Context(), former); err != nil {
		t.Fatal(err)
	}
	if err := c.backend.delete(t.Context(), rd); err != nil || exported(c) == nil {
		t.Errorf("another destination's went: %v", err)
	}
	for i, owner := range []*volsyncv1alpha1.ReplicationDestination{nil, rd} {
		if err := c.backend.export(t.Context(), rd); err != nil {
			t.Fatal(err)
		}
		if now := exported(c); (now == nil) != (owner == nil) || owner != nil && !ownedByUID(now, owner.UID) {
			t.Errorf("attempt %d: %+v", i, now)
		}
	}
	if err := c.backend.delete(t.Context(), rd); err != nil || exported(c) != nil {
		t.Errorf("its own is left: %v", err)
	}
}

func TestVolSyncForgetsTheImageThatItWasMakingForAFormerDestination(t *testing.T) {
	c := newCluster(t, held(map[string]string{mark.Owner: group.String(), "volsync.backube/snapname": "data-20260101000000"}))
	claim := &corev1.PersistentVolumeClaim{}
	c.read(t, key, claim)
	of := c.backend.Claim(volume(claim), v1alpha1.MethodVolSync, "snap")
	if of.Image == "" {
		t.Fatal("it is not seen")
	}
	if err := c.backend.Apply(t.Context(), group, Plan{Unname: []*Claim{&of}}); err != nil {
		t.Fatal(err)
	}
	if c.read(t, key, claim); claim.Annotations["volsync.backube/snapname"] != "" || claim.Annotations[mark.Owner] == "" {
		t.Errorf("%v", claim.Annotations)
	}
}

func TestACopyIsInSyncWhileItsNextImageIsBeingMade(t *testing.T) {
	f := there(receivesInto(&Claim{Name: "data"}, 2), notKept, cutting, keptAs("former", 1))
	c := newCluster(t, copyOfOurs(), f.Destinations["data"], f.Snapshots["image"])
	if state, err := c.backend.Report(key); err != nil || state == nil || state.InSync {
		t.Errorf("before there is any that can be used: %+v, %v", state, err)
	}
	if err := c.Create(t.Context(), f.Snapshots["former"]); err != nil {
		t.Fatal(err)
	}
	if state, err := c.backend.Report(key); err != nil || state == nil || !state.InSync {
		t.Errorf("%+v, %v", state, err)
	}
}
