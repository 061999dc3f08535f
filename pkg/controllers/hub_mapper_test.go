// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

func TestControllersKnowEveryKindThatIsStored(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	mapper, err := newMapper(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	computed := []string{"ProtectedVolume", "ReplicationGroupSource", "ReplicationGroupDestination"}
	kinds := scheme.KnownTypes(v1alpha1.SchemeGroupVersion)
	for list := range kinds {
		kind, isList := strings.CutSuffix(list, "List")
		if _, there := kinds[kind]; !isList || !there || slices.Contains(computed, kind) {
			continue
		}
		if _, err := mapper.RESTMapping(v1alpha1.SchemeGroupVersion.WithKind(kind).GroupKind(), v1alpha1.SchemeGroupVersion.Version); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
