// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package base holds what is the same in the registries of all kinds.
package base

import (
	"context"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/operation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage/names"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/validation"
)

// Strategy answers what a kind's strategy need not decide for itself. It is embedded.
type Strategy struct {
	runtime.ObjectTyper
	names.NameGenerator
	rest.DeclarativeValidation

	namespaced bool
}

// NewStrategy returns what strategies of namespaced, or of cluster-scoped, kinds have in common.
func NewStrategy(scheme *runtime.Scheme, namespaced bool) Strategy {
	return Strategy{
		ObjectTyper:           scheme,
		NameGenerator:         names.SimpleNameGenerator,
		DeclarativeValidation: rest.DeclarativeValidation{Scheme: scheme},
		namespaced:            namespaced,
	}
}

// NamespaceScoped says whether objects of the kind live in namespaces.
func (s Strategy) NamespaceScoped() bool { return s.namespaced }

// AllowCreateOnUpdate is false: a PUT of what does not exist is an error. Server-side apply creates regardless.
func (Strategy) AllowCreateOnUpdate(context.Context) bool { return false }

// AllowUnconditionalUpdate lets users replace an object without naming its resourceVersion.
func (Strategy) AllowUnconditionalUpdate(context.Context) bool { return true }

// ValidateDeclaratively applies the rules that the tags on the types express, and says what to do about what they refuse.
func (s Strategy) ValidateDeclaratively(ctx context.Context, obj, old runtime.Object, errs field.ErrorList, op operation.Type,
	config rest.DeclarativeValidationConfig,
) field.ErrorList {
	kinds, _, err := s.ObjectKinds(obj)
	if err != nil {
		return append(errs, field.InternalError(nil, err))
	}
	declared := s.DeclarativeValidation.ValidateDeclaratively(ctx, obj, old, nil, op, config)
	if len(declared) == 0 {
		return errs
	}
	versioned, err := s.Scheme.ConvertToVersion(obj, v1alpha1.SchemeGroupVersion)
	if err != nil {
		return append(errs, field.InternalError(nil, err))
	}
	return append(errs, validation.WithRemedies(kinds[0].Kind, versioned, declared)...)
}

// Canonicalize changes nothing: there is one way to write each object.
func (Strategy) Canonicalize(runtime.Object) {}

// WarningsOnCreate has none.
func (Strategy) WarningsOnCreate(context.Context, runtime.Object) []string { return nil }

// WarningsOnUpdate has none.
func (Strategy) WarningsOnUpdate(context.Context, runtime.Object, runtime.Object) []string {
	return nil
}

// ResetFields says which fields, each by its path, a strategy sets back whatever a request says.
func ResetFields(paths ...[]any) map[fieldpath.APIVersion]*fieldpath.Set {
	set := fieldpath.NewSet()
	for _, path := range paths {
		set.Insert(fieldpath.MakePathOrDie(path...))
	}
	return map[fieldpath.APIVersion]*fieldpath.Set{fieldpath.APIVersion(v1alpha1.SchemeGroupVersion.String()): set}
}

// BumpGeneration counts up the generation if the spec changed.
func BumpGeneration(meta *metav1.ObjectMeta, old metav1.ObjectMeta, spec, oldSpec any) {
	meta.Generation = old.Generation
	if !apiequality.Semantic.DeepEqual(spec, oldSpec) {
		meta.Generation++
	}
}
