// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package instant stands in for the csi-addons manager where everything else is measured: it answers VolumeReplications
// at once, with the same operations of the array and the status that the manager would report in the end. It puts no
// finalizers and annotations on anything.
package instant

import (
	"context"
	"errors"
	"sync"
	"time"

	replicationv1alpha1 "github.com/csi-addons/kubernetes-csi-addons/api/replication.storage/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/ramendr/dr-apiserver/test/storagesim/csiaddons"
	"github.com/ramendr/dr-apiserver/test/storagesim/engine"
)

const (
	workers = 64
	// retryCopy is when a copy that is not complete yet is looked at again.
	retryCopy = 250 * time.Millisecond
	// settle is how long a first snapshot waits to be reported: the answer that caused it mostly reports it already.
	settle = 50 * time.Millisecond
	// retryMin and retryMax are how long an operation that failed waits to be repeated.
	retryMin, retryMax = 5 * time.Millisecond, 5 * time.Second
	// indexClaim finds the VolumeReplications of a claim.
	indexClaim = "claim"
)

// Controller answers VolumeReplications.
type Controller struct {
	client client.Client
	engine *engine.Engine
	driver string
	synced chan event.TypedGenericEvent[types.NamespacedName]

	mu      sync.Mutex
	handles map[types.NamespacedName]string
	names   map[string]types.NamespacedName
}

// New returns a controller for the volumes of an array.
func New(mgr manager.Manager, e *engine.Engine, driver string) *Controller {
	return &Controller{
		client: mgr.GetClient(), engine: e, driver: driver,
		synced:  make(chan event.TypedGenericEvent[types.NamespacedName], workers),
		handles: map[types.NamespacedName]string{}, names: map[string]types.NamespacedName{},
	}
}

// Setup makes the manager run it.
func (c *Controller) Setup(ctx context.Context, mgr manager.Manager) error {
	err := mgr.GetFieldIndexer().IndexField(ctx, &replicationv1alpha1.VolumeReplication{}, indexClaim, claimOf)
	if err != nil {
		return err
	}
	enqueue := handler.TypedFuncs[types.NamespacedName, ctrl.Request]{
		GenericFunc: func(_ context.Context, e event.TypedGenericEvent[types.NamespacedName], q queue) {
			q.AddAfter(ctrl.Request{NamespacedName: e.Object}, settle)
		},
	}
	return ctrl.NewControllerManagedBy(mgr).Named("instant").
		For(&replicationv1alpha1.VolumeReplication{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&corev1.PersistentVolumeClaim{}, handler.EnqueueRequestsFromMapFunc(c.replicationsOf)).
		WatchesRawSource(source.TypedChannel(c.synced, enqueue)).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: workers,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[ctrl.Request](retryMin, retryMax),
		}).
		Complete(c)
}

// FirstSync makes the status of a volume's VolumeReplication tell of a first snapshot at once.
func (c *Controller) FirstSync(handle string) {
	c.mu.Lock()
	name, ok := c.names[handle]
	c.mu.Unlock()
	if ok {
		c.synced <- event.TypedGenericEvent[types.NamespacedName]{Object: name}
	}
}

// Reconcile brings a volume into the state that its VolumeReplication asks for.
func (c *Controller) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var vr replicationv1alpha1.VolumeReplication
	err := c.client.Get(ctx, req.NamespacedName, &vr)
	if apierrors.IsNotFound(err) {
		return ctrl.Result{}, c.disable(ctx, req.NamespacedName)
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	handle, ok, err := c.handleOf(ctx, &vr)
	if err != nil || !ok {
		return ctrl.Result{}, err
	}
	var class replicationv1alpha1.VolumeReplicationClass
	if err := c.client.Get(ctx, types.NamespacedName{Name: vr.Spec.VolumeReplicationClass}, &class); err != nil {
		return ctrl.Result{}, err
	}
	if class.Spec.Provisioner != c.driver {
		return ctrl.Result{}, nil
	}
	c.remember(req.NamespacedName, handle)
	return c.answer(ctx, &vr, handle, class.Spec.Parameters)
}

func (c *Controller) answer(
	ctx context.Context, vr *replicationv1alpha1.VolumeReplication, handle string, parameters map[string]string,
) (ctrl.Result, error) {
	look := csiaddons.LookInterval(parameters)
	if wait := nextLook(vr, look, time.Now()); wait > 0 {
		return ctrl.Result{RequeueAfter: wait}, nil
	}
	o := c.attempt(ctx, vr, handle, parameters)
	next := vr.DeepCopy()
	next.Status = status(vr, o, time.Now())
	if !sameBesidesTimes(vr.Status, next.Status) {
		if err := c.client.Status().Patch(ctx, next, client.MergeFrom(vr)); err != nil {
			return ctrl.Result{}, client.IgnoreNotFound(err)
		}
	}
	switch {
	case o.err != nil && !errors.Is(o.err, engine.ErrInvalid):
		return ctrl.Result{}, o.err
	case vr.Spec.ReplicationState == replicationv1alpha1.Primary:
		return ctrl.Result{RequeueAfter: look}, nil
	case !o.ready:
		return ctrl.Result{RequeueAfter: retryCopy}, nil
	}
	return ctrl.Result{}, nil
}

// attempt does what the csi-addons manager does, in the same order, without its pauses.
func (c *Controller) attempt(
	ctx context.Context, vr *replicationv1alpha1.VolumeReplication, handle string, parameters map[string]string,
) outcome {
	switch vr.Spec.ReplicationState {
	case replicationv1alpha1.Primary:
		return c.promote(ctx, vr, handle, parameters)
	case replicationv1alpha1.Secondary:
		if err := c.engine.Demote(ctx, handle); err != nil {
			return outcome{err: err}
		}
		ready, err := c.engine.Resync(ctx, handle, vr.Spec.AutoResync)
		return outcome{ready: ready, resyncing: true, err: err}
	default:
		ready, err := c.engine.Resync(ctx, handle, true)
		return outcome{ready: ready, resyncing: true, err: err}
	}
}

func (c *Controller) promote(
	ctx context.Context, vr *replicationv1alpha1.VolumeReplication, handle string, parameters map[string]string,
) outcome {
	// A volume is promoted once; from then on the manager only looks at it.
	if vr.Status.State != replicationv1alpha1.PrimaryState {
		interval, err := csiaddons.SyncInterval(parameters)
		if err == nil {
			err = c.engine.Enable(ctx, handle, interval)
		}
		if err != nil {
			return outcome{err: err, prerequisite: errors.Is(err, engine.ErrPrecondition)}
		}
		err = c.engine.Promote(ctx, handle, false)
		if errors.Is(err, engine.ErrPrecondition) {
			err = c.engine.Promote(ctx, handle, true)
		}
		if err != nil {
			return outcome{err: err}
		}
	}
	info, err := c.engine.Info(ctx, handle)
	if err != nil {
		return outcome{}
	}
	return outcome{info: &info}
}

// disable stops the replication of a volume whose VolumeReplication is gone.
func (c *Controller) disable(ctx context.Context, name types.NamespacedName) error {
	c.mu.Lock()
	handle, ok := c.handles[name]
	c.mu.Unlock()
	if !ok {
		return nil
	}
	if err := c.engine.Disable(ctx, handle); err != nil && !errors.Is(err, engine.ErrNotFound) {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.handles, name)
	delete(c.names, handle)
	return nil
}

func (c *Controller) remember(name types.NamespacedName, handle string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handles[name], c.names[handle] = handle, name
}
