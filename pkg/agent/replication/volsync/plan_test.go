// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

var (
	group   = types.NamespacedName{Namespace: "shop", Name: "shop.dr1"}
	copying = v1alpha1.VolSyncSpec{}
	wanted  = v1alpha1.VolSyncDestination{
		Name: "data", Capacity: resource.MustParse("1Gi"), StorageClassName: "fast", AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
	}
)

// there is what there is of a group's replication; each of changes adds to it.
func there(changes ...func(*Facts)) *Facts {
	f := &Facts{
		Group: group, Present: true, Keyed: true,
		Sources:         map[string]*volsyncv1alpha1.ReplicationSource{},
		Destinations:    map[string]*volsyncv1alpha1.ReplicationDestination{},
		Snapshots:       map[string]*snapshotv1.VolumeSnapshot{},
		SnapshotClasses: map[string]string{"fast": "snap"},
		Problems:        map[string]string{},
	}
	for _, change := range changes {
		change(f)
	}
	return f
}

func claimIs(role string) func(*Facts) {
	return func(f *Facts) {
		f.Claims = append(f.Claims, Claim{Name: "data", Role: role, Bound: true, SnapshotClass: "snap", Capacity: resource.MustParse("1Gi")})
	}
}

func smaller(f *Facts) { f.Claims[0].Capacity = resource.MustParse("512Mi") }
func unbound(f *Facts) { f.Claims[0].Bound = false }
func keyless(f *Facts) { f.Keyed = false }
func imaged(f *Facts)  { f.Claims[0].Image = "data-20260101000000" }
func notKept(f *Facts) { f.Snapshots["image"] = usable("image") }
func cutting(f *Facts) { f.Snapshots["image"].Status.ReadyToUse = ptr.To(false) }

// keptAs is an image that is kept as one of a cycle of the stream k1.
func keptAs(name string, number int64) func(*Facts) {
	return func(f *Facts) {
		f.Snapshots[name] = keepMember(group, usable(name), "data", byItself, cycle{"k1", number}, []string{"data"})
	}
}

func offered(f *Facts) { f.Claims[0].Stream = "k1" }
func begunAt(f *Facts) { f.Claims[0].Stream, f.Claims[0].Begun = "k1", true }

// unclean is a claim that VolSync made for a sync of the claim data, and has not got rid of.
func unclean(f *Facts) { f.Temporary = sets.New("volsync-data-src", "volsync-other-dst") }

// madeAnew has the claim be younger than what is there for it.
func madeAnew(f *Facts) { f.Claims[0].Made = noon }

func exporting(f *Facts) { f.Exports = true }

// exports is a ServiceExport of a destination.
func exports(of types.UID) func(*Facts) {
	return func(f *Facts) {
		export := &unstructured.Unstructured{}
		export.SetName("volsync-rsync-tls-dst-data")
		export.SetOwnerReferences([]metav1.OwnerReference{{Kind: "ReplicationDestination", Name: "data", UID: of}})
		f.ServiceExports = map[string]*unstructured.Unstructured{export.GetName(): export}
	}
}

func sends(rs *volsyncv1alpha1.ReplicationSource) func(*Facts) {
	return func(f *Facts) {
		rs.Spec.RsyncTLS.VolumeSnapshotClassName = ptr.To("snap")
		f.Sources[rs.Name] = rs
	}
}

// receivesInto is a destination that has completed as many cycles of the stream k1 as there are images, of which the last is kept,
// and was told to receive the next.
func receivesInto(into *Claim, images int64) func(*Facts) {
	return func(f *Facts) {
		awaited := cycle{"k1", images + 1}
		rd := destination(group, wanted, copying, "snap", into, f.Exports)
		rd.UID = "rd"
		rd.Annotations[annotationGroup] = byItself
		rd.Spec.RsyncTLS.KeySecret = ptr.To(cycleKey(group, byItself, awaited))
		rd.Spec.Trigger = &volsyncv1alpha1.ReplicationDestinationTriggerSpec{Manual: awaited.String()}
		rd.Status = &volsyncv1alpha1.ReplicationDestinationStatus{
			RsyncTLS: &volsyncv1alpha1.ReplicationDestinationRsyncTLSStatus{Address: ptr.To("198.51.100.7")},
		}
		if images > 0 {
			rd.Status.LatestImage = &corev1.TypedLocalObjectReference{APIGroup: ptr.To(snapshotv1.GroupName), Kind: "VolumeSnapshot", Name: "image"}
			rd.Status.LastManualSync = cycle{"k1", images}.String()
			rd.Status.LastSyncTime = ptr.To(metav1.NewTime(noon))
			keptAs("image", images)(f)
		}
		f.Destinations["data"] = rd
	}
}

// answered takes back that the destination was told to receive the next.
func answered(f *Facts) {
	rd := f.Destinations["data"]
	last, _ := parseCycle(rd.Status.LastManualSync)
	rd.Spec.Trigger.Manual = last.String()
	rd.Spec.RsyncTLS.KeySecret = ptr.To(cycleKey(group, byItself, last))
}

// halfWay has the destination receive.
func halfWay(f *Facts) {
	f.Destinations["data"].Status.LastSyncStartTime = ptr.To(metav1.NewTime(noon))
}

// paused is a destination that was, of which nothing runs any more.
func paused(f *Facts) {
	f.Destinations["data"].Spec.Paused = true
	f.Quiet = map[types.UID]bool{"rd": true}
}

func usable(name string) *snapshotv1.VolumeSnapshot {
	s := &snapshotv1.VolumeSnapshot{Status: &snapshotv1.VolumeSnapshotStatus{ReadyToUse: ptr.To(true)}}
	s.Namespace, s.Name = group.Namespace, name
	return s
}

// quiet has the source be paused, and nothing of it run any more.
func quiet(f *Facts) {
	rs := f.Sources["data"]
	rs.UID, rs.Spec.Paused = "rs", true
	f.Quiet = map[types.UID]bool{"rs": true}
}

func keeps(name, epoch string) func(*Facts) {
	return func(f *Facts) { f.Snapshots[name] = keep(group, usable(name), "data", epoch) }
}

func beforeSync(usableYet bool) func(*Facts) {
	return func(f *Facts) {
		s := origin(group, &Claim{Name: "data", SnapshotClass: "snap"})
		s.Status = &snapshotv1.VolumeSnapshotStatus{ReadyToUse: ptr.To(usableYet)}
		f.Snapshots[s.Name] = s
	}
}

// leftBehind is the image of what the claim held when the application was failed over without it.
func leftBehind(usableYet bool) func(*Facts) {
	return func(f *Facts) {
		s := nobodys(origin(group, &Claim{Name: "data", SnapshotClass: "snap"}), 5)
		s.Name = "data-left-behind-5"
		s.Status = &snapshotv1.VolumeSnapshotStatus{ReadyToUse: ptr.To(usableYet)}
		f.Snapshots[s.Name] = s
	}
}

// steps are what a plan does, in words.
func steps(p Plan) []string {
	var did []string
	add := func(what string, objects []client.Object) {
		var names []string
		for _, o := range objects {
			kind := reflect.TypeOf(o).Elem().Name()
			text := strings.Join([]string{what, kind, o.GetName()}, " ")
			if rs, ok := o.(*volsyncv1alpha1.ReplicationSource); ok && what != "delete" {
				text += " to " + *rs.Spec.RsyncTLS.Address + " for " + rs.Spec.Trigger.Manual
				if rs.Spec.Paused {
					text += ", paused"
				}
			}
			if rd, ok := o.(*volsyncv1alpha1.ReplicationDestination); ok && what != "delete" {
				text += " for " + rd.Spec.Trigger.Manual
				if rd.Spec.Paused {
					text += ", paused,"
				}
				if into := rd.Spec.RsyncTLS.DestinationPVC; into != nil {
					text += " into " + *into
				}
			}
			names = append(names, text)
		}
		slices.Sort(names)
		did = append(did, names...)
	}
	if p.Key {
		did = append(did, "key")
	}
	for _, s := range p.Streams {
		if s.source == nil {
			did = append(did, "offer "+s.Claim.Name)
			continue
		}
		add("begin with", []client.Object{s.source})
	}
	add("delete", p.Delete)
	add("create", p.Create)
	add("update", p.Update)
	for _, d := range p.Expand {
		did = append(did, "expand "+d.Name+" to "+d.Capacity.String())
	}
	for _, c := range p.Unname {
		did = append(did, "unname "+c.Name)
	}
	for _, rd := range p.Export {
		did = append(did, "export "+rd.Name)
	}
	if p.DropKey {
		did = append(did, "drop key")
	}
	return did
}

func TestPlans(t *testing.T) {
	const interval = 10 * time.Minute
	own := &Claim{Name: "data"}
	last := cycleAt(4)
	to := &v1alpha1.VRGVolSyncSpec{Sources: []v1alpha1.VolSyncSource{{Name: "data", Address: "198.51.100.7"}}}
	elsewhere := &v1alpha1.VRGVolSyncSpec{Sources: []v1alpha1.VolSyncSource{{Name: "data", Address: "198.51.100.8"}}}
	const name = "volsync-rsync-tls-dst-data.shop.svc.clusterset.local"
	byName := &v1alpha1.VRGVolSyncSpec{Sources: []v1alpha1.VolSyncSource{{Name: "data", Address: name}}}
	sent := func(stream string) *v1alpha1.VRGVolSyncSpec {
		return &v1alpha1.VRGVolSyncSpec{
			Destinations: []v1alpha1.VolSyncDestination{wanted}, Groups: []v1alpha1.VolSyncGroup{{Name: byItself, Stream: stream, Members: []string{"data"}}},
		}
	}
	from, another := sent("k1"), sent("k2")
	untold := &v1alpha1.VRGVolSyncSpec{Destinations: []v1alpha1.VolSyncDestination{wanted}}
	lost := &v1alpha1.VRGVolSyncSpec{Sources: to.Sources, Arrived: []v1alpha1.VolSyncGroup{{Name: byItself, Stream: "k1", Cycle: 5}}}
	primary := func(spec *v1alpha1.VRGVolSyncSpec) Command {
		return Command{Spec: spec, Interval: interval, Settled: true}
	}
	secondary := func(spec *v1alpha1.VRGVolSyncSpec) Command {
		return Command{Spec: spec, Interval: interval, Receiving: true}
	}
	leaving := func(spec *v1alpha1.VRGVolSyncSpec) Command {
		c := secondary(spec)
		c.Left, c.Epoch = []string{"data"}, 5
		return c
	}
	for name, tc := range map[string]struct {
		facts   *Facts
		command Command
		want    []string
	}{
		"a primary offers a stream first":                                {there(claimIs(rolePrimary)), primary(to), []string{"offer data"}},
		"and waits for an address":                                       {there(claimIs(rolePrimary), offered), primary(nil), nil},
		"a primary sends once it knows where to":                         {there(claimIs(rolePrimary), offered), primary(to), []string{"begin with ReplicationSource data to 198.51.100.7 for " + cycleAt(1)}},
		"the key comes first":                                            {there(claimIs(rolePrimary), offered, keyless), primary(to), []string{"key", "begin with ReplicationSource data to 198.51.100.7 for " + cycleAt(1)}},
		"a stream begins once":                                           {there(claimIs(rolePrimary), begunAt), primary(to), []string{"offer data"}},
		"nobody needs a key who sends nothing":                           {there(keyless), primary(to), nil},
		"a volume that is not there yet is not sent":                     {there(claimIs(rolePrimary), unbound), primary(to), nil},
		"a primary goes on":                                              {there(claimIs(rolePrimary), sends(synced(last, time.Second))), primary(to), nil},
		"and while the hub says nothing":                                 {there(claimIs(rolePrimary), sends(synced(last, time.Second))), primary(nil), nil},
		"a new address is taken, whatever is under way":                  {there(claimIs(rolePrimary), sends(underWay(last, cycleAt(5)))), primary(elsewhere), []string{"update ReplicationSource data to 198.51.100.8 for " + cycleAt(5)}},
		"a cycle that arrived unanswered comes to a stop":                {there(claimIs(rolePrimary), sends(underWay(last, cycleAt(5)))), primary(lost), []string{"update ReplicationSource data to 198.51.100.7 for " + cycleAt(5) + ", paused"}},
		"and is sent as the next":                                        {there(claimIs(rolePrimary), sends(underWay(last, cycleAt(5))), quiet), primary(lost), []string{"update ReplicationSource data to 198.51.100.7 for " + cycleAt(6)}},
		"a primary stops receiving before it sends":                      {there(claimIs(rolePrimary), receivesInto(own, 1)), primary(to), []string{"delete ReplicationDestination data"}},
		"an image that was kept is not needed any more":                  {there(claimIs(rolePrimary), sends(synced(last, time.Second)), keeps("image", "3")), primary(to), []string{"delete VolumeSnapshot image"}},
		"but until the claim has been made of it":                        {there(claimIs(rolePrimary), unbound, keeps("image", "3")), primary(to), nil},
		"a settled primary receives nothing":                             {there(receivesInto(nil, 1)), primary(nil), []string{"delete ReplicationDestination data", "delete VolumeSnapshot image"}},
		"one that is being restored may still need that":                 {there(receivesInto(nil, 1)), Command{}, nil},
		"a handover waits for the sync that is under way":                {there(claimIs("final-7"), sends(underWay(last, cycleAt(5)))), Command{Interval: interval}, nil},
		"then syncs a last time":                                         {there(claimIs("final-7"), sends(synced(last, time.Second))), Command{}, []string{"update ReplicationSource data to 198.51.100.7 for " + cycleAt(5, "final-7")}},
		"and once more to prove it":                                      {there(claimIs("final-7"), sends(synced(cycleAt(5, "final-7"), time.Second))), Command{}, []string{"update ReplicationSource data to 198.51.100.7 for " + cycleAt(6, "final-7-confirm")}},
		"and no more":                                                    {there(claimIs("final-7"), sends(synced(cycleAt(6, "final-7-confirm"), time.Second))), Command{}, nil},
		"the next waits until VolSync's claim of the one before is gone": {there(claimIs("final-7"), sends(synced(last, time.Second)), unclean), Command{}, nil},
		"also the one that proves the last":                              {there(claimIs("final-7"), sends(synced(cycleAt(5, "final-7"), time.Second)), unclean), Command{}, nil},
		"who gives up sends nothing":                                     {there(claimIs("final-7"), sends(underWay(last, cycleAt(5)))), Command{GivingUp: true}, []string{"delete ReplicationSource data"}},
		"who has handed over sends until the peer does":                  {there(claimIs("final-7"), sends(synced(cycleAt(6, "final-7-confirm"), time.Second))), secondary(&v1alpha1.VRGVolSyncSpec{}), nil},
		"then stops, and keeps what there is": {
			there(claimIs("final-7"), sends(synced(cycleAt(6, "final-7-confirm"), time.Second))), secondary(from), []string{"delete ReplicationSource data"},
		},
		"a standby prepares":                                               {there(keyless), secondary(from), []string{"key", "create ReplicationDestination data for k1.1"}},
		"once it knows the stream":                                         {there(), secondary(untold), nil},
		"a standby that knows no class does not":                           {there(func(f *Facts) { f.Problems["fast"] = "no class" }), secondary(from), nil},
		"a standby receives":                                               {there(receivesInto(nil, 0)), secondary(from), nil},
		"and keeps what has come":                                          {there(receivesInto(nil, 2), answered, notKept, keptAs("former", 1)), secondary(from), []string{"update VolumeSnapshot image"}},
		"and drops what came before once that is done":                     {there(receivesInto(nil, 2), keptAs("former", 1)), secondary(from), []string{"delete VolumeSnapshot former"}},
		"but not while the image is being made":                            {there(receivesInto(nil, 2), answered, notKept, cutting, keptAs("former", 1)), secondary(from), nil},
		"and is told to again after each image":                            {there(receivesInto(nil, 1), answered), secondary(from), []string{"update ReplicationDestination data for k1.2"}},
		"what it half has of another stream comes to a stop":               {there(receivesInto(nil, 1), halfWay), secondary(another), []string{"update ReplicationDestination data for k1.2, paused,"}},
		"then it receives that":                                            {there(receivesInto(nil, 1), halfWay, paused), secondary(another), []string{"update ReplicationDestination data for k2.1"}},
		"and keeps what it has":                                            {there(keptAs("former", 7)), secondary(another), []string{"create ReplicationDestination data for k2.1"}},
		"nothing is dismissed as long as it is not known what is sent":     {there(receivesInto(nil, 1)), secondary(nil), nil},
		"what is not sent any more is dismissed, with what was kept of it": {there(receivesInto(nil, 1)), secondary(&v1alpha1.VRGVolSyncSpec{}), []string{"delete ReplicationDestination data", "delete VolumeSnapshot image"}},
		"who was primary first keeps an image":                             {there(claimIs(roleSecondary)), secondary(from), []string{"create VolumeSnapshot data-before-sync"}},
		"and waits until it can be used":                                   {there(claimIs(roleSecondary), beforeSync(false)), secondary(from), nil},
		"then receives into its own claim":                                 {there(claimIs(roleSecondary), beforeSync(true)), secondary(from), []string{"create ReplicationDestination data for k1.1 into data"}},
		"VolSync forgets what it was making of the claim before":           {there(claimIs(roleSecondary), beforeSync(true), imaged), secondary(from), []string{"unname data"}},
		"but not what it makes of it now":                                  {there(claimIs(roleSecondary), beforeSync(true), receivesInto(own, 0), imaged), secondary(from), nil},
		"and keeps it while nothing is complete":                           {there(claimIs(roleSecondary), beforeSync(true), receivesInto(own, 0)), secondary(from), nil},
		"and lets it go once something is":                                 {there(claimIs(roleSecondary), beforeSync(true), receivesInto(own, 1)), secondary(from), []string{"delete VolumeSnapshot data-before-sync"}},
		"what a failover left behind in it is kept for good first":         {there(claimIs(roleSecondary), beforeSync(true)), leaving(from), []string{"create VolumeSnapshot data-left-behind-5"}},
		"and is to be usable":                                              {there(claimIs(roleSecondary), beforeSync(true), leftBehind(false)), leaving(from), nil},
		"before it receives what was made anew by its name":                {there(claimIs(roleSecondary), beforeSync(true), leftBehind(true)), leaving(from), []string{"create ReplicationDestination data for k1.1 into data"}},
		"and stays when that has come":                                     {there(claimIs(roleSecondary), beforeSync(true), leftBehind(true), receivesInto(own, 1)), leaving(from), []string{"delete VolumeSnapshot data-before-sync"}},
		"and when nothing is sent any more":                                {there(leftBehind(true), receivesInto(nil, 1)), leaving(&v1alpha1.VRGVolSyncSpec{}), []string{"delete ReplicationDestination data", "delete VolumeSnapshot image"}},
		"it grows with the primary's":                                      {there(claimIs(roleSecondary), smaller, receivesInto(own, 1)), secondary(from), []string{"expand data to 1Gi"}},
		"never sends and receives at once":                                 {there(claimIs(roleSecondary), sends(synced(last, time.Second))), secondary(from), []string{"delete ReplicationSource data"}},
		"a claim that was gone before it was released is sent no more":     {there(sends(synced(last, time.Second)), func(f *Facts) { f.Claims = nil }), Command{}, []string{"delete ReplicationSource data"}},
		"nor in the place of another that is made by its name":             {there(claimIs(rolePrimary), sends(synced(last, time.Second)), madeAnew), primary(to), []string{"delete ReplicationSource data"}},
		"who leaves lets the claims go first":                              {there(claimIs(roleSecondary), receivesInto(own, 1)), Command{Leaving: true}, nil},
		"then what has none":                                               {there(receivesInto(nil, 1), keeps("kept", "3")), Command{Leaving: true}, []string{"delete ReplicationDestination data", "delete VolumeSnapshot image", "delete VolumeSnapshot kept"}},
		"and the key last":                                                 {there(), Command{Leaving: true}, []string{"drop key"}},
		"without VolSync nothing is done":                                  {&Facts{Group: group}, secondary(from), nil},
		"an exported Service is made known":                                {there(exporting, receivesInto(nil, 0)), secondary(from), []string{"export data"}},
		"once":                                                             {there(exporting, receivesInto(nil, 0), exports("rd")), secondary(from), nil},
		"and again, should it be a former one's that is known":             {there(exporting, receivesInto(nil, 0), exports("former")), secondary(from), []string{"export data"}},
		"nothing is sent by a name that may lead back":                     {there(exporting, claimIs(rolePrimary), offered, exports("former")), primary(byName), nil},
		"but once it does not":                                             {there(exporting, claimIs(rolePrimary), offered), primary(byName), []string{"begin with ReplicationSource data to " + name + " for " + cycleAt(1)}},
	} {
		t.Run(name, func(t *testing.T) {
			got := steps(MakePlan(tc.facts, tc.command, noon))
			if !slices.Equal(got, tc.want) {
				t.Errorf("\n got %q\nwant %q", got, tc.want)
			}
		})
	}
}

func TestThePrimaryIsLookedAtWhenTheNextSyncIsDue(t *testing.T) {
	f := there(claimIs(rolePrimary), sends(synced(cycleAt(4), time.Second)))
	plan := MakePlan(f, Command{Interval: 10 * time.Minute, Settled: true}, noon)
	if want := nextDue(noon, 10*time.Minute, "shop/data").Sub(noon); plan.After != want {
		t.Errorf("after %s, not %s", plan.After, want)
	}
}

func TestWhatIsReceivedIsTold(t *testing.T) {
	spec := &v1alpha1.VRGVolSyncSpec{Destinations: []v1alpha1.VolSyncDestination{wanted}}
	for name, tc := range map[string]struct {
		facts                   *Facts
		address, image, message string
	}{
		"not prepared yet":       {there(), "", "", "being prepared"},
		"VolSync is not there":   {&Facts{}, "", "", "not installed"},
		"nothing complete":       {there(receivesInto(nil, 0)), "198.51.100.7", "", ""},
		"a complete image":       {there(receivesInto(nil, 2)), "198.51.100.7", "image", ""},
		"one that is not kept":   {there(receivesInto(nil, 2), notKept), "198.51.100.7", "", ""},
		"with one before it":     {there(receivesInto(nil, 2), notKept, keptAs("former", 1)), "198.51.100.7", "former", ""},
		"a Service not known":    {there(exporting, receivesInto(nil, 0)), "", "", "waits until Service volsync-rsync-tls-dst-"},
		"a Service that is":      {there(exporting, receivesInto(nil, 0), exports("rd")), "volsync-rsync-tls-dst-data.shop.svc.clusterset.local", "", ""},
		"one that was":           {there(exporting, receivesInto(nil, 0), exports("former")), "", "", "waits until Service volsync-rsync-tls-dst-"},
		"no class for snapshots": {there(func(f *Facts) { f.Problems["fast"] = "there is no VolumeSnapshotClass" }), "", "", "no VolumeSnapshotClass"},
	} {
		t.Run(name, func(t *testing.T) {
			r := tc.facts.Received(spec)[0]
			if r.Name != "data" || r.Address != tc.address || r.LatestImage != tc.image || !strings.Contains(r.Message, tc.message) || tc.message == "" && r.Message != "" {
				t.Errorf("%+v", r)
			}
		})
	}
}

func toObjects(objects ...client.Object) []client.Object { return objects }

func TestTheLastSyncOfAHandoverCopiesAsThoseBefore(t *testing.T) {
	direct := v1alpha1.VolSyncSpec{
		CopyMethod:  v1alpha1.VolSyncCopyDirect,
		MoverConfig: []v1alpha1.VolSyncMoverConfig{{MoverServiceAccount: "copier", MoverSecurityContext: &v1alpha1.MoverSecurityContext{RunAsUser: ptr.To[int64](1000)}}},
	}
	f := there(claimIs("final-7"))
	last := cycleAt(4)
	before := synced(last, time.Second)
	before.Spec = source(group, f.Claims[0], direct, "198.51.100.7", last).Spec
	f.Sources["data"] = before
	plan := MakePlan(f, Command{}, noon)
	if len(plan.Update) != 1 {
		t.Fatalf("%d updates, want the last sync's", len(plan.Update))
	}
	got := plan.Update[0].(*volsyncv1alpha1.ReplicationSource).Spec
	want := before.Spec.DeepCopy()
	want.Trigger.Manual = cycleAt(5, "final-7")
	want.RsyncTLS.KeySecret = ptr.To(cycleKey(group, byItself, cycle{"k1", 5}))
	if !reflect.DeepEqual(&got, want) {
		t.Errorf("the last sync is\n%+v\nand those before were\n%+v", got.RsyncTLS, want.RsyncTLS)
	}
}
