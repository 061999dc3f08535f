// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

var allGood = []string{
	v1alpha1.ConditionDataReady, v1alpha1.ConditionDataProtected, v1alpha1.ConditionClusterDataReady,
	v1alpha1.ConditionClusterDataProtected, v1alpha1.ConditionKubeObjectsReady,
}

// placed is an application that runs on dr1, protected, with dr2 as standby, in epoch 1.
func placed(t *testing.T) *twoSites {
	t.Helper()
	w := newTwoSites(t)
	w.sites["dr1"].deploy()
	w.command("dr1", v1alpha1.Primary, "", 1, nil)
	w.command("dr2", v1alpha1.Secondary, "", 1, nil)
	w.until("protected", w.is("dr1", v1alpha1.PrimaryState, allGood...), "dr1")
	w.until("standing by", w.is("dr2", v1alpha1.SecondaryState), "dr2")
	return w
}

func (w *twoSites) runsOnlyOn(cluster, other string) {
	w.t.Helper()
	here, there := w.sites[cluster], w.sites[other]
	if here.replicas() != 2 || there.replicas() > 0 {
		w.t.Errorf("%d replicas on %s and %d on %s", here.replicas(), cluster, there.replicas(), other)
	}
	for _, claim := range []string{"a", "b"} {
		if w.storage.role(cluster, claim) != replication.Primary || w.storage.role(other, claim) == replication.Primary {
			w.t.Errorf("volume %s: %s on %s, %s on %s", claim, w.storage.role(cluster, claim), cluster, w.storage.role(other, claim), other)
		}
	}
	settings := &corev1.ConfigMap{}
	if err := here.api.Get(w.t.Context(), client.ObjectKey{Namespace: "shop", Name: "settings"}, settings); err != nil || settings.Data["k"] != "v" {
		w.t.Errorf("settings on %s: %v, %v", cluster, settings.Data, err)
	}
}

// failover is what the hub does for one to dr2 while dr1 is away, and when dr1 returns.
func (w *twoSites) failover() {
	w.t.Helper()
	w.command("dr2", v1alpha1.Primary, v1alpha1.VRGActionFailover, 2, nil)
	w.until("recovered", w.is("dr2", v1alpha1.PrimaryState, v1alpha1.ConditionClusterDataReady, v1alpha1.ConditionKubeObjectsReady), "dr2")
	w.command("dr1", v1alpha1.Secondary, v1alpha1.VRGActionFailover, 2, nil)
	w.until("given way", w.is("dr1", v1alpha1.SecondaryState, v1alpha1.ConditionQuiesced), "dr1")
	w.until("protected again", w.is("dr2", v1alpha1.PrimaryState, allGood...), "dr2")
	w.runsOnlyOn("dr2", "dr1")
}

// relocate is what the hub does for one from dr2 back to dr1.
func (w *twoSites) relocate() {
	w.t.Helper()
	w.storage.exclusive = true
	w.command("dr2", v1alpha1.Secondary, v1alpha1.VRGActionRelocate, 3, nil)
	w.until("handed over", func() bool {
		handed := w.status("dr2").HandoverToken != nil
		if handed && w.sites["dr2"].replicas() != 0 {
			w.t.Fatal("a token was issued while the application runs")
		}
		return handed && w.is("dr2", v1alpha1.SecondaryState)()
	}, "dr2")
	for _, claim := range []string{"a", "b"} {
		if w.storage.role("dr2", claim) != replication.Secondary || w.storage.role("dr1", claim) == replication.Primary {
			w.t.Fatal("a token was issued while a volume is primary somewhere")
		}
	}
	w.command("dr1", v1alpha1.Primary, v1alpha1.VRGActionRelocate, 3, w.status("dr2").HandoverToken)
	w.until("taken over", w.is("dr1", v1alpha1.PrimaryState, allGood...), "dr1", "dr2")
	w.runsOnlyOn("dr1", "dr2")
}

func TestAnApplicationFailsOverAndComesBack(t *testing.T) {
	w := placed(t)
	w.failover()
	w.relocate()
}

// TestAnAgentMayDieAtAnyWrite kills the agent after each number of writes during each half of the way, and has another
// one finish.
func TestAnAgentMayDieAtAnyWrite(t *testing.T) {
	for name, half := range map[string]struct {
		before, run func(*twoSites)
		victims     []string
	}{
		"failover":                          {func(*twoSites) {}, (*twoSites).failover, []string{"dr1", "dr2"}},
		"relocate":                          {(*twoSites).failover, (*twoSites).relocate, []string{"dr1", "dr2"}},
		"relocate without what was deleted": {(*twoSites).failedOverWithout, (*twoSites).relocateWithout, []string{"dr1", "dr2"}},
		"protected again":                   {(*twoSites).failover, (*twoSites).protectedAgain, []string{"dr1"}},
	} {
		for _, victim := range half.victims {
			t.Run(name+" "+victim, func(t *testing.T) {
				t.Parallel()
				for writes := 0; ; writes++ {
					w := placed(t)
					half.before(w)
					w.sites[victim].start(writes)
					half.run(w)
					if t.Failed() {
						t.Fatalf("after %d writes", writes)
					}
					if !w.sites[victim].life.over() && w.sites[victim].life.left > 0 {
						t.Logf("%d writes", writes)
						return
					}
				}
			})
		}
	}
}

// failedOverWithout deletes objects where the application was failed over to, takes one out of the selector, and makes another one
// where it no longer runs.
func (w *twoSites) failedOverWithout() {
	w.t.Helper()
	w.failover()
	dr1, dr2 := w.sites["dr1"], w.sites["dr2"]
	dr1.create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "of-dr1", Labels: map[string]string{"app": "shop"}}})
	for _, o := range []client.Object{&corev1.ConfigMap{}, &appsv1.StatefulSet{}} {
		o.SetNamespace("shop")
		o.SetName("former")
		if err := dr2.api.Delete(w.t.Context(), o); err != nil {
			w.t.Fatal(err)
		}
	}
	aside := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "aside"}}
	if err := dr2.api.Patch(w.t.Context(), aside, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":null}}`))); err != nil {
		w.t.Fatal(err)
	}
}

// relocateWithout relocates the application back, without what was deleted.
func (w *twoSites) relocateWithout() {
	w.t.Helper()
	w.relocate()
	dr1 := w.sites["dr1"].api
	for _, o := range []client.Object{&corev1.ConfigMap{}, &appsv1.StatefulSet{}} {
		if err := dr1.Get(w.t.Context(), client.ObjectKey{Namespace: "shop", Name: "former"}, o); !apierrors.IsNotFound(err) {
			w.t.Errorf("the %T that was deleted: %v", o, err)
		}
	}
	for _, name := range []string{"of-dr1", "aside", "settings"} {
		if err := dr1.Get(w.t.Context(), client.ObjectKey{Namespace: "shop", Name: name}, &corev1.ConfigMap{}); err != nil {
			w.t.Errorf("%s, which nobody deleted: %v", name, err)
		}
	}
}

func TestWhatWasDeletedElsewhereIsNamed(t *testing.T) {
	w := placed(t)
	w.failedOverWithout()
	w.relocateWithout()
	restored := meta.FindStatusCondition(w.status("dr1").Conditions, v1alpha1.ConditionKubeObjectsReady)
	if want := "Deleted, for the application no longer has them: configmaps/former; statefulsets.apps/former."; !strings.HasSuffix(restored.Message, want) {
		t.Errorf("it is said: %s", restored.Message)
	}
}

func TestAVolumeThatIsNewerThanTheClustersOwnCaptureStaysTheApplications(t *testing.T) {
	w := placed(t)
	dr1 := w.sites["dr1"]
	dr1.create(claimed("c", "pv-c")...)
	w.until("replicated", func() bool { return w.storage.role("dr1", "c") == replication.Primary }, "dr1")
	w.command("dr1", v1alpha1.Secondary, v1alpha1.VRGActionFailover, 2, nil)
	w.until("given way", w.is("dr1", v1alpha1.SecondaryState, v1alpha1.ConditionQuiesced), "dr1")
	// dr2 is lost before it has restored anything.
	w.command("dr1", v1alpha1.Primary, v1alpha1.VRGActionFailover, 3, nil)
	w.until("recovered", w.is("dr1", v1alpha1.PrimaryState, v1alpha1.ConditionClusterDataReady, v1alpha1.ConditionKubeObjectsReady), "dr1")
	if err := dr1.api.Get(t.Context(), client.ObjectKey{Namespace: "shop", Name: "c"}, &corev1.PersistentVolumeClaim{}); err != nil {
		t.Error(err)
	}
}

func TestAHandoverIsTakenBack(t *testing.T) {
	w := placed(t)
	w.command("dr1", v1alpha1.Secondary, v1alpha1.VRGActionRelocate, 2, nil)
	w.until("handed over", func() bool { return w.status("dr1").HandoverToken != nil }, "dr1")
	w.command("dr1", v1alpha1.Primary, v1alpha1.VRGActionAbort, 3, nil)
	w.until("taken back", w.is("dr1", v1alpha1.PrimaryState, allGood...), "dr1")
	w.runsOnlyOn("dr1", "dr2")
	if w.status("dr1").HandoverToken != nil {
		t.Error("the token is still there")
	}
}

func TestATokenThatIsNotTheCapturesPromotesNothing(t *testing.T) {
	w := placed(t)
	w.command("dr1", v1alpha1.Secondary, v1alpha1.VRGActionRelocate, 2, nil)
	w.until("handed over", func() bool { return w.status("dr1").HandoverToken != nil }, "dr1")
	token := w.status("dr1").HandoverToken.DeepCopy()
	token.CaptureDigest = "forged"
	w.command("dr2", v1alpha1.Primary, v1alpha1.VRGActionRelocate, 2, token)
	w.until("refused", func() bool {
		group, err := w.hub.DrV1alpha1().VolumeReplicationGroups("shop").Get(t.Context(), "shop.dr2", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range group.Status.Conditions {
			if c.Type == v1alpha1.ConditionDataReady && c.Reason == "HandoverTokenInvalid" {
				return group.Status.ObservedGeneration == group.Generation
			}
		}
		return false
	}, "dr2")
	if w.storage.role("dr2", "a") != "" || w.sites["dr2"].replicas() != -1 {
		t.Error("something was restored")
	}
}

// delete is what the hub does to the group of a cluster when protection ends.
func (w *twoSites) delete(cluster string) {
	w.t.Helper()
	groups := w.hub.DrV1alpha1().VolumeReplicationGroups("shop")
	group, err := groups.Get(w.t.Context(), "shop."+cluster, metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	group.DeletionTimestamp = &metav1.Time{Time: now}
	if _, err := groups.Update(w.t.Context(), group, metav1.UpdateOptions{}); err != nil {
		w.t.Fatal(err)
	}
	w.until("released", func() bool {
		group, err := groups.Get(w.t.Context(), "shop."+cluster, metav1.GetOptions{})
		return err != nil || len(group.Finalizers) == 0
	}, cluster)
}

func TestDeletionLeavesTheApplicationRunning(t *testing.T) {
	w := placed(t)
	w.delete("dr1")
	dr1 := w.sites["dr1"]
	if dr1.replicas() != 2 || w.storage.role("dr1", "a") != "" || len(dr1.agent.checkpoints.Keys()) != 0 {
		t.Errorf("%d replicas, volume %s", dr1.replicas(), w.storage.role("dr1", "a"))
	}
	var volume corev1.PersistentVolume
	var claim corev1.PersistentVolumeClaim
	if err := dr1.api.Get(t.Context(), client.ObjectKey{Name: "pv-a"}, &volume); err != nil {
		t.Fatal(err)
	}
	if err := dr1.api.Get(t.Context(), client.ObjectKey{Namespace: "shop", Name: "a"}, &claim); err != nil {
		t.Fatal(err)
	}
	if volume.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimDelete || volume.Annotations[mark.ReclaimPolicy] != "" || claim.Annotations[mark.Owner] != "" {
		t.Errorf("left behind: %+v, %+v", volume.Annotations, claim.Annotations)
	}
	for _, profile := range []string{"s3-dr1", "s3-dr2"} {
		if keys, err := w.stores[profile].List(t.Context(), ""); err != nil || len(keys) != 0 {
			t.Errorf("captures left in %s: %q, %v", profile, keys, err)
		}
	}
}

// protectedAgain is what the hub does when an application that a failover took to dr2 is let go of and protected again where it runs.
func (w *twoSites) protectedAgain() {
	w.t.Helper()
	w.until("resynced", w.is("dr1", v1alpha1.SecondaryState, v1alpha1.ConditionDataProtected), "dr1")
	for _, cluster := range []string{"dr1", "dr2"} {
		w.delete(cluster)
		if err := w.hub.DrV1alpha1().VolumeReplicationGroups("shop").Delete(w.t.Context(), "shop."+cluster, metav1.DeleteOptions{}); err != nil {
			w.t.Fatal(err)
		}
	}
	w.command("dr2", v1alpha1.Primary, "", 1, nil)
	w.command("dr1", v1alpha1.Secondary, "", 1, nil)
	w.until("protected", w.is("dr2", v1alpha1.PrimaryState, allGood...), "dr2")
	w.until("standing by", w.is("dr1", v1alpha1.SecondaryState, v1alpha1.ConditionDataReady, v1alpha1.ConditionDataProtected), "dr1")
}

func TestProtectionThatIsTakenUpAgainAfterAMoveFindsWhatItLeftBehind(t *testing.T) {
	w := placed(t)
	w.failover()
	settings := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "settings"}}
	if err := w.sites["dr2"].api.Patch(t.Context(), settings, client.RawPatch(types.MergePatchType, []byte(`{"data":{"new":"w"}}`))); err != nil {
		t.Fatal(err)
	}
	w.protectedAgain()
	for _, name := range []string{"pv-a", "pv-b"} {
		volume := &corev1.PersistentVolume{}
		if err := w.sites["dr1"].api.Get(t.Context(), client.ObjectKey{Name: name}, volume); err != nil || volume.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimRetain {
			t.Errorf("PersistentVolume %s on the standby: %s, %v", name, volume.Spec.PersistentVolumeReclaimPolicy, err)
		}
	}
	w.command("dr1", v1alpha1.Primary, v1alpha1.VRGActionFailover, 2, nil)
	w.until("recovered", w.is("dr1", v1alpha1.PrimaryState, v1alpha1.ConditionClusterDataReady, v1alpha1.ConditionKubeObjectsReady), "dr1")
	w.command("dr2", v1alpha1.Secondary, v1alpha1.VRGActionFailover, 2, nil)
	w.until("given way", w.is("dr2", v1alpha1.SecondaryState, v1alpha1.ConditionQuiesced), "dr2")
	w.runsOnlyOn("dr1", "dr2")
	if err := w.sites["dr1"].api.Get(t.Context(), client.ObjectKeyFromObject(settings), settings); err != nil || settings.Data["new"] != "w" {
		t.Errorf("settings on dr1: %v, %v", settings.Data, err)
	}
}

func TestAClaimThatWasDeletedOrMadeAnewElsewhereDoesNotComeBack(t *testing.T) {
	w := newTwoSites(t)
	w.sites["dr1"].deploy()
	w.sites["dr1"].create(claimed("c", "pv-c")...)
	w.command("dr1", v1alpha1.Primary, "", 1, nil)
	w.command("dr2", v1alpha1.Secondary, "", 1, nil)
	w.until("protected", w.is("dr1", v1alpha1.PrimaryState, allGood...), "dr1")
	w.failover()

	for _, name := range []string{"b", "c"} {
		claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}}
		if err := w.sites["dr2"].api.Delete(t.Context(), claim); err != nil {
			t.Fatal(err)
		}
	}
	w.storage.forget("dr2", "b", "c")
	w.sites["dr2"].create(claimed("b", "pv-b2")...)
	w.until("protected anew", func() bool { return w.storage.role("dr2", "b") == replication.Primary }, "dr2")
	w.relocate()

	dr1 := w.sites["dr1"].api
	claim, volume := &corev1.PersistentVolumeClaim{}, &corev1.PersistentVolume{}
	if err := dr1.Get(t.Context(), client.ObjectKey{Namespace: "shop", Name: "c"}, claim); !apierrors.IsNotFound(err) {
		t.Errorf("the claim that was deleted: %v", err)
	}
	if err := dr1.Get(t.Context(), client.ObjectKey{Namespace: "shop", Name: "b"}, claim); err != nil || claim.Spec.VolumeName != "pv-b2" {
		t.Errorf("the claim that was made anew has volume %s, %v", claim.Spec.VolumeName, err)
	}
	for _, name := range []string{"pv-b", "pv-c"} {
		if err := dr1.Get(t.Context(), client.ObjectKey{Name: name}, volume); err != nil || volume.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimRetain {
			t.Errorf("PersistentVolume %s: %s, %v", name, volume.Spec.PersistentVolumeReclaimPolicy, err)
		}
	}
}
