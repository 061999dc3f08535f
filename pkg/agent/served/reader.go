// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package served

import (
	"context"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// Get implements client.Reader.
func (k *Kinds) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	if err := k.readable(object); err != nil {
		return err
	}
	return k.cache.Get(ctx, key, object, options...)
}

// List implements client.Reader.
func (k *Kinds) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	if err := k.readable(list); err != nil {
		return err
	}
	return k.cache.List(ctx, list, options...)
}

// readable refuses what the cache would wait for in vain.
func (k *Kinds) readable(object runtime.Object) error {
	kind, err := apiutil.GVKForObject(object, k.scheme)
	if err != nil {
		return err
	}
	kind.Kind = strings.TrimSuffix(kind.Kind, "List")
	for _, w := range k.all() {
		if w.knows(kind) {
			if version, ok := w.Version(); !ok || version != kind {
				return &meta.NoKindMatchError{GroupKind: kind.GroupKind(), SearchedVersions: []string{kind.Version}}
			}
		}
	}
	return nil
}

func (w *Kind) knows(kind schema.GroupVersionKind) bool {
	for _, v := range w.versions {
		if v.kind == kind {
			return true
		}
	}
	return false
}
