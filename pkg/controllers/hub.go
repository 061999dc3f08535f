// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/objectstore"
)

// buckets are the object stores of the configuration.
type buckets struct {
	provider objectstore.Provider
}

func newBuckets(c Config) (*buckets, error) {
	hub, err := kubernetes.NewForConfig(c.Hub)
	if err != nil {
		return nil, fmt.Errorf("creating a client of the hub: %w", err)
	}
	secrets := objectstore.SecretGetterFunc(func(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
		return hub.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	})
	return &buckets{provider: objectstore.NewProvider(c.Config, secrets, c.Namespace)}, nil
}

// CheckBucket finds out whether the bucket of a profile can be used.
func (b *buckets) CheckBucket(ctx context.Context, profile string) error {
	store, err := b.provider.Store(ctx, profile)
	if err != nil {
		return err
	}
	return store.CheckBucket(ctx)
}

// newMapper knows the resources of this server without asking for them.
func newMapper(*rest.Config, *http.Client) (meta.RESTMapper, error) {
	mapper := meta.NewDefaultRESTMapper([]schema.GroupVersion{v1alpha1.SchemeGroupVersion})
	for kind, scope := range map[string]meta.RESTScope{
		"DRPlacementControl":     meta.RESTScopeNamespace,
		"DRAction":               meta.RESTScopeNamespace,
		"VolumeReplicationGroup": meta.RESTScopeNamespace,
		"DRPolicy":               meta.RESTScopeRoot,
		"DRCluster":              meta.RESTScopeRoot,
		"DRClusterConfig":        meta.RESTScopeRoot,
		"MaintenanceMode":        meta.RESTScopeRoot,
	} {
		mapper.Add(v1alpha1.SchemeGroupVersion.WithKind(kind), scope)
	}
	return mapper, nil
}
