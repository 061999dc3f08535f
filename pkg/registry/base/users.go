// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package base

import (
	"context"

	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/runtime"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
)

// Users returns the error with which the deletion of an object is refused while others use it, nil if nobody does.
type Users func(ctx context.Context, obj runtime.Object) error

// Refuse adds to the validation of a deletion that nobody may use the object.
func (u Users) Refuse(next rest.ValidateObjectFunc) rest.ValidateObjectFunc {
	return func(ctx context.Context, obj runtime.Object) error {
		if next != nil {
			if err := next(ctx, obj); err != nil {
				return err
			}
		}
		return u(ctx, obj)
	}
}

// ListAll lists the objects of every namespace, whatever the request in ctx is about.
func ListAll(ctx context.Context, lister rest.Lister) (runtime.Object, error) {
	return lister.List(genericapirequest.WithNamespace(ctx, ""), &metainternalversion.ListOptions{})
}
