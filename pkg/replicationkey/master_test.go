// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package replicationkey

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
)

var shop = types.NamespacedName{Namespace: "shop", Name: "shop"}

func TestReplicasAndARestartedServerMakeTheSameKeys(t *testing.T) {
	secrets := fake.NewClientset().CoreV1().Secrets("dr-system")
	first, err := NewMaster(secrets).Of(t.Context(), shop)
	if err != nil || len(first) != 64 {
		t.Fatalf("%q, %v", first, err)
	}
	again, err := NewMaster(secrets).Of(t.Context(), shop)
	if err != nil || again != first {
		t.Errorf("another server makes %q, %v", again, err)
	}
}

func TestEachApplicationHasItsOwnKey(t *testing.T) {
	m := NewMaster(fake.NewClientset().CoreV1().Secrets("dr-system"))
	seen := map[string]types.NamespacedName{}
	for _, a := range []types.NamespacedName{shop, {Namespace: "shop", Name: "other"}, {Namespace: "other", Name: "shop"}} {
		key, err := m.Of(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		if b, there := seen[key]; there {
			t.Errorf("%s and %s have the same key", a, b)
		}
		seen[key] = a
	}
}

func TestAMasterKeyThatIsNoneIsNotUsed(t *testing.T) {
	m := NewMaster(fake.NewClientset(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "dr-system", Name: Secret}, Data: map[string][]byte{Field: []byte("short")},
	}).CoreV1().Secrets("dr-system"))
	if _, err := m.Of(t.Context(), shop); err == nil || !strings.Contains(err.Error(), Secret) {
		t.Error(err)
	}
}
