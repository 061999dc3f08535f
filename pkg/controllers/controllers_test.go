// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"testing"
	"testing/synctest"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/event"
)

func TestChangesReachWhoeverListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChanges()
		// Nobody listens yet, and noting does not wait.
		for range 3 {
			c.note("dr1")
		}
		ctx, cancel := context.WithCancel(t.Context())
		events := make(chan event.GenericEvent, 10)
		go c.forward(ctx, events)
		synctest.Wait()
		if len(events) != 1 || (<-events).Object.GetName() != "dr1" {
			t.Errorf("a change noted several times arrived %d times more", len(events))
		}
		c.note("dr1")
		c.note("dr2")
		synctest.Wait()
		if len(events) != 2 {
			t.Errorf("%d changes arrived, want 2", len(events))
		}
		cancel()
		synctest.Wait()

		again := make(chan event.GenericEvent, 10)
		go c.forward(t.Context(), again)
		c.note("dr2")
		synctest.Wait()
		if len(again) != 1 {
			t.Errorf("the next run got %d changes, want 1", len(again))
		}
	})
}

func TestTheMapperKnowsTheServersResources(t *testing.T) {
	mapper, err := newMapper(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for kind, resource := range map[string]string{
		"DRPlacementControl": "drplacementcontrols", "DRAction": "dractions", "VolumeReplicationGroup": "volumereplicationgroups",
		"DRPolicy": "drpolicies", "DRCluster": "drclusters", "DRClusterConfig": "drclusterconfigs",
	} {
		mapping, err := mapper.RESTMapping(schema.GroupKind{Group: "dr.ramen.io", Kind: kind}, "v1alpha1")
		if err != nil || mapping.Resource.Resource != resource {
			t.Errorf("%s: got %v, %v", kind, mapping, err)
		}
	}
}
