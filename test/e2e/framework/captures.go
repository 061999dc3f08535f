// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package framework

import (
	"context"
	"path"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/config"
	"github.com/ramendr/dr-apiserver/pkg/objectstore"
	"github.com/ramendr/dr-apiserver/test/playground/component"
)

// Stores are the playground's object stores, one for each managed cluster, as the hub reaches them.
func (p *Playground) Stores(ctx context.Context) (map[string]objectstore.Store, error) {
	profiles, err := config.Open(component.Cluster{Root: p.Root, Name: Hub}.RamenConfig())
	if err != nil {
		return nil, err
	}
	secrets := objectstore.SecretGetterFunc(func(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
		return p.Hub.Kube.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	})
	provider := objectstore.NewProvider(profiles, secrets, component.SystemNamespace)
	stores := map[string]objectstore.Store{}
	for cluster := range p.Managed {
		if stores[cluster], err = provider.Store(ctx, component.Profile(cluster)); err != nil {
			return nil, err
		}
	}
	return stores, nil
}

// LastCapture returns the keys of the objects that the application's newest capture in a store has.
func (a *App) LastCapture(ctx context.Context, store objectstore.Store) ([]string, error) {
	keys, err := store.List(ctx, path.Join(a.Namespace, a.Name)+"/")
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	last := path.Dir(keys[len(keys)-1]) + "/"
	return store.List(ctx, last)
}
