// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	drclient "github.com/ramendr/dr-apiserver/pkg/generated/clientset/versioned/typed/dr/v1alpha1"
)

// failover is one application to fail over, and how.
type failover struct {
	placements drclient.DRPlacementControlInterface
	actions    drclient.DRActionInterface
	placement  string
	request    v1alpha1.DRAction
}

// plan asks the server what the failover would do. What the real one would be refused for, this is refused for too.
func (f *failover) plan(ctx context.Context) (*v1alpha1.DRAction, error) {
	return f.placements.Failover(ctx, f.placement, f.request.DeepCopy(), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
}

// begin fails over. If the answer is lost nobody knows whether it began, but the request has a name: asked again, the
// server answers with the same DRAction.
func (f *failover) begin(ctx context.Context) (action *v1alpha1.DRAction, err error) {
	backoff := wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Jitter: 0.1, Steps: 8}
	waited := wait.ExponentialBackoffWithContext(ctx, backoff, func(ctx context.Context) (bool, error) {
		action, err = f.placements.Failover(ctx, f.placement, f.request.DeepCopy(), metav1.CreateOptions{})
		return err == nil || answered(err), nil
	})
	if err == nil {
		err = waited
	}
	return action, err
}

// answered tells a server that refuses from one that can't be reached, is starting or is overloaded.
func answered(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return false
	}
	return status.Status().Code < 500 && !apierrors.IsTooManyRequests(err) && !apierrors.IsTimeout(err)
}

// follow reports each step as it changes and returns the DRAction once it has ended. UntilWithSync lists and watches anew
// whenever a watch ends, however it ends.
func (f *failover) follow(ctx context.Context, name string, out io.Writer) (*v1alpha1.DRAction, error) {
	only := fields.OneTermEqualSelector(metav1.ObjectNameField, name).String()
	source := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.FieldSelector = only
			return f.actions.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.FieldSelector = only
			return f.actions.Watch(ctx, options)
		},
	}
	said := map[v1alpha1.StepName]string{}
	last, err := watchtools.UntilWithSync(ctx, source, &v1alpha1.DRAction{}, nil, func(event watch.Event) (bool, error) {
		action, ok := event.Object.(*v1alpha1.DRAction)
		if !ok || event.Type == watch.Deleted {
			return false, fmt.Errorf("DRAction %s: %s", name, event.Type)
		}
		for _, step := range action.Status.Steps {
			if line := fmt.Sprintf("%s on %s: %s %s", step.Name, step.Cluster, step.State, step.Message); said[step.Name] != line {
				said[step.Name] = line
				fmt.Fprintln(out, line)
			}
		}
		return meta.IsStatusConditionTrue(action.Status.Conditions, v1alpha1.ConditionComplete), nil
	})
	if err != nil {
		return nil, err
	}
	return last.Object.(*v1alpha1.DRAction), nil
}

// lossAbove tells whether a plan gives up more than the limit, if there is one. A window that nobody knows has no end.
func lossAbove(plan *v1alpha1.DRAction, limit time.Duration) bool {
	window := plan.Status.DataLossWindow
	return limit > 0 && (window == nil || window.Duration.Duration > limit)
}
