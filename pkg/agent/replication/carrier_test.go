// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package replication

import (
	"context"
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

// carrying is a backend that carries one object for each of its volumes.
type carrying struct {
	Backend
	method   v1alpha1.ReplicationMethod
	received []archive.Object
	err      error
}

func (c *carrying) Method() v1alpha1.ReplicationMethod { return c.method }

func (c *carrying) Carried(_ context.Context, volumes []Volume) ([]archive.Object, error) {
	var out []archive.Object
	for _, v := range volumes {
		out = append(out, archive.Object{Resource: v.PVC.Name})
	}
	return out, c.err
}

func (c *carrying) Receive(_ context.Context, _ Rules, carried []archive.Object, _ sets.Set[string]) error {
	c.received = carried
	return c.err
}

// plain is a backend that needs nothing carried.
type plain struct{ Backend }

func (plain) Method() v1alpha1.ReplicationMethod { return v1alpha1.MethodVolumeReplication }

func TestWhatIsCarriedIsOfEachBackendsOwnVolumes(t *testing.T) {
	groups := &carrying{method: v1alpha1.MethodVolumeGroupReplication}
	backends := Backends{plain{}, groups}
	named := func(name string) []Volume {
		pvc := &corev1.PersistentVolumeClaim{}
		pvc.Name = name
		return []Volume{{PVC: pvc}}
	}
	carried, err := backends.Carried(t.Context(), map[v1alpha1.ReplicationMethod][]Volume{
		v1alpha1.MethodVolumeReplication: named("alone"), v1alpha1.MethodVolumeGroupReplication: named("together"),
	})
	if err != nil || len(carried) != 1 || carried[0].Resource != "together" {
		t.Errorf("%v, %v", carried, err)
	}
	if err := backends.Receive(t.Context(), Rules{}, carried, nil); err != nil || len(groups.received) != 1 {
		t.Errorf("%v, %v", groups.received, err)
	}
	groups.err = errors.New("broken")
	if err := backends.Receive(t.Context(), Rules{}, carried, nil); !errors.Is(err, groups.err) {
		t.Errorf("%v", err)
	}
}
