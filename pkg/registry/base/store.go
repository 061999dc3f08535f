// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package base

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/client-go/tools/cache"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
)

// MainStrategy is what a kind's own strategy, not that of a subresource, has to be.
type MainStrategy interface {
	rest.RESTCreateStrategy
	rest.RESTUpdateStrategy
	rest.RESTDeleteStrategy
	rest.ResetFieldsStrategy
}

// StatusStrategy is what the strategy of a status subresource has to be.
type StatusStrategy interface {
	rest.RESTUpdateStrategy
	rest.ResetFieldsStrategy
}

// Kind describes a kind to NewStore.
type Kind struct {
	// Plural and Singular are the resource's names.
	Plural, Singular string
	// New and NewList return empty objects.
	New, NewList func() runtime.Object
	// Strategy of the kind itself.
	Strategy MainStrategy
	// Table renders it for people.
	Table rest.TableConvertor
	// Fields that can be selected on besides metadata.name and metadata.namespace, and where to find them.
	Fields map[string]func(runtime.Object) string
	// Indexed is one of Fields: watches that select on it cost nothing to anybody else.
	Indexed string
}

// NewStore returns the store of a kind, backed by what getter says.
func NewStore(kind Kind, getter generic.RESTOptionsGetter) (*genericregistry.Store, error) {
	store := &genericregistry.Store{
		NewFunc:                   kind.New,
		NewListFunc:               kind.NewList,
		DefaultQualifiedResource:  dr.Resource(kind.Plural),
		SingularQualifiedResource: dr.Resource(kind.Singular),
		PredicateFunc:             kind.predicate,
		CreateStrategy:            kind.Strategy,
		UpdateStrategy:            kind.Strategy,
		DeleteStrategy:            kind.Strategy,
		ResetFieldsStrategy:       kind.Strategy,
		TableConvertor:            kind.Table,
	}
	options := &generic.StoreOptions{RESTOptions: getter, AttrFunc: kind.attributes}
	if kind.Indexed != "" {
		value := kind.Fields[kind.Indexed]
		options.TriggerFunc = storage.IndexerFuncs{kind.Indexed: value}
		options.Indexers = &cache.Indexers{storage.FieldIndex(kind.Indexed): func(obj any) ([]string, error) {
			typed, ok := obj.(runtime.Object)
			if !ok {
				return nil, fmt.Errorf("%T is no API object", obj)
			}
			return []string{value(typed)}, nil
		}}
	}
	if err := store.CompleteWithOptions(options); err != nil {
		return nil, fmt.Errorf("storage of %s: %w", kind.Plural, err)
	}
	return store, nil
}

func (k Kind) attributes(obj runtime.Object) (labels.Set, fields.Set, error) {
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return nil, nil, err
	}
	set := fields.Set{"metadata.name": accessor.GetName()}
	if k.Strategy.NamespaceScoped() {
		set["metadata.namespace"] = accessor.GetNamespace()
	}
	for name, value := range k.Fields {
		set[name] = value(obj)
	}
	return accessor.GetLabels(), set, nil
}

func (k Kind) predicate(label labels.Selector, field fields.Selector) storage.SelectionPredicate {
	predicate := storage.SelectionPredicate{Label: label, Field: field, GetAttrs: k.attributes}
	if k.Indexed != "" {
		predicate.IndexFields = []string{k.Indexed}
	}
	return predicate
}
