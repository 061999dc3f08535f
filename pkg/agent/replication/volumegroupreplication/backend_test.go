// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volumegroupreplication

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	csiaddons "github.com/csi-addons/kubernetes-csi-addons/api/replication.storage/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	testclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

const epoch = 7

// cluster is one where csi-addons does as it does, when a test says so.
type cluster struct {
	*testing.T
	*Backend
	client.Client
	clock *testclock.FakeClock
}

func newCluster(t *testing.T, volumes ...string) *cluster {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(csiaddons.AddToScheme(scheme), corev1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	parameters := map[string]string{intervalParameter: "1m"}
	c := fake.NewClientBuilder().WithScheme(scheme).
		WithStatusSubresource(&csiaddons.VolumeReplication{}, &csiaddons.VolumeGroupReplication{}, &csiaddons.VolumeGroupReplicationContent{}).
		WithObjects(
			&csiaddons.VolumeGroupReplicationClass{
				ObjectMeta: metav1.ObjectMeta{Name: "groups", Labels: map[string]string{v1alpha1.LabelGroupReplicationID: "together"}},
				Spec:       csiaddons.VolumeGroupReplicationClassSpec{Provisioner: "sim", Parameters: parameters},
			},
			&csiaddons.VolumeReplicationClass{
				ObjectMeta: metav1.ObjectMeta{Name: "volumes"}, Spec: csiaddons.VolumeReplicationClassSpec{Provisioner: "sim", Parameters: parameters},
			},
		).Build()
	clock := testclock.NewFakeClock(syncedAt.Time)
	tc := &cluster{T: t, Client: c, clock: clock, Backend: &Backend{Reader: c, Client: c, Clock: clock}}
	for _, name := range volumes {
		tc.add(name)
	}
	return tc
}

func (c *cluster) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func (c *cluster) add(name string) {
	c.Helper()
	c.must(c.Create(c.Context(), &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name},
		Spec:       corev1.PersistentVolumeClaimSpec{VolumeName: "pv-" + name},
	}))
	c.must(c.Create(c.Context(), &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "pv-" + name},
		Spec: corev1.PersistentVolumeSpec{PersistentVolumeSource: corev1.PersistentVolumeSource{
			CSI: &corev1.CSIPersistentVolumeSource{Driver: "sim", VolumeHandle: "handle-" + name},
		}},
	}))
}

// volume as an agent would observe it.
func (c *cluster) volume(name string) replication.Volume {
	c.Helper()
	v := replication.Volume{PVC: &corev1.PersistentVolumeClaim{}, PV: &corev1.PersistentVolume{}, Rules: replication.Rules{
		Group: types.NamespacedName{Namespace: "shop", Name: "shop.dr1"}, Epoch: epoch, Cluster: "dr1", Async: true, Interval: "1m",
	}}
	c.must(c.Get(c.Context(), client.ObjectKey{Namespace: "shop", Name: name}, v.PVC))
	c.must(c.Get(c.Context(), client.ObjectKey{Name: "pv-" + name}, v.PV))
	return v
}

func (c *cluster) groupName() string {
	return replication.FitName("shop", "together")
}

func (c *cluster) group() observed {
	c.Helper()
	o, err := c.observe(c.Context(), "shop", c.groupName())
	c.must(err)
	return o
}

// promote tells each volume, as an agent does on every look, and returns whether all were told.
func (c *cluster) promote(names ...string) bool {
	c.Helper()
	done := true
	for _, name := range names {
		v := c.volume(name)
		class, problem := c.Class(v)
		if problem != nil {
			c.Fatal(problem.Message)
		}
		err := c.Promote(c.Context(), v, class)
		if err != nil && !errors.Is(err, replication.ErrNotYet) {
			c.Fatal(err)
		}
		done = done && err == nil
	}
	return done
}

// reconcile does what csi-addons does of a group: it lists the claims with the label and tells the storage, which takes
// all volumes but those refused, makes the VolumeReplication and gives it its role.
func (c *cluster) reconcile() {
	c.Helper()
	o := c.group()
	if o.vgr == nil {
		return
	}
	var claims corev1.PersistentVolumeClaimList
	selector, err := metav1.LabelSelectorAsSelector(o.vgr.Spec.Source.Selector)
	c.must(err)
	c.must(c.List(c.Context(), &claims, client.MatchingLabelsSelector{Selector: selector}))
	o.vgr.Status.PersistentVolumeClaimsRefList, o.content.Status.PersistentVolumeRefList = nil, nil
	o.content.Spec.Source.VolumeHandles = []string{}
	for _, pvc := range claims.Items {
		o.vgr.Status.PersistentVolumeClaimsRefList = append(o.vgr.Status.PersistentVolumeClaimsRefList, corev1.LocalObjectReference{Name: pvc.Name})
		o.content.Status.PersistentVolumeRefList = append(o.content.Status.PersistentVolumeRefList, corev1.LocalObjectReference{Name: pvc.Spec.VolumeName})
		o.content.Spec.Source.VolumeHandles = append(o.content.Spec.Source.VolumeHandles, "handle-"+pvc.Name)
	}
	if o.content.Spec.VolumeGroupReplicationHandle == "" {
		o.content.Spec.VolumeGroupReplicationHandle = "array-group"
	}
	c.must(c.Status().Update(c.Context(), o.vgr))
	status := o.content.Status
	c.must(c.Update(c.Context(), o.content))
	o.content.Status = status
	c.must(c.Status().Update(c.Context(), o.content))
	if o.vr == nil {
		o.vr = &csiaddons.VolumeReplication{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: o.vgr.Spec.VolumeReplicationName}}
		c.must(c.Create(c.Context(), o.vr))
	}
	done := healthy(o.vgr.Spec.ReplicationState)
	o.vr.Spec.ReplicationState, o.vr.Spec.AutoResync = o.vgr.Spec.ReplicationState, o.vgr.Spec.AutoResync
	c.must(c.Update(c.Context(), o.vr))
	o.vr.Status = done.vr.Status
	c.must(c.Status().Update(c.Context(), o.vr))
}

func (c *cluster) state(name string) replication.State {
	c.Helper()
	state, err := c.Report(client.ObjectKey{Namespace: "shop", Name: name})
	c.must(err)
	if state == nil {
		return replication.State{}
	}
	return *state
}

func (c *cluster) labelled() []string {
	c.Helper()
	members, err := c.members(c.Context(), "shop", c.groupName())
	c.must(err)
	var names []string
	for _, m := range members {
		names = append(names, m.Name)
	}
	return names
}

func protectedGroup(t *testing.T, volumes ...string) *cluster {
	t.Helper()
	c := newCluster(t, volumes...)
	c.promote(volumes...)
	c.reconcile()
	if !c.promote(volumes...) {
		t.Fatal("not protected")
	}
	return c
}

func TestVolumesArePromotedAndDemotedAsOne(t *testing.T) {
	c := protectedGroup(t, "a", "b")
	spec := c.group().vgr.Spec
	if spec.VolumeGroupReplicationClassName != "groups" || spec.VolumeReplicationClassName != "volumes" ||
		spec.ReplicationState != csiaddons.Primary || spec.VolumeGroupReplicationContentName != contentName("shop", c.groupName()) {
		t.Errorf("%+v", spec)
	}
	for _, name := range []string{"a", "b"} {
		if s := c.state(name); s.Role != replication.Primary || s.Group != c.groupName() || s.LastSyncTime == nil {
			t.Errorf("%s: %+v", name, s)
		}
	}
	c.must(c.Demote(t.Context(), c.volume("a"), "groups", replication.FinalSync))
	if spec := c.group().vgr.Spec; spec.ReplicationState != csiaddons.Secondary || spec.AutoResync {
		t.Errorf("%+v", spec)
	}
	if s := c.state("b"); s.Wanted != replication.Secondary || s.Role != "" {
		t.Errorf("b is %+v before csi-addons has passed it on", s)
	}
	c.reconcile()
	if s := c.state("b"); s.Role != replication.Secondary || !s.InSync {
		t.Errorf("b is %+v", s)
	}
	c.must(c.Demote(t.Context(), c.volume("b"), "groups", replication.Resync))
	if spec := c.group().vgr.Spec; !spec.AutoResync {
		t.Errorf("%+v", spec)
	}
}

func TestAGroupThatMayHaveBeenDemotedUnnoticedIsPromotedAgain(t *testing.T) {
	c := protectedGroup(t, "a")
	c.must(c.Demote(t.Context(), c.volume("a"), "groups", replication.FinalSync))
	if !c.promote("a") {
		t.Error("not promoted")
	}
	if o := c.group(); o.vgr.Spec.ReplicationState != csiaddons.Primary || o.vr.Status.State != csiaddons.UnknownState {
		t.Errorf("csi-addons is told %s of a group that is %s", o.vgr.Spec.ReplicationState, o.vr.Status.State)
	}
}

func TestAVolumeThatJoinsAReplicatedGroupIsProtectedFromItsOwnFirstSync(t *testing.T) {
	c := protectedGroup(t, "a")
	c.add("late")
	if c.promote("late") || c.state("late") != (replication.State{}) {
		t.Error("it is said to be replicated before it is in the group")
	}
	c.reconcile()
	if s := c.state("late"); s.Role != replication.Primary || s.LastSyncTime != nil {
		t.Errorf("%+v", s)
	}
	c.clock.Step(500 * time.Millisecond)
	c.must(c.Refresh(t.Context(), client.ObjectKey{Namespace: "shop", Name: "late"}))
	if s := c.state("late"); s.LastSyncTime != nil {
		t.Error("a sync of the group from before it joined counts")
	}
	vr := c.group().vr
	vr.Status.LastSyncTime = &metav1.Time{Time: syncedAt.Add(time.Second)}
	c.must(c.Status().Update(t.Context(), vr))
	if s := c.state("late"); s.LastSyncTime == nil {
		t.Error("the sync after it had joined does not count")
	}
	if s := c.state("a"); s.LastSyncTime == nil {
		t.Error("the others had been synced all along")
	}
}

func TestAVolumeLeavesItsGroupAndTheLastOneEndsIt(t *testing.T) {
	c := protectedGroup(t, "a", "b")
	remove := func(name string) bool {
		t.Helper()
		gone, err := c.Remove(t.Context(), client.ObjectKey{Namespace: "shop", Name: name})
		c.must(err)
		return gone
	}
	annotate := func(name, value string) {
		t.Helper()
		pvc := c.volume(name).PVC
		pvc.Annotations = map[string]string{}
		if value != "" {
			pvc.Annotations[csiaddons.VolumeGroupReplicationNameAnnotation] = value
		}
		c.must(c.Update(t.Context(), pvc))
	}
	annotate("a", c.groupName())
	annotate("b", c.groupName())
	if remove("b") || !slices.Equal(c.labelled(), []string{"a"}) {
		t.Errorf("members %v", c.labelled())
	}
	if remove("b") {
		t.Error("it is gone while csi-addons holds it")
	}
	annotate("b", "")
	if !remove("b") {
		t.Error("it is not gone")
	}
	if remove("a") || c.group().vgr != nil {
		t.Error("the group goes with its last volume, which waits for that")
	}
	if !remove("a") || len(c.labelled()) != 0 {
		t.Error("something of the group is left")
	}
}

func TestTheContentOfAGroupThatIsEndingIsLookedAtAgain(t *testing.T) {
	c := protectedGroup(t, "a")
	content := c.group().content
	content.Finalizers = []string{"replication.storage.openshift.io/vgr-protection"}
	c.must(c.Update(t.Context(), content))
	refreshed := func() string {
		t.Helper()
		c.clock.Step(time.Minute)
		c.must(c.Refresh(t.Context(), client.ObjectKey{Namespace: "shop", Name: "a"}))
		return c.group().content.Annotations[mark.LookedAt]
	}
	if at := refreshed(); at != "" {
		t.Errorf("it is there to stay and was looked at %s", at)
	}
	c.must(c.Client.Delete(t.Context(), content))
	if at := refreshed(); at == "" {
		t.Error("it is not looked at")
	}
}

func TestClaimsThatAreGoneAreTakenOffAGroupsList(t *testing.T) {
	c := protectedGroup(t, "a", "b")
	c.must(c.Client.Delete(t.Context(), c.volume("b").PVC))
	c.must(c.Refresh(t.Context(), client.ObjectKey{Namespace: "shop", Name: "a"}))
	if list := c.group().vgr.Status.PersistentVolumeClaimsRefList; len(list) != 1 || list[0].Name != "a" {
		t.Errorf("%v", list)
	}
}

func TestAFullGroupRefusesAVolumeByName(t *testing.T) {
	c := newCluster(t)
	for i := range maxMembers {
		c.add(fmt.Sprintf("v%d", i))
		pvc := c.volume(fmt.Sprintf("v%d", i)).PVC
		pvc.Labels = map[string]string{mark.VolumeGroup: c.groupName()}
		c.must(c.Update(t.Context(), pvc))
	}
	c.add("onemore")
	_, problem := c.Class(c.volume("onemore"))
	if problem == nil || problem.Reason != ReasonGroupFull || !strings.Contains(problem.Message, "shop/onemore") || !strings.Contains(problem.Message, "100") {
		t.Errorf("%+v", problem)
	}
	if _, problem := c.Class(c.volume("v5")); problem != nil {
		t.Errorf("a member has a problem: %s", problem.Message)
	}
	if err := c.Promote(t.Context(), c.volume("onemore"), "groups"); err == nil || !strings.Contains(err.Error(), "shop/onemore") {
		t.Errorf("promoted: %v", err)
	}
}

func TestTheClassOfAGroup(t *testing.T) {
	c := newCluster(t, "a")
	for name, tc := range map[string]struct {
		edit   func(*replication.Volume)
		reason string
	}{
		"driver and interval fit": {func(*replication.Volume) {}, ""},
		"another interval":        {func(v *replication.Volume) { v.Rules.Interval = "5m" }, ReasonNoGroupReplicationClass},
		"another driver":          {func(v *replication.Volume) { v.PV.Spec.CSI.Driver = "other" }, ReasonNoGroupReplicationClass},
		"another group replication id": {func(v *replication.Volume) {
			class := "fast"
			v.PVC.Spec.StorageClassName = &class
			v.Rules.Peers = []v1alpha1.PeerClass{{StorageClassName: "fast", GroupReplicationID: "apart"}}
		}, ReasonNoGroupReplicationClass},
		"not bound": {func(v *replication.Volume) { v.PV = nil }, replication.ReasonNotBound},
	} {
		t.Run(name, func(t *testing.T) {
			v := c.volume("a")
			tc.edit(&v)
			class, problem := c.Class(v)
			if problem == nil {
				problem = &replication.Problem{}
			}
			if problem.Reason != tc.reason || (class == "groups") != (tc.reason == "") {
				t.Errorf("%q, %+v", class, problem)
			}
		})
	}
}

// behind is a cache that has not seen yet that a claim left its group.
type behind struct {
	client.Client
	claims corev1.PersistentVolumeClaimList
}

func (b behind) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	if claims, ok := list.(*corev1.PersistentVolumeClaimList); ok {
		b.claims.DeepCopyInto(claims)
		return nil
	}
	return b.Client.List(ctx, list, opts...)
}

func TestAGroupGoesWithItsVolumesIfAllLeaveAtOnce(t *testing.T) {
	c := newCluster(t)
	for _, name := range []string{"a", "b", "c"} {
		c.add(name)
		pvc := c.volume(name).PVC
		pvc.UID = types.UID("uid-" + name)
		c.must(c.Update(t.Context(), pvc))
	}
	c.promote("a", "b", "c")
	c.reconcile()
	cache := behind{Client: c.Client}
	c.must(c.Client.List(t.Context(), &cache.claims))
	c.Reader = cache
	for _, name := range []string{"a", "b", "c"} {
		if c.group().vgr == nil {
			t.Errorf("the group is gone before %s leaves", name)
		}
		if _, err := c.Remove(t.Context(), client.ObjectKey{Namespace: "shop", Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	if c.group().vgr != nil {
		t.Error("the group is left, with no volume in it")
	}
}

func TestAGroupOfSomebodyElseIsLeftAlone(t *testing.T) {
	c := protectedGroup(t, "a")
	vgr := c.group().vgr
	vgr.Labels = nil
	c.must(c.Update(t.Context(), vgr))
	if err := c.Promote(t.Context(), c.volume("a"), "groups"); err == nil || !strings.Contains(err.Error(), c.groupName()) {
		t.Errorf("%v", err)
	}
	if gone, err := c.Remove(t.Context(), client.ObjectKey{Namespace: "shop", Name: "a"}); !gone || err != nil || c.group().vgr == nil {
		t.Errorf("%t, %v", gone, err)
	}
}

func TestACapturedGroupIsPromotedWithAllItsVolumesByTheHandleTheStorageKnows(t *testing.T) {
	source := protectedGroup(t, "a", "b")
	carried, err := source.Carried(t.Context(), []replication.Volume{source.volume("a"), source.volume("b")})
	if err != nil || len(carried) != 1 {
		t.Fatalf("%v, %v", carried, err)
	}

	target := newCluster(t, "a", "b", "new")
	rules := target.volume("a").Rules
	for range 2 {
		target.must(target.Receive(t.Context(), rules, carried, nil))
	}
	if target.promote("new"); len(target.labelled()) != 0 {
		t.Error("a volume that was not captured is taken into a group that is a copy")
	}
	if target.promote("a"); target.group().vgr != nil {
		t.Error("the group is made without all its volumes")
	}
	target.promote("b")
	o := target.group()
	if o.vgr == nil || o.vgr.Spec.ReplicationState != csiaddons.Secondary || o.content.Spec.VolumeGroupReplicationHandle != "array-group" ||
		o.content.Spec.VolumeGroupReplicationRef != nil {
		t.Fatalf("%+v, %+v", o.vgr, o.content)
	}
	if target.promote("a", "b"); target.group().vgr.Spec.ReplicationState != csiaddons.Secondary {
		t.Error("promoted before csi-addons knows that all volumes are in it")
	}
	target.reconcile()
	if !target.promote("a", "b") || target.group().vgr.Spec.ReplicationState != csiaddons.Primary {
		t.Error("not promoted")
	}
	target.reconcile()
	if target.promote("new"); !slices.Contains(target.labelled(), "new") {
		t.Error("a volume can't join the group once it is primary")
	}
}

func TestAGroupThatIsThereWaitsForVolumesThatWereAddedElsewhere(t *testing.T) {
	there := protectedGroup(t, "a", "b")
	carried, err := there.Carried(t.Context(), []replication.Volume{there.volume("a"), there.volume("b")})
	there.must(err)
	here := protectedGroup(t, "a")
	here.must(here.Demote(t.Context(), here.volume("a"), "groups", replication.Resync))
	here.reconcile()
	here.add("b")
	here.must(here.Receive(t.Context(), here.volume("a").Rules, carried, nil))
	if here.promote("a") || here.group().vgr.Spec.ReplicationState != csiaddons.Secondary {
		t.Error("promoted without the volume that was added")
	}
	here.promote("b")
	here.reconcile()
	if !here.promote("a", "b") || here.group().vgr.Spec.ReplicationState != csiaddons.Primary {
		t.Error("not promoted")
	}
	if _, pending := here.volume("b").PVC.Annotations[mark.VolumeGroupJoined]; pending {
		t.Error("a captured volume has its first sync before it")
	}
}

func TestACapturedGroupGoesOnWithoutAVolumeThatIsLeftBehind(t *testing.T) {
	source := protectedGroup(t, "a", "b")
	carried, err := source.Carried(t.Context(), []replication.Volume{source.volume("a"), source.volume("b")})
	source.must(err)
	handle := source.volume("b").Handle()

	target := newCluster(t, "a")
	rules := target.volume("a").Rules
	target.must(target.Receive(t.Context(), rules, carried, nil))
	if target.promote("a"); target.group().vgr != nil {
		t.Error("the group is made without all its volumes")
	}
	target.must(target.Receive(t.Context(), rules, carried, sets.New(handle)))
	target.promote("a")
	target.reconcile()
	if !target.promote("a") || target.group().vgr.Spec.ReplicationState != csiaddons.Primary {
		t.Error("still waits for what is left behind")
	}
}

func TestAGroupOfWhichAllIsLeftBehindIsNotWaitedFor(t *testing.T) {
	source := protectedGroup(t, "a")
	carried, err := source.Carried(t.Context(), []replication.Volume{source.volume("a")})
	source.must(err)
	target := newCluster(t, "new")
	rules, all := target.volume("new").Rules, sets.New(source.volume("a").Handle())
	target.must(target.Receive(t.Context(), rules, carried, all))
	target.must(target.Receive(t.Context(), rules, carried, nil))
	target.must(target.Receive(t.Context(), rules, carried, all))
	target.promote("new")
	target.reconcile()
	if !target.promote("new") {
		t.Error("a volume that is new waits for one that is left behind")
	}
}

func TestACapturedGroupThatDoesNotBelongHereIsRefused(t *testing.T) {
	source := protectedGroup(t, "a")
	carried, err := source.Carried(t.Context(), []replication.Volume{source.volume("a")})
	source.must(err)
	for name, tc := range map[string]struct {
		edit func(*cluster, *replication.Rules)
		says string
	}{
		"of another namespace": {func(_ *cluster, rules *replication.Rules) { rules.Group.Namespace = "other" }, "namespace other"},
		"another group of that name is here": {func(c *cluster, _ *replication.Rules) {
			c.must(c.Create(c.Context(), &csiaddons.VolumeGroupReplicationContent{
				ObjectMeta: ownMeta("", contentName("shop", c.groupName())),
				Spec:       csiaddons.VolumeGroupReplicationContentSpec{VolumeGroupReplicationHandle: "another"},
			}))
		}, "is another group"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, "a")
			rules := c.volume("a").Rules
			tc.edit(c, &rules)
			if err := c.Receive(t.Context(), rules, carried, nil); err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestAnAbortedHandoverIsTakenBackWhateverWasRestoredBefore(t *testing.T) {
	source := protectedGroup(t, "a", "b")
	carried, err := source.Carried(t.Context(), []replication.Volume{source.volume("a"), source.volume("b")})
	source.must(err)
	c := newCluster(t, "a")
	rules := c.volume("a").Rules
	rules.Epoch = epoch - 1
	c.must(c.Receive(t.Context(), rules, carried, nil))
	c.promote("a")
	c.reconcile()
	if !c.promote("a") {
		t.Error("waits for volumes of an earlier restore")
	}
}

func TestNames(t *testing.T) {
	long := strings.Repeat("very-", 40)
	for _, name := range []string{replication.FitName("shop", "x"), replication.FitName(long, "x"), replication.FitName("a.b.", "x"), contentName(long[:60], replication.FitName(long))} {
		if problems := validation.IsValidLabelValue(name); len(problems) > 0 || len(validation.IsDNS1123Subdomain(name)) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
	}
	if replication.FitName(long, "x") == replication.FitName(long, "y") || contentName("a", "b-c") == contentName("a-b", "c") {
		t.Error("two names are the same")
	}
}
