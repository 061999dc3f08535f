// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/ramendr/dr-apiserver/test/playground/layout"
)

// configuration is what the application's ConfigMaps and Secrets hold, by name.
type configuration struct {
	configMaps map[string]map[string]string
	secrets    map[string]map[string][]byte
}

func readConfiguration(ctx context.Context, root layout.Root, where actor) (configuration, error) {
	read := configuration{configMaps: map[string]map[string]string{}, secrets: map[string]map[string][]byte{}}
	config, err := credentials(root, where)
	if err != nil {
		return read, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return read, err
	}
	ours := metav1.ListOptions{LabelSelector: "app=" + app}
	configMaps, err := client.CoreV1().ConfigMaps(app).List(ctx, ours)
	if err != nil {
		return read, err
	}
	for _, item := range configMaps.Items {
		read.configMaps[item.Name] = item.Data
	}
	secrets, err := client.CoreV1().Secrets(app).List(ctx, ours)
	if err != nil {
		return read, err
	}
	for _, item := range secrets.Items {
		read.secrets[item.Name] = item.Data
	}
	return read, nil
}

// compare tells what is missing or different in after.
func (before configuration) compare(after configuration) error {
	if len(before.configMaps) == 0 || len(before.secrets) == 0 {
		return errors.New("the application had no ConfigMap or no Secret to begin with")
	}
	var wrong []error
	for name, data := range before.configMaps {
		if !reflect.DeepEqual(data, after.configMaps[name]) {
			wrong = append(wrong, fmt.Errorf("ConfigMap %s is missing or differs: %v, was %v", name, after.configMaps[name], data))
		}
	}
	for name, data := range before.secrets {
		if !reflect.DeepEqual(data, after.secrets[name]) {
			wrong = append(wrong, fmt.Errorf("Secret %s is missing or differs", name))
		}
	}
	return errors.Join(wrong...)
}

// awaitRunning waits until every pod of the application runs, and shows what there is.
func (d *demo) awaitRunning(ctx context.Context, where actor) error {
	if _, err := d.stage.kubectl(ctx, where, "", "rollout", "status", "statefulset", "-l", "app="+app, "-n", app, "--timeout", "60s"); err != nil {
		return err
	}
	_, err := d.stage.kubectl(ctx, where, "", "get", "statefulset,pod,pvc,configmap,secret,service", "-l", "app="+app, "-n", app)
	return err
}

// arrive checks that the application is all there on a cluster and goes on writing.
func (d *demo) arrive(ctx context.Context, where actor) error {
	if err := d.awaitRunning(ctx, where); err != nil {
		return err
	}
	after, err := readConfiguration(ctx, d.stage.root, where)
	if err != nil {
		return err
	}
	if err := d.before.compare(after); err != nil {
		return err
	}
	d.stage.say("ConfigMap and Secret hold what they held before")
	return d.awaitWriting(ctx, where)
}
