// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/generated/clientset/versioned"
	"github.com/ramendr/dr-apiserver/pkg/kubectl/follow"
	"github.com/ramendr/dr-apiserver/test/playground/layout"
)

// Names of the two DRActions.
const (
	failoverName = "dr1-is-lost"
	relocateName = "back-home"
)

func credentials(root layout.Root, who actor) (*rest.Config, error) {
	return clientcmd.BuildConfigFromFlags("", root.Kubeconfig(string(who)))
}

func drClient(root layout.Root, who actor) (versioned.Interface, error) {
	config, err := credentials(root, who)
	if err != nil {
		return nil, err
	}
	return versioned.NewForConfig(config)
}

// awaitCondition waits, as the owner, for a condition of the DRPlacementControl.
func (d *demo) awaitCondition(ctx context.Context, condition string, timeout time.Duration) error {
	_, err := d.stage.kubectl(ctx, tenant, "", "wait", "--for=condition="+condition, "drpc/"+app, "-n", app, "--timeout", timeout.String())
	return err
}

// awaitDisconnected waits until the hub no longer hears of a cluster's agent.
func (d *demo) awaitDisconnected(ctx context.Context, cluster string) error {
	client, err := drClient(d.stage.root, admin)
	if err != nil {
		return err
	}
	began := time.Now()
	err = follow.Object(ctx, client.DrV1alpha1().DRClusters().Watch, cluster, func(c *v1alpha1.DRCluster) (bool, error) {
		return !meta.IsStatusConditionTrue(c.Status.Conditions, v1alpha1.ConditionConnected), nil
	}, nil)
	if err != nil {
		return fmt.Errorf("waiting until DRCluster %s is not Connected: %w", cluster, err)
	}
	d.stage.say("DRCluster %s is not Connected, %s after it was lost", cluster, short(time.Since(began)))
	return nil
}

// awaitState waits, as the owner, until a cluster confirms a role in the present epoch.
func (d *demo) awaitState(ctx context.Context, cluster string, state v1alpha1.VolumeReplicationGroupState) error {
	client, err := drClient(d.stage.root, tenant)
	if err != nil {
		return err
	}
	seen := "nothing"
	err = follow.Object(ctx, client.DrV1alpha1().DRPlacementControls(app).Watch, app, func(drpc *v1alpha1.DRPlacementControl) (bool, error) {
		for _, view := range drpc.Status.Clusters {
			if view.Name == cluster {
				seen = fmt.Sprintf("%s in epoch %d of %d: %s", view.State, view.Epoch, drpc.Status.Epoch, view.Message)
				return view.State == state && view.Epoch == drpc.Status.Epoch, nil
			}
		}
		return false, nil
	}, nil)
	if err != nil {
		return fmt.Errorf("waiting until %s is %s: it was %s: %w", cluster, state, seen, err)
	}
	d.stage.say("%s is %s", cluster, state)
	return nil
}

func (d *demo) readAction(ctx context.Context, name string) (*v1alpha1.DRAction, error) {
	client, err := drClient(d.stage.root, tenant)
	if err != nil {
		return nil, err
	}
	return client.DrV1alpha1().DRActions(app).Get(ctx, name, metav1.GetOptions{})
}
