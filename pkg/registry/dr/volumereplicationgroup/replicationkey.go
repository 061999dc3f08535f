// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volumereplicationgroup

import (
	"cmp"
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Keys makes the key of an application.
type Keys interface {
	Of(ctx context.Context, application types.NamespacedName) (string, error)
}

// KeyREST serves the key of a group's application. It is computed and kept nowhere.
type KeyREST struct {
	groups *genericregistry.Store
	keys   Keys
}

var (
	_ rest.Storage = &KeyREST{}
	_ rest.Getter  = &KeyREST{}
)

// NewKeyREST returns the subresource of the groups of main. It has no keys before Use.
func NewKeyREST(main *REST) *KeyREST { return &KeyREST{groups: main.Store} }

// Use says who makes keys. It is called before anything is served.
func (r *KeyREST) Use(keys Keys) { r.keys = keys }

// New returns an empty key.
func (*KeyREST) New() runtime.Object { return &dr.ReplicationKey{} }

// Destroy does nothing: the groups' storage cleans up.
func (*KeyREST) Destroy() {}

// Get returns the key that all groups of the application share.
func (r *KeyREST) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	obj, err := r.groups.Get(ctx, name, options)
	if err != nil {
		return nil, err
	}
	if r.keys == nil {
		return nil, apierrors.NewServiceUnavailable("this server makes no replication keys")
	}
	group := obj.(*dr.VolumeReplicationGroup)
	application := types.NamespacedName{
		Namespace: group.Namespace,
		Name:      cmp.Or(group.Labels[v1alpha1.LabelDRPlacementControl], group.Name),
	}
	key, err := r.keys.Of(ctx, application)
	if err != nil {
		return nil, apierrors.NewInternalError(fmt.Errorf("the replication key of %s: %w", application, err))
	}
	return &dr.ReplicationKey{ObjectMeta: metav1.ObjectMeta{Namespace: group.Namespace, Name: group.Name}, Key: key}, nil
}
