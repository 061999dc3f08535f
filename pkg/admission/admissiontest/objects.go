// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package admissiontest holds what tests of the admission plugins have in common.
package admissiontest

import (
	"context"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Objects are the DRPolicies, each with its clusters, and the DRClusters there are. If Err is set it is the answer to everything.
type Objects struct {
	Policies map[string][]string
	Names    []string
	Err      error
}

// Policy returns the policy of that name.
func (o Objects) Policy(_ context.Context, name string) (*dr.DRPolicy, error) {
	clusters, ok := o.Policies[name]
	switch {
	case o.Err != nil:
		return nil, o.Err
	case !ok:
		return nil, apierrors.NewNotFound(dr.Resource("drpolicies"), name)
	}
	return &dr.DRPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: dr.DRPolicySpec{DRClusters: clusters}}, nil
}

// Cluster returns the cluster of that name.
func (o Objects) Cluster(ctx context.Context, name string) (*dr.DRCluster, error) {
	clusters, err := o.Clusters(ctx)
	for i := range clusters {
		if clusters[i].Name == name {
			return &clusters[i], nil
		}
	}
	if err == nil {
		err = apierrors.NewNotFound(dr.Resource("drclusters"), name)
	}
	return nil, err
}

// Clusters returns all clusters.
func (o Objects) Clusters(context.Context) ([]dr.DRCluster, error) {
	clusters := make([]dr.DRCluster, 0, len(o.Names))
	for _, name := range o.Names {
		clusters = append(clusters, dr.DRCluster{ObjectMeta: metav1.ObjectMeta{Name: name}})
	}
	return clusters, o.Err
}

// Allowing returns an authorizer that allows what the keys say, as "<verb> <resource> <namespace>/<name>". Where there is an
// error for a key it can't be found out; about anything else it has no opinion.
func Allowing(rules map[string]error) authorizer.Authorizer {
	return authorizer.AuthorizerFunc(func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
		err, ok := rules[a.GetVerb()+" "+a.GetResource()+" "+a.GetNamespace()+"/"+a.GetName()]
		if !ok || err != nil || a.GetUser().GetName() != User {
			return authorizer.DecisionNoOpinion, "", err
		}
		return authorizer.DecisionAllow, "", nil
	})
}

// User is who writes.
const User = "ada"

// Object is what is written.
type Object interface {
	comparable
	runtime.Object
	metav1.Object
}

// Attributes are those of a create of obj or, if old is not nil, an update.
func Attributes[O Object](resource string, obj, old O) admission.Attributes {
	operation, options, before := admission.Create, runtime.Object(&metav1.CreateOptions{}), runtime.Object(nil)
	if old != *new(O) {
		operation, options, before = admission.Update, &metav1.UpdateOptions{}, old
	}
	return admission.NewAttributesRecord(obj, before, v1alpha1.SchemeGroupVersion.WithKind("Any"), obj.GetNamespace(), obj.GetName(),
		v1alpha1.SchemeGroupVersion.WithResource(resource), "", operation, options, false, &user.DefaultInfo{Name: User})
}

// Expect compares what a plugin answered: nothing, or an error that says everything wanted.
func Expect(t *testing.T, err error, wanted []string) {
	t.Helper()
	if err == nil && len(wanted) > 0 {
		t.Errorf("admitted, wanted %q", wanted)
	}
	if err != nil && len(wanted) == 0 {
		t.Errorf("refused: %v", err)
	}
	for _, part := range wanted {
		if err != nil && !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}

// Warnings are what a plugin warned of.
type Warnings []string

// AddWarning notes a warning.
func (w *Warnings) AddWarning(_, text string) { *w = append(*w, text) }

// Expect wants exactly one warning, which says everything wanted.
func (w *Warnings) Expect(t *testing.T, wanted ...string) {
	t.Helper()
	if len(*w) != 1 {
		t.Fatalf("warned of %q", *w)
	}
	for _, part := range wanted {
		if !strings.Contains((*w)[0], part) {
			t.Errorf("%q does not say %q", (*w)[0], part)
		}
	}
}
