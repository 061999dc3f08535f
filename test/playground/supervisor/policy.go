// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package supervisor

import (
	"context"
	_ "embed"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/ramendr/dr-apiserver/test/playground/component"
	"github.com/ramendr/dr-apiserver/test/playground/objects"
)

//go:embed manifests/policy.yaml
var policyManifests string

const policyName = "dr-policy"

var regions = map[string]string{"dr1": "east", "dr2": "west"}

var (
	drClusters = schema.GroupVersionResource{Group: "dr.ramen.io", Version: "v1alpha1", Resource: "drclusters"}
	drPolicies = schema.GroupVersionResource{Group: "dr.ramen.io", Version: "v1alpha1", Resource: "drpolicies"}
)

// ensurePolicy makes the DRClusters and the DRPolicy and waits until all are ready.
func (s *Supervisor) ensurePolicy(ctx context.Context, report Progress) error {
	applier, err := s.clusters[hub].applier()
	if err != nil {
		return err
	}
	if err := applyPolicy(ctx, applier); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, objectTimeout)
	defer cancel()
	group, groupCtx := errgroup.WithContext(ctx)
	for _, name := range managedClusters {
		for _, condition := range []string{"Validated", "Connected"} {
			group.Go(func() error { return applier.AwaitCondition(groupCtx, drClusters, "", name, condition) })
		}
	}
	group.Go(func() error { return applier.AwaitCondition(groupCtx, drPolicies, "", policyName, "Validated") })
	if err := group.Wait(); err != nil {
		return err
	}
	report("hub  DRClusters dr1 and dr2 and DRPolicy %s are ready", policyName)
	return nil
}

// applyPolicy makes the DRClusters and the DRPolicy.
func applyPolicy(ctx context.Context, applier *objects.Applier) error {
	var clusters []map[string]string
	for _, name := range managedClusters {
		clusters = append(clusters, map[string]string{
			"Name": name, "Region": regions[name], "Profile": component.Profile(name),
		})
	}
	manifests, err := objects.Render(policyManifests, map[string]any{"Clusters": clusters, "Policy": policyName})
	if err != nil {
		return err
	}
	return applier.Apply(ctx, manifests)
}
