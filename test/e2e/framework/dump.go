// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package framework

import (
	"context"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// dumped are the kinds to look at when a spec has failed.
var dumped = map[string][]schema.GroupVersionResource{
	Hub: {
		{Group: "dr.ramen.io", Version: "v1alpha1", Resource: "drplacementcontrols"},
		{Group: "dr.ramen.io", Version: "v1alpha1", Resource: "volumereplicationgroups"},
		{Group: "dr.ramen.io", Version: "v1alpha1", Resource: "dractions"},
	},
	DR1: managedDump,
	DR2: managedDump,
}

var managedDump = []schema.GroupVersionResource{
	VolumeReplications,
	{Version: "v1", Resource: "persistentvolumeclaims"},
	{Group: "apps", Version: "v1", Resource: "statefulsets"},
}

// Dump returns what is known of the application on all clusters, for whoever has to find out why a test failed.
func (a *App) Dump(ctx context.Context) string {
	var out strings.Builder
	for _, cluster := range []string{Hub, DR1, DR2} {
		identity := a.Managed[cluster]
		if cluster == Hub {
			identity = a.Hub
		}
		for _, resource := range dumped[cluster] {
			list, err := identity.Dynamic.Resource(resource).Namespace(a.Namespace).List(ctx, metav1.ListOptions{})
			if err != nil {
				fmt.Fprintf(&out, "--- %s %s: %v\n", cluster, resource.Resource, err)
				continue
			}
			for _, item := range list.Items {
				item.SetManagedFields(nil)
				content, _ := yaml.Marshal(item.Object)
				fmt.Fprintf(&out, "--- %s %s %s\n%s", cluster, resource.Resource, item.GetName(), content)
			}
		}
	}
	return out.String()
}
