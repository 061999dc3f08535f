// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/tools/cache"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/generated/informers/externalversions"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// view is what the hub says of all placements, actions and clusters, by one watch of each kind, so that waiting for many
// applications costs the hub nothing that grows with their number.
type view struct {
	placements, actions, clusters cache.Store

	mu      sync.Mutex
	changed chan struct{}
}

// newView follows the hub until the context ends.
func newView(ctx context.Context, hub *framework.Identity) (*view, error) {
	factory := externalversions.NewSharedInformerFactory(hub.DR, 0)
	kinds := factory.Dr().V1alpha1()
	informers := []cache.SharedIndexInformer{
		kinds.DRPlacementControls().Informer(), kinds.DRActions().Informer(), kinds.DRClusters().Informer(),
	}
	v := &view{
		placements: informers[0].GetStore(), actions: informers[1].GetStore(), clusters: informers[2].GetStore(),
		changed: make(chan struct{}),
	}
	for _, informer := range informers {
		if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: func(any) { v.wake() }, UpdateFunc: func(any, any) { v.wake() }, DeleteFunc: func(any) { v.wake() },
		}); err != nil {
			return nil, err
		}
	}
	factory.Start(ctx.Done())
	for kind, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return nil, fmt.Errorf("the hub does not list %s: %w", kind, ctx.Err())
		}
	}
	return v, nil
}

// wake lets everybody who waits look again.
func (v *view) wake() {
	v.mu.Lock()
	defer v.mu.Unlock()
	close(v.changed)
	v.changed = make(chan struct{})
}

// await returns once reached does so with true; what it says otherwise is in the error if the context ends first.
func (v *view) await(ctx context.Context, reached func() (bool, string, error)) error {
	for {
		v.mu.Lock()
		changed := v.changed
		v.mu.Unlock()
		done, seen, err := reached()
		if done || err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%w; last seen: %s", ctx.Err(), seen)
		}
	}
}

// awaitAction returns the action once it has succeeded; ending otherwise is an error.
func (v *view) awaitAction(ctx context.Context, namespace, name string) (*v1alpha1.DRAction, error) {
	var action *v1alpha1.DRAction
	ended := framework.Ended(v1alpha1.ReasonSucceeded)
	err := v.await(ctx, func() (bool, string, error) {
		object, found, _ := v.actions.GetByKey(namespace + "/" + name)
		if !found {
			return false, "there is no DRAction yet", nil
		}
		action = object.(*v1alpha1.DRAction)
		return ended.Reached(action)
	})
	if err != nil {
		err = fmt.Errorf("DRAction %s/%s: %w", namespace, name, err)
	}
	return action, err
}

// awaitPlacement waits until a placement is as wanted.
func (v *view) awaitPlacement(ctx context.Context, app *framework.App, wanted framework.Wanted[*v1alpha1.DRPlacementControl]) error {
	err := v.await(ctx, func() (bool, string, error) {
		object, found, _ := v.placements.GetByKey(app.Namespace + "/" + app.Name)
		if !found {
			return false, "it does not exist", nil
		}
		return wanted.Reached(object.(*v1alpha1.DRPlacementControl))
	})
	if err != nil {
		return fmt.Errorf("DRPlacementControl %s is not %s: %w", app.Namespace, wanted.What, err)
	}
	return nil
}

// awaitConnected waits until a cluster's agent is connected, or is not.
func (v *view) awaitConnected(ctx context.Context, cluster string, connected bool) error {
	return v.await(ctx, func() (bool, string, error) {
		object, found, _ := v.clusters.GetByKey(cluster)
		if !found {
			return false, "there is no DRCluster " + cluster, nil
		}
		dr := object.(*v1alpha1.DRCluster)
		is := meta.IsStatusConditionTrue(dr.Status.Conditions, v1alpha1.ConditionConnected)
		return is == connected, framework.Describe(dr), nil
	})
}
