// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package sampleapp deploys the sample application: a StatefulSet with volumes, a ConfigMap, a Secret and a Service.
package sampleapp

import (
	"context"
	"crypto/rand"
	_ "embed"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/ramendr/dr-apiserver/test/playground/objects"
)

//go:embed app.yaml
var manifests string

const (
	// node that the application's pod runs on.
	node = "node-0"
	// timeout of Deploy for one application.
	timeout = 2 * time.Minute
)

// Options of an application.
type Options struct {
	// Name of the application: of its namespace, of most of its objects, and of the label app on all of them.
	Name string
	// Volumes is how many it has.
	Volumes int
	// StorageClass of the volumes. Several, with commas in between, take turns.
	StorageClass string
	// Together makes it write each record to all its volumes at once.
	Together bool
}

// volume of the application.
type volume struct{ Name, Class string }

// Deploy applies the application to a cluster, in a namespace that it makes there and on the hub.
func Deploy(ctx context.Context, hub, cluster *rest.Config, options Options) error {
	classes := strings.Split(options.StorageClass, ",")
	var volumes []volume
	for i := range options.Volumes {
		volumes = append(volumes, volume{Name: fmt.Sprintf("data-%d", i), Class: classes[i%len(classes)]})
	}
	rendered, err := objects.Render(manifests, map[string]any{
		"Name": options.Name, "Volumes": volumes, "Together": options.Together,
		"Node": node, "Password": rand.Text(),
	})
	if err != nil {
		return err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error { return ensureNamespace(groupCtx, hub, options.Name) })
	group.Go(func() error { return ensureNamespace(groupCtx, cluster, options.Name) })
	if err := group.Wait(); err != nil {
		return err
	}
	applier, err := objects.NewApplier(cluster)
	if err != nil {
		return err
	}
	return applier.Apply(ctx, rendered)
}

// AwaitRunning returns when the application's pods run.
func AwaitRunning(ctx context.Context, cluster *rest.Config, name string) error {
	client, err := kubernetes.NewForConfig(cluster)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	state := "there is no pod yet"
	err = wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		pods, err := client.CoreV1().Pods(name).List(ctx, metav1.ListOptions{LabelSelector: "app=" + name})
		if err != nil {
			return false, nil
		}
		for _, pod := range pods.Items {
			state = fmt.Sprintf("pod %s is %s", pod.Name, pod.Status.Phase)
			if pod.Status.Phase == corev1.PodRunning && pod.DeletionTimestamp == nil {
				return true, nil
			}
		}
		return false, nil
	})
	if err != nil {
		return fmt.Errorf("the application %s does not run: %s", name, state)
	}
	return nil
}

func ensureNamespace(ctx context.Context, config *rest.Config, name string) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	_, err = client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
