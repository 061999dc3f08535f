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
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
)

var key = types.NamespacedName{Namespace: "shop", Name: "data"}

// captured is the claim as the primary had it.
func captured() *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: key.Namespace, Name: key.Name, Labels: map[string]string{"app": "shop"}, Annotations: map[string]string{annotationStream: "k0 begun"},
		},
		Spec: corev1.PersistentVolumeClaimSpec{
			StorageClassName: ptr.To("fast"), VolumeName: "the-sources-own",
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		},
	}
}

func failover() replication.Restoration {
	return replication.Restoration{Claim: captured(), Group: group, Epoch: 5}
}

func relocate() replication.Restoration {
	r := failover()
	r.HandedOver = true
	return r
}

// held is the claim that is there.
func held(annotations map[string]string) *corev1.PersistentVolumeClaim {
	c := captured()
	c.UID, c.Spec.VolumeName = "here", "pv-here"
	c.Annotations = annotations
	return c
}

func copyOfOurs() *corev1.PersistentVolumeClaim {
	return held(map[string]string{mark.Owner: group.String(), mark.VolSync: roleSecondary})
}

func TestStepsOfARestore(t *testing.T) {
	image, kept := usable("image"), keep(group, usable("image"), "data", "5")
	rd := destination(group, wanted, copying, "snap", nil, false)
	going := copyOfOurs()
	going.DeletionTimestamp = &metav1.Time{Time: noon}
	for name, tc := range map[string]struct {
		place place
		r     replication.Restoration
		want  step
	}{
		"nothing was ever received":                              {place{}, failover(), stepNoImage},
		"nothing complete was received":                          {place{rd: rd}, failover(), stepNoImage},
		"an image is kept before anything else":                  {place{rd: rd, image: image}, failover(), stepKeep},
		"then the claim is made of it":                           {place{rd: rd, kept: kept}, failover(), stepCreate},
		"after a handover too":                                   {place{rd: rd, kept: kept}, relocate(), stepCreate},
		"a claim that was put in place stays":                    {place{claim: held(map[string]string{mark.Owner: group.String(), mark.Restored: "5"}), rd: rd}, failover(), stepDone},
		"but not one of an earlier epoch":                        {place{claim: held(map[string]string{mark.Owner: group.String(), mark.Restored: "3"}), rd: rd, image: image}, failover(), stepKeep},
		"somebody else's claim is in the way":                    {place{claim: held(nil), rd: rd, image: image}, failover(), stepConflict},
		"a handover left in the claim what there is":             {place{claim: copyOfOurs(), rd: rd, image: image}, relocate(), stepTake},
		"a claim that received is not trusted":                   {place{claim: copyOfOurs(), rd: rd, image: image}, failover(), stepKeep},
		"it receives no more before it goes":                     {place{claim: copyOfOurs(), rd: rd, kept: kept}, failover(), stepStop},
		"then goes":                                              {place{claim: copyOfOurs(), kept: kept}, failover(), stepDelete},
		"which takes a while":                                    {place{claim: going, kept: kept}, failover(), stepAwaitGone},
		"and is made anew":                                       {place{kept: kept}, failover(), stepCreate},
		"a claim that never received has what it had":            {place{claim: copyOfOurs()}, failover(), stepTake},
		"one that received, but nothing complete, is not enough": {place{claim: copyOfOurs(), rd: rd}, failover(), stepNoImage},
		"a relocate that was begun as a failover goes on":        {place{claim: copyOfOurs(), kept: kept}, relocate(), stepDelete},
	} {
		t.Run(name, func(t *testing.T) {
			if got := nextStep(tc.place, tc.r); got != tc.want {
				t.Errorf("%s, not %s", got, tc.want)
			}
		})
	}
}

func TestTheImageThatIsChosen(t *testing.T) {
	for name, tc := range map[string]struct {
		facts       *Facts
		kept, image string
	}{
		"the last complete one":                         {there(receivesInto(nil, 2)), "", "image"},
		"also if it is not kept yet":                    {there(receivesInto(nil, 2), notKept, keptAs("former", 1)), "", "image"},
		"and if nothing receives any more":              {there(keptAs("former", 1), keptAs("image", 2)), "", "image"},
		"not one that is still being cut":               {there(receivesInto(nil, 2), notKept, cutting), "", ""},
		"but the one before it":                         {there(receivesInto(nil, 2), notKept, cutting, keptAs("former", 1)), "", "former"},
		"what there was before anything was received":   {there(receivesInto(nil, 0), beforeSync(true)), "", "data-before-sync"},
		"but rather what was received completely":       {there(receivesInto(nil, 1), beforeSync(true)), "", "image"},
		"the one that was kept, whatever came later":    {there(receivesInto(nil, 3), keeps("kept", "5")), "kept", ""},
		"nothing that was kept in another epoch's name": {there(receivesInto(nil, 3), keeps("kept", "3")), "", "image"},
	} {
		t.Run(name, func(t *testing.T) {
			kept, image := tc.facts.choose(failover(), tc.facts.Destinations["data"])
			if nameOf(kept) != tc.kept || nameOf(image) != tc.image {
				t.Errorf("kept %q, image %q", nameOf(kept), nameOf(image))
			}
		})
	}
}

func nameOf(s *snapshotv1.VolumeSnapshot) string {
	if s == nil {
		return ""
	}
	return s.Name
}

// cluster has a backend on a cluster that can be made to fail after so many writes.
type cluster struct {
	client.Client
	backend *Backend
	left    int
}

var errDead = errors.New("the agent is dead")

// write does what is to be written, unless the agent has died.
func (c *cluster) write(do func() error) error {
	if c.left == 0 {
		return errDead
	}
	c.left--
	return do()
}

func newCluster(t *testing.T, objects ...client.Object) *cluster {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), volsyncv1alpha1.AddToScheme(scheme), snapshotv1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	c := &cluster{left: -1}
	c.Client = fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithStatusSubresource(
		&volsyncv1alpha1.ReplicationDestination{}, &volsyncv1alpha1.ReplicationSource{}).Build()
	mortal := interceptor.NewClient(c.Client.(client.WithWatch), interceptor.Funcs{
		Create: func(ctx context.Context, w client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			return c.write(func() error { return w.Create(ctx, o, opts...) })
		},
		Update: func(ctx context.Context, w client.WithWatch, o client.Object, opts ...client.UpdateOption) error {
			return c.write(func() error { return w.Update(ctx, o, opts...) })
		},
		Patch: func(ctx context.Context, w client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
			return c.write(func() error { return w.Patch(ctx, o, p, opts...) })
		},
		Delete: func(ctx context.Context, w client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			return c.write(func() error { return w.Delete(ctx, o, opts...) })
		},
	})
	c.backend = &Backend{
		Reader: c.Client, Live: c.Client, Client: mortal,
		Present: func() bool { return true }, Exports: func() bool { return false },
		Key:   func(context.Context, types.NamespacedName) (string, error) { return "00ff", nil },
		Clock: clocktesting.NewFakePassiveClock(noon),
	}
	return c
}

func (c *cluster) read(t *testing.T, name types.NamespacedName, into client.Object) bool {
	t.Helper()
	err := c.Get(t.Context(), name, into)
	if client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	return !apierrors.IsNotFound(err)
}

// received are a destination and its image, which VolSync would delete with it.
func received(into *Claim) []client.Object {
	f := there(receivesInto(into, 1))
	image := f.Snapshots["image"]
	image.OwnerReferences = []metav1.OwnerReference{{APIVersion: "volsync.backube/v1alpha1", Kind: "ReplicationDestination", Name: "data", UID: "rd"}}
	image.Labels = map[string]string{labelCreatedBy: createdByVolSync, labelCleanup: "rd"}
	image.Status.RestoreSize = ptr.To(resource.MustParse("2Gi"))
	return []client.Object{f.Destinations["data"], image}
}

func TestAFailoverMakesTheClaimOfTheLastCompleteImage(t *testing.T) {
	for died := range 3 {
		c := newCluster(t, received(nil)...)
		if died > 0 {
			c.left = died
			_ = c.backend.Restore(t.Context(), failover())
			c.left = -1
		}
		if err := c.backend.Restore(t.Context(), failover()); err != nil {
			t.Fatalf("after it died at write %d: %v", died, err)
		}
		claim, image := &corev1.PersistentVolumeClaim{}, &snapshotv1.VolumeSnapshot{}
		if !c.read(t, key, claim) || !c.read(t, types.NamespacedName{Namespace: "shop", Name: "image"}, image) {
			t.Fatal("there is no claim, or no image")
		}
		if ref := claim.Spec.DataSourceRef; ref == nil || ref.Kind != "VolumeSnapshot" || ref.Name != "image" || claim.Spec.VolumeName != "" {
			t.Errorf("the claim is made of %+v, volume %q", ref, claim.Spec.VolumeName)
		}
		if size := claim.Spec.Resources.Requests[corev1.ResourceStorage]; size.String() != "2Gi" {
			t.Errorf("the claim is smaller than its image: %s", size.String())
		}
		if len(image.OwnerReferences) > 0 || image.Labels[labelDoNotDelete] == "" || image.Labels[labelCleanup] != "" {
			t.Errorf("VolSync may delete the image: %v, %v", image.OwnerReferences, image.Labels)
		}
		if claim.Annotations[mark.VolSync] != rolePrimary || claim.Annotations[mark.Owner] != group.String() || claim.Annotations[annotationStream] != "" {
			t.Errorf("%v", claim.Annotations)
		}
	}
}

func TestTheImageOfWhatIsLeftBehindIsNobodysAndStays(t *testing.T) {
	c := newCluster(t, received(nil)...)
	without := failover()
	without.Without = []string{"data"}
	for range 2 {
		if err := c.backend.Leave(t.Context(), without); err != nil {
			t.Fatal(err)
		}
	}
	image := &snapshotv1.VolumeSnapshot{}
	if !c.read(t, types.NamespacedName{Namespace: "shop", Name: "image"}, image) {
		t.Fatal("there is no image")
	}
	if ours(image, "") || image.Annotations[annotationClaim] != "data" || image.Annotations[annotationLeft] != "5" ||
		len(image.OwnerReferences) > 0 || image.Labels[labelDoNotDelete] == "" {
		t.Errorf("%+v", image.ObjectMeta)
	}
	for range 2 {
		if _, err := c.backend.Remove(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	if !c.read(t, types.NamespacedName{Namespace: "shop", Name: "image"}, image) || !image.DeletionTimestamp.IsZero() {
		t.Error("the image went with the claim's replication")
	}
}

func TestOfWhatIsLeftBehindNothingIsLeftTwice(t *testing.T) {
	c := newCluster(t, append(received(nil), there(keptAs("former", 0)).Snapshots["former"])...)
	for range 3 {
		if err := c.backend.Leave(t.Context(), failover()); err != nil {
			t.Fatal(err)
		}
	}
	former := &snapshotv1.VolumeSnapshot{}
	if !c.read(t, types.NamespacedName{Namespace: "shop", Name: "former"}, former) || !ours(former, group.String()) {
		t.Errorf("an older image was left behind too: %+v", former.ObjectMeta)
	}
}

func TestOneImageThatIsGoneDoesNotKeepTheOthersOfItsCycleFromBeingRestored(t *testing.T) {
	kept := func(claim string) *snapshotv1.VolumeSnapshot {
		image := usable("image-" + claim)
		return keepMember(group, image, claim, "together", cycle{"k1", 3}, []string{"a", "b"})
	}
	f := &Facts{Group: group, Snapshots: map[string]*snapshotv1.VolumeSnapshot{"image-a": kept("a")}}
	if f.newestSet("a") != nil {
		t.Error("a set without one of its images is taken for complete")
	}
	f.Without = []string{"b"}
	if set := f.newestSet("a"); set == nil || set.images["a"] == nil {
		t.Errorf("%+v", set)
	}
}

func TestAClaimThatReceivedIsReplacedByItsImageHoweverOftenTheAgentDies(t *testing.T) {
	pv := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "pv-here", Annotations: map[string]string{mark.ReclaimPolicy: "Delete"}},
		Spec:       corev1.PersistentVolumeSpec{PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain},
	}
	for died := range 6 {
		c := newCluster(t, append(received(&Claim{Name: "data"}), copyOfOurs(), pv.DeepCopy())...)
		if died > 0 {
			c.left = died
			_ = c.backend.Restore(t.Context(), failover())
			c.left = -1
		}
		if err := c.backend.Restore(t.Context(), failover()); err != nil {
			t.Fatalf("after it died at write %d: %v", died, err)
		}
		claim, volume := &corev1.PersistentVolumeClaim{}, &corev1.PersistentVolume{}
		if !c.read(t, key, claim) || claim.UID == "here" || claim.Spec.DataSourceRef == nil || claim.Spec.DataSourceRef.Name != "image" {
			t.Fatalf("after it died at write %d the claim is %s of %+v", died, claim.UID, claim.Spec.DataSourceRef)
		}
		if c.read(t, key, &volsyncv1alpha1.ReplicationDestination{}) {
			t.Error("it still receives")
		}
		if c.read(t, types.NamespacedName{Name: "pv-here"}, volume); volume.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimDelete {
			t.Error("the volume that was replaced is kept for ever")
		}
	}
}

func TestAfterAHandoverTheClaimIsTakenAsItIs(t *testing.T) {
	c := newCluster(t, append(received(&Claim{Name: "data"}), copyOfOurs())...)
	for range 2 {
		if err := c.backend.Restore(t.Context(), relocate()); err != nil {
			t.Fatal(err)
		}
	}
	claim := &corev1.PersistentVolumeClaim{}
	if !c.read(t, key, claim) || claim.UID != "here" || claim.Annotations[mark.VolSync] != rolePrimary {
		t.Errorf("%s %v", claim.UID, claim.Annotations)
	}
}

func TestAClaimThatGrewBeforeItWasHandedOverIsTakenAsLarge(t *testing.T) {
	for died := range 3 {
		c := newCluster(t, append(received(&Claim{Name: "data"}), copyOfOurs())...)
		grown := relocate()
		grown.Claim.Spec.Resources.Requests[corev1.ResourceStorage] = resource.MustParse("3Gi")
		if died > 0 {
			c.left = died
			_ = c.backend.Restore(t.Context(), grown)
			c.left = -1
		}
		if err := c.backend.Restore(t.Context(), grown); err != nil {
			t.Fatalf("after it died at write %d: %v", died, err)
		}
		claim := &corev1.PersistentVolumeClaim{}
		if !c.read(t, key, claim) || claim.UID != "here" || claim.Annotations[mark.VolSync] != rolePrimary {
			t.Fatalf("after it died at write %d: %s %v", died, claim.UID, claim.Annotations)
		}
		if size := claim.Spec.Resources.Requests[corev1.ResourceStorage]; size.String() != "3Gi" {
			t.Errorf("after it died at write %d it has %s", died, size.String())
		}
	}
}

func TestWhatBelongsToOthersIsNotReplaced(t *testing.T) {
	c := newCluster(t, append(received(nil), held(nil))...)
	if err := c.backend.Restore(t.Context(), failover()); !errors.Is(err, replication.ErrConflict) {
		t.Error(err)
	}
	c = newCluster(t)
	if err := c.backend.Restore(t.Context(), failover()); !errors.Is(err, ErrNoImage) {
		t.Error(err)
	}
}

func TestAClaimThatDoesNotGoIsNamedWithWhatHoldsIt(t *testing.T) {
	going := copyOfOurs()
	going.DeletionTimestamp, going.Finalizers = &metav1.Time{Time: noon}, []string{"snapshot.storage.kubernetes.io/pvc-as-source-protection"}
	c := newCluster(t, append(received(nil), going)...)
	soon, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	err := c.backend.Restore(soon, failover())
	if err == nil || !strings.Contains(err.Error(), "shop/data") || !strings.Contains(err.Error(), going.Finalizers[0]) {
		t.Error(err)
	}
}
