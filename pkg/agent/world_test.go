// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/ramendr/dr-apiserver/pkg/agent/capture"
	"github.com/ramendr/dr-apiserver/pkg/agent/checkpoint"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/agent/restore"
	"github.com/ramendr/dr-apiserver/pkg/agent/status"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/generated/clientset/versioned"
	hubfake "github.com/ramendr/dr-apiserver/pkg/generated/clientset/versioned/fake"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/objectstoretest"
)

// life is how many writes an agent may make before it dies; each write of it counts.
type life struct {
	lock sync.Mutex
	left int
	dead bool
}

var errDead = errors.New("the agent is dead")

func (l *life) spend() error {
	l.lock.Lock()
	defer l.lock.Unlock()
	if l.left == 0 {
		l.dead = true
		return errDead
	}
	l.left--
	return nil
}

func (l *life) over() bool {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.dead
}

// storage is an array that both clusters' volumes are on. It does at once what it is told.
type storage struct {
	lock     sync.Mutex
	clusters map[string]map[types.NamespacedName]*replication.State
	// exclusive is true while no volume may be promoted whose peer is primary; broken tells when one was.
	exclusive bool
	broken    []string
	// refuses is the claim whose volume can't be promoted on dr2, if any.
	refuses string
}

type driver struct {
	*storage
	cluster string
	life    *life
}

func (d *driver) Method() v1alpha1.ReplicationMethod { return v1alpha1.MethodVolumeReplication }

func (d *driver) Class(v replication.Volume) (string, *replication.Problem) {
	if v.PV == nil {
		return "", &replication.Problem{Reason: "NotBound", Message: "not bound"}
	}
	return "class", nil
}

func (d *driver) Report(claim types.NamespacedName) (*replication.State, error) {
	d.lock.Lock()
	defer d.lock.Unlock()
	if s := d.clusters[d.cluster][claim]; s != nil {
		c := *s
		return &c, nil
	}
	return nil, nil
}

func (d *driver) set(claim types.NamespacedName, role replication.Role) error {
	if err := d.life.spend(); err != nil {
		return err
	}
	d.lock.Lock()
	defer d.lock.Unlock()
	if d.clusters[d.cluster] == nil {
		d.clusters[d.cluster] = map[types.NamespacedName]*replication.State{}
	}
	for other, claims := range d.clusters {
		if d.exclusive && other != d.cluster && role == replication.Primary && claims[claim] != nil && claims[claim].Role == replication.Primary {
			d.broken = append(d.broken, fmt.Sprintf("%s was promoted on %s while it was primary on %s", claim, d.cluster, other))
		}
	}
	if role == replication.Primary && d.cluster == "dr2" && claim.Name == d.refuses {
		d.clusters[d.cluster][claim] = &replication.State{Wanted: role, Message: "the array refuses"}
		return nil
	}
	at := metav1.NewTime(time.Now())
	d.clusters[d.cluster][claim] = &replication.State{Wanted: role, Role: role, Reported: role, LastSyncTime: &at}
	return nil
}

func (d *driver) Promote(_ context.Context, v replication.Volume, _ string) error {
	return d.set(v.Key(), replication.Primary)
}

func (d *driver) Demote(_ context.Context, v replication.Volume, _ string, _ replication.Demotion) error {
	return d.set(v.Key(), replication.Secondary)
}

func (d *driver) Refresh(_ context.Context, claim types.NamespacedName) error {
	d.lock.Lock()
	defer d.lock.Unlock()
	if s := d.clusters[d.cluster][claim]; s != nil && s.Role == replication.Secondary {
		s.InSync = true
	}
	return nil
}

func (d *driver) Remove(_ context.Context, claim types.NamespacedName) (bool, error) {
	if err := d.life.spend(); err != nil {
		return false, err
	}
	d.lock.Lock()
	defer d.lock.Unlock()
	delete(d.clusters[d.cluster], claim)
	return true, nil
}

// forget is what becomes of claims' replication when they are deleted.
func (s *storage) forget(cluster string, claims ...string) {
	s.lock.Lock()
	defer s.lock.Unlock()
	for _, claim := range claims {
		delete(s.clusters[cluster], types.NamespacedName{Namespace: "shop", Name: claim})
	}
}

func (s *storage) role(cluster, claim string) replication.Role {
	s.lock.Lock()
	defer s.lock.Unlock()
	if state := s.clusters[cluster][types.NamespacedName{Namespace: "shop", Name: claim}]; state != nil {
		return state.Role
	}
	return ""
}

// site is a cluster with its agent, which may be killed and replaced.
type site struct {
	t       *testing.T
	name    string
	api     client.WithWatch
	world   *twoSites
	life    *life
	agent   *Agent
	stopped context.CancelFunc
}

// twoSites are two clusters, a hub, a storage and two object stores.
type twoSites struct {
	t       *testing.T
	hub     versioned.Interface
	storage *storage
	stores  objectstoretest.Provider
	sites   map[string]*site
}

func newTwoSites(t *testing.T) *twoSites {
	w := &twoSites{
		t: t, hub: hubfake.NewSimpleClientset(), storage: &storage{clusters: map[string]map[types.NamespacedName]*replication.State{}},
		stores: objectstoretest.Provider{"s3-dr1": &objectstoretest.Memory{}, "s3-dr2": &objectstoretest.Memory{}}, sites: map[string]*site{},
	}
	for _, name := range []string{"dr1", "dr2"} {
		s := &site{t: t, name: name, world: w, api: fake.NewClientBuilder().WithObjects(
			&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}).Build()}
		w.sites[name] = s
		s.start(-1)
	}
	return w
}

// start starts a new agent that dies after so many writes; -1 for none.
func (s *site) start(writes int) {
	if s.stopped != nil {
		s.stopped()
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	s.stopped, s.life = cancel, &life{left: writes}
	mortal := interceptor.NewClient(s.api, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			if _, ok := o.(*corev1.PersistentVolumeClaim); ok {
				o.SetUID(types.UID(fmt.Sprintf("%s-%d", o.GetName(), time.Now().UnixNano())))
			}
			return errors.Join(s.spend(), unless(s.life.over(), func() error { return c.Create(ctx, o, opts...) }))
		},
		Update: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.UpdateOption) error {
			return errors.Join(s.spend(), unless(s.life.over(), func() error { return c.Update(ctx, o, opts...) }))
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
			return errors.Join(s.spend(), unless(s.life.over(), func() error { return c.Patch(ctx, o, p, opts...) }))
		},
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			return errors.Join(s.spend(), unless(s.life.over(), func() error { return c.Delete(ctx, o, opts...) }))
		},
	})
	checkpoints, err := checkpoint.Load(ctx, mortal, "dr-system")
	if err != nil {
		s.t.Fatal(err)
	}
	h := newHub(s.world.hub, s.name)
	objects := dynamicOver{mortal}
	a := &Agent{
		cluster: s.name, workers: 1, hub: h, local: mortal, clock: clock.RealClock{},
		backends:    replication.Backends{&driver{storage: s.world.storage, cluster: s.name, life: s.life}},
		collector:   &capture.Collector{Resources: someKinds{}, Client: objects, Namespaces: mortal},
		restorer:    &restore.Restorer{Client: mortal, Live: mortal, Dynamic: objects, Served: someKinds{}.Served},
		stores:      s.world.stores,
		checkpoints: checkpoints,
		writer:      status.NewWriter(h, clock.RealClock{}),
	}
	a.prepare(ctx)
	go a.writer.Run(ctx)
	s.agent = a
}

func (s *site) spend() error { return s.life.spend() }

func unless(dead bool, do func() error) error {
	if dead {
		return nil
	}
	return do()
}

// look lets the agent look at its group once, as the hub has it now, with the cluster's own controllers done.
func (s *site) look() {
	s.bind()
	key := types.NamespacedName{Namespace: "shop", Name: "shop." + s.name}
	group, err := s.world.hub.DrV1alpha1().VolumeReplicationGroups("shop").Get(s.t.Context(), key.Name, metav1.GetOptions{})
	store := s.agent.hub.informer.GetStore()
	switch {
	case err == nil:
		_ = store.Add(group)
	case apierrors.IsNotFound(err):
		_ = store.Delete(&v1alpha1.VolumeReplicationGroup{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: key.Name}})
	default:
		s.t.Fatal(err)
	}
	if _, err := s.agent.look(s.t.Context(), key); err != nil && !errors.Is(err, errDead) && !apierrors.IsConflict(err) {
		s.t.Fatalf("%s: %v", s.name, err)
	}
}

// bind does what the cluster's volume controller does: it agrees to a claim that says it is bound if its volume says so
// too, and takes it for lost if not.
func (s *site) bind() {
	var claims corev1.PersistentVolumeClaimList
	if err := s.api.List(s.t.Context(), &claims); err != nil {
		s.t.Fatal(err)
	}
	for i := range claims.Items {
		claim := &claims.Items[i]
		if claim.Status.Phase == corev1.ClaimBound || claim.Annotations["pv.kubernetes.io/bind-completed"] == "" {
			continue
		}
		var volume corev1.PersistentVolume
		if err := s.api.Get(s.t.Context(), client.ObjectKey{Name: claim.Spec.VolumeName}, &volume); err != nil || volume.Spec.ClaimRef.UID != claim.UID {
			s.t.Fatalf("claim %s is lost: %v, %+v", claim.Name, err, volume.Spec.ClaimRef)
		}
		claim.Status.Phase = corev1.ClaimBound
		if err := s.api.Status().Update(s.t.Context(), claim); err != nil && !apierrors.IsConflict(err) {
			s.t.Fatal(err)
		}
	}
}

// deploy puts the application on the cluster: a StatefulSet with two volumes, a ConfigMap and a Secret, and more
// that can be done without.
func (s *site) deploy() {
	app := map[string]string{"app": "shop"}
	replicas := int32(2)
	objects := []client.Object{
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "settings", Labels: app}, Data: map[string]string{"k": "v"}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "password", Labels: app}, Data: map[string][]byte{"p": []byte("w")}},
		&appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop", Labels: app}, Spec: appsv1.StatefulSetSpec{Replicas: &replicas}},
	}
	for _, name := range []string{"former", "aside"} {
		objects = append(objects, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Labels: app}})
	}
	objects = append(objects, &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "former", Labels: app}, Spec: appsv1.StatefulSetSpec{Replicas: &replicas}})
	s.create(append(objects, slices.Concat(claimed("a", "pv-a"), claimed("b", "pv-b"))...)...)
}

// claimed is a claim of the application's with its volume.
func claimed(claim, volume string) []client.Object {
	return []client.Object{
		&corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: volume}, Spec: corev1.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimDelete,
			ClaimRef:                      &corev1.ObjectReference{Namespace: "shop", Name: claim},
			PersistentVolumeSource:        corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: "sim", VolumeHandle: "h-" + volume}},
		}},
		&corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: claim, Labels: map[string]string{"app": "shop"},
			Annotations: map[string]string{"pv.kubernetes.io/bind-completed": "yes"}}, Spec: corev1.PersistentVolumeClaimSpec{VolumeName: volume}},
	}
}

func (s *site) create(objects ...client.Object) {
	s.t.Helper()
	for _, o := range objects {
		if _, volume := o.(*corev1.PersistentVolumeClaim); !volume {
			o.SetUID(types.UID(fmt.Sprintf("%s-%s-%T", s.name, o.GetName(), o)))
		}
		if err := s.api.Create(s.t.Context(), o); err != nil {
			s.t.Fatal(err)
		}
	}
}

// replicas of the application; -1 if it is not there.
func (s *site) replicas() int32 {
	set := &appsv1.StatefulSet{}
	if err := s.api.Get(s.t.Context(), client.ObjectKey{Namespace: "shop", Name: "shop"}, set); err != nil {
		return -1
	}
	return *set.Spec.Replicas
}

// command creates or changes the group of a cluster.
func (w *twoSites) command(cluster string, state v1alpha1.ReplicationState, action v1alpha1.VRGAction, epoch int64, token *v1alpha1.HandoverToken) {
	w.t.Helper()
	groups := w.hub.DrV1alpha1().VolumeReplicationGroups("shop")
	spec := v1alpha1.VolumeReplicationGroupSpec{
		ClusterName: cluster, ReplicationState: state, Action: action, Epoch: epoch, HandoverToken: token,
		S3Profiles:  []string{"s3-dr1", "s3-dr2"},
		PVCSelector: metav1.LabelSelector{MatchLabels: map[string]string{"app": "shop"}},
		Async:       &v1alpha1.VRGAsyncSpec{SchedulingInterval: "1m", PeerClasses: []v1alpha1.PeerClass{{Method: v1alpha1.MethodVolumeReplication}}},
	}
	group, err := groups.Get(w.t.Context(), "shop."+cluster, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		group = &v1alpha1.VolumeReplicationGroup{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop." + cluster, Generation: 1, Labels: map[string]string{v1alpha1.LabelDRPlacementControl: "shop"},
				Finalizers: []string{v1alpha1.AgentFinalizer}}, Spec: spec,
		}
		_, err = groups.Create(w.t.Context(), group, metav1.CreateOptions{})
	} else if err == nil {
		patch, _ := json.Marshal(map[string]any{"metadata": map[string]any{"generation": group.Generation + 1}, "spec": spec})
		_, err = groups.Patch(w.t.Context(), group.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// status of a cluster's group, as far as it speaks of the command.
func (w *twoSites) status(cluster string) v1alpha1.VolumeReplicationGroupStatus {
	group, err := w.hub.DrV1alpha1().VolumeReplicationGroups("shop").Get(w.t.Context(), "shop."+cluster, metav1.GetOptions{})
	if err != nil || group.Status.ObservedGeneration != group.Generation || group.Status.Epoch != group.Spec.Epoch {
		return v1alpha1.VolumeReplicationGroupStatus{}
	}
	return group.Status
}

func (w *twoSites) is(cluster string, state v1alpha1.VolumeReplicationGroupState, conditions ...string) func() bool {
	return func() bool {
		s := w.status(cluster)
		for _, c := range conditions {
			if !isTrue(s.Conditions, c) {
				return false
			}
		}
		return s.State == state
	}
}

func isTrue(conditions []metav1.Condition, conditionType string) bool {
	for _, c := range conditions {
		if c.Type == conditionType {
			return c.Status == metav1.ConditionTrue
		}
	}
	return false
}

// until lets agents look until something holds; one that has died is replaced by one that lives.
func (w *twoSites) until(what string, reached func() bool, clusters ...string) {
	w.t.Helper()
	err := wait.PollUntilContextTimeout(w.t.Context(), time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		for _, cluster := range clusters {
			s := w.sites[cluster]
			if s.life.over() {
				s.start(-1)
			}
			s.look()
		}
		return reached(), nil
	})
	if err != nil {
		w.t.Fatalf("not reached: %s; dr1 %+v; dr2 %+v", what, w.status("dr1"), w.status("dr2"))
	}
	w.storage.lock.Lock()
	defer w.storage.lock.Unlock()
	if len(w.storage.broken) > 0 {
		w.t.Fatal(w.storage.broken)
	}
}

type someKinds struct{}

func (someKinds) Having(string, labels.Selector) ([]schema.GroupVersionResource, error) {
	return []schema.GroupVersionResource{
		{Version: "v1", Resource: "configmaps"}, {Version: "v1", Resource: "secrets"}, {Group: "apps", Version: "v1", Resource: "statefulsets"},
	}, nil
}

func (k someKinds) Served(wanted schema.GroupResource) (schema.GroupVersionResource, bool) {
	all, _ := k.Having("", nil)
	i := slices.IndexFunc(all, func(r schema.GroupVersionResource) bool { return r.GroupResource() == wanted })
	if i < 0 {
		return schema.GroupVersionResource{}, false
	}
	return all[i], true
}

func (someKinds) Exclude(schema.GroupVersionResource, error) {}

// dynamicOver is a dynamic client over a typed one, as far as captures and restores go.
type dynamicOver struct{ client client.Client }

func (d dynamicOver) Resource(r schema.GroupVersionResource) dynamic.NamespaceableResourceInterface {
	return resourceOver{client: d.client, resource: r}
}

type resourceOver struct {
	dynamic.NamespaceableResourceInterface
	client    client.Client
	resource  schema.GroupVersionResource
	namespace string
}

func (r resourceOver) Namespace(namespace string) dynamic.ResourceInterface {
	r.namespace = namespace
	return r
}

func (r resourceOver) object(name string) *unstructured.Unstructured {
	kind := map[string]string{"configmaps": "ConfigMap", "secrets": "Secret", "statefulsets": "StatefulSet", "namespaces": "Namespace"}[r.resource.Resource]
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(r.resource.GroupVersion().WithKind(kind))
	o.SetNamespace(r.namespace)
	o.SetName(name)
	return o
}

func (r resourceOver) Get(ctx context.Context, name string, _ metav1.GetOptions, _ ...string) (*unstructured.Unstructured, error) {
	o := r.object(name)
	return o, r.client.Get(ctx, client.ObjectKeyFromObject(o), o)
}

func (r resourceOver) Create(ctx context.Context, o *unstructured.Unstructured, _ metav1.CreateOptions, _ ...string) (*unstructured.Unstructured, error) {
	o = o.DeepCopy()
	o.SetUID(types.UID(fmt.Sprintf("%s-%d", o.GetName(), time.Now().UnixNano())))
	return o, r.client.Create(ctx, o)
}

func (r resourceOver) Delete(ctx context.Context, name string, options metav1.DeleteOptions, _ ...string) error {
	return r.client.Delete(ctx, r.object(name), client.Preconditions(*options.Preconditions), client.PropagationPolicy(*options.PropagationPolicy))
}

func (r resourceOver) Patch(ctx context.Context, name string, pt types.PatchType, data []byte, _ metav1.PatchOptions, _ ...string) (*unstructured.Unstructured, error) {
	o := r.object(name)
	return o, r.client.Patch(ctx, o, client.RawPatch(pt, data))
}

func (r resourceOver) List(ctx context.Context, options metav1.ListOptions) (*unstructured.UnstructuredList, error) {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(r.object("").GroupVersionKind())
	selector, err := labels.Parse(options.LabelSelector)
	if err != nil {
		return nil, err
	}
	return list, r.client.List(ctx, list, client.InNamespace(r.namespace), client.MatchingLabelsSelector{Selector: selector})
}
