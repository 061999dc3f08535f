// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	csiaddons "github.com/csi-addons/kubernetes-csi-addons/api/csiaddons/v1alpha1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/served"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/generated/clientset/versioned"
	informers "github.com/ramendr/dr-apiserver/pkg/generated/informers/externalversions/dr/v1alpha1"
)

const (
	firstRetry = 20 * time.Millisecond
	lastRetry  = 15 * time.Second
)

// Keeper carries out the orders in the DRClusterConfig of its own cluster, and reports there.
type Keeper struct {
	cluster string
	hub     versioned.Interface
	kinds   *served.Kinds
	local   client.Client

	config cache.SharedIndexInformer
	queue  workqueue.TypedRateLimitingInterface[string]
}

// New returns the Keeper of a cluster. It reads NetworkFences from kinds, which are not running yet, and writes them by local.
func New(cluster string, hub versioned.Interface, kinds *served.Kinds, local client.Client) (*Keeper, error) {
	own := fields.OneTermEqualSelector(metav1.ObjectNameField, cluster).String()
	k := &Keeper{
		cluster: cluster, hub: hub, kinds: kinds, local: local,
		config: informers.NewFilteredDRClusterConfigInformer(hub, 0, cache.Indexers{}, func(o *metav1.ListOptions) { o.FieldSelector = own }),
		queue: workqueue.NewTypedRateLimitingQueueWithConfig(
			workqueue.NewTypedItemExponentialFailureRateLimiter[string](firstRetry, lastRetry),
			workqueue.TypedRateLimitingQueueConfig[string]{Name: "fences"}),
	}
	look := func(any) { k.queue.Add(cluster) }
	_, errWatch := k.config.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: look, UpdateFunc: func(_, now any) { look(now) }})
	_, errKind := kinds.Watch(func(client.Object) { look(nil) }, &csiaddons.NetworkFence{})
	return k, errors.Join(errWatch, errKind)
}

// Run carries orders out until ctx ends. While the hub is away, what it ordered last goes on.
func (k *Keeper) Run(ctx context.Context) {
	go k.config.RunWithContext(ctx)
	go func() {
		<-ctx.Done()
		k.queue.ShutDown()
	}()
	for k.next(ctx) {
	}
}

func (k *Keeper) next(ctx context.Context) bool {
	key, shutdown := k.queue.Get()
	if shutdown {
		return false
	}
	defer k.queue.Done(key)
	switch err := k.look(ctx); {
	case err == nil:
		k.queue.Forget(key)
	case ctx.Err() != nil:
	default:
		if !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) {
			klog.FromContext(ctx).Error(err, "Fences are tried again")
		}
		k.queue.AddRateLimited(key)
	}
	return true
}

// look observes, decides and acts once.
func (k *Keeper) look(ctx context.Context) error {
	object, exists, err := k.config.GetStore().GetByKey(k.cluster)
	if err != nil || !exists {
		return err
	}
	config := object.(*v1alpha1.DRClusterConfig)
	if !k.kinds.WaitForSync(ctx) {
		return ctx.Err()
	}
	fences := &csiaddons.NetworkFenceList{}
	if err := k.kinds.List(ctx, fences); meta.IsNoMatchError(err) {
		return k.tell(ctx, config, cannot(config.Spec.Fences))
	} else if err != nil {
		return fmt.Errorf("listing NetworkFences: %w", err)
	}
	d := Decide(config.Spec.Fences, config.Status.Fences, fences.Items)
	return errors.Join(k.tell(ctx, config, d.Reports), k.act(ctx, d))
}

// cannot reports that this cluster has no NetworkFences.
func cannot(orders []v1alpha1.FenceOrder) []v1alpha1.FenceReport {
	reports := make([]v1alpha1.FenceReport, 0, len(orders))
	for _, order := range orders {
		reports = append(reports, v1alpha1.FenceReport{
			ClusterName: order.ClusterName, Number: order.Number, State: order.State,
			Message: "this cluster serves no NetworkFence, or the agent may not read it: install csi-addons",
		})
	}
	return reports
}

// act writes what was decided. Whatever it wrote comes back as an event.
func (k *Keeper) act(ctx context.Context, d Decision) error {
	var errs []error
	for i := range d.Unfence {
		patch := fmt.Appendf(nil, `{"metadata":{"resourceVersion":%q},"spec":{"fenceState":%q}}`, d.Unfence[i].ResourceVersion, csiaddons.Unfenced)
		if err := k.local.Patch(ctx, d.Unfence[i].DeepCopy(), client.RawPatch(types.MergePatchType, patch)); client.IgnoreNotFound(err) != nil {
			errs = append(errs, fmt.Errorf("unfencing by NetworkFence %s: %w", d.Unfence[i].Name, err))
		}
		networkFenceWritten.Hit("")
	}
	for i := range d.Create {
		if err := k.local.Create(ctx, d.Create[i].DeepCopy()); err != nil {
			errs = append(errs, fmt.Errorf("creating NetworkFence %s: %w", d.Create[i].Name, err))
		}
		networkFenceWritten.Hit("")
	}
	for i := range d.Delete {
		fence := &d.Delete[i]
		if fence.DeletionTimestamp != nil {
			continue
		}
		same := client.Preconditions{UID: &fence.UID, ResourceVersion: &fence.ResourceVersion}
		if err := k.local.Delete(ctx, fence.DeepCopy(), same); client.IgnoreNotFound(err) != nil {
			errs = append(errs, fmt.Errorf("deleting NetworkFence %s: %w", fence.Name, err))
		}
		networkFenceWritten.Hit("")
	}
	return errors.Join(errs...)
}

// tell reports to the hub, unless it knows.
func (k *Keeper) tell(ctx context.Context, config *v1alpha1.DRClusterConfig, reports []v1alpha1.FenceReport) error {
	if apiequality.Semantic.DeepEqual(reports, config.Status.Fences) {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"fences": reports}})
	if err != nil {
		return err
	}
	fenceReport.Hit("")
	_, err = k.hub.DrV1alpha1().DRClusterConfigs().Patch(ctx, k.cluster, types.MergePatchType, patch,
		metav1.PatchOptions{FieldManager: mark.Agent}, "status")
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("reporting fences in DRClusterConfig %s: %w", k.cluster, err)
	}
	return nil
}
