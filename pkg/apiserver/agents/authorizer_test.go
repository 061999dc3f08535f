// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agents

import (
	"context"
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

const agentOfDR1 = "system:serviceaccount:dr-agents:dr1"

// groups that there are, by name, and their clusters.
var groups = map[string]string{"shop.dr1": "dr1", "by-hand": "dr1", "shop.dr2": "dr2", "disguised.dr1": "dr2"}

func clusterOf(_ context.Context, _, name string) (string, error) {
	if name == "broken" {
		return "", errors.New("storage is down")
	}
	if cluster, ok := groups[name]; ok {
		return cluster, nil
	}
	return "", apierrors.NewNotFound(dr.Resource("volumereplicationgroups"), name)
}

func TestAuthorizer(t *testing.T) {
	const (
		allow = authorizer.DecisionAllow
		deny  = authorizer.DecisionDeny
		pass  = authorizer.DecisionNoOpinion
	)
	type request struct {
		user, verb, group, resource, subresource, name, selector string
	}
	vrg := func(verb, subresource, name string) request {
		return request{verb: verb, resource: "volumereplicationgroups", subresource: subresource, name: name}
	}
	list := func(verb, selector string) request {
		return request{verb: verb, resource: "volumereplicationgroups", selector: selector}
	}
	tests := map[string]struct {
		request request
		want    authorizer.Decision
	}{
		"lists its own groups":                  {list("list", "spec.clusterName=dr1"), allow},
		"watches its own groups":                {list("watch", "spec.clusterName=dr1"), allow},
		"watches its own groups and a name":     {list("watch", "metadata.name=x,spec.clusterName==dr1"), allow},
		"lists another cluster's groups":        {list("list", "spec.clusterName=dr2"), deny},
		"lists the groups of all other":         {list("list", "spec.clusterName!=dr1"), deny},
		"lists all groups":                      {list("list", ""), deny},
		"deletes all its groups":                {list("deletecollection", "spec.clusterName=dr1"), deny},
		"reads its own group":                   {vrg("get", "", "shop.dr1"), allow},
		"reads its own group made by hand":      {vrg("get", "", "by-hand"), allow},
		"reads another's group":                 {vrg("get", "", "shop.dr2"), deny},
		"reads another's group named like own":  {vrg("get", "", "disguised.dr1"), deny},
		"finds its own group missing":           {vrg("get", "", "gone.dr1"), allow},
		"asks whether another's group is there": {vrg("get", "", "gone.dr2"), deny},
		"takes its finalizer off":               {vrg("update", "", "shop.dr1"), allow},
		"takes its finalizer off by a patch":    {vrg("patch", "", "shop.dr1"), allow},
		"reports status":                        {vrg("update", "status", "shop.dr1"), allow},
		"reports status by a patch":             {vrg("patch", "status", "shop.dr1"), allow},
		"reports status of another's":           {vrg("patch", "status", "shop.dr2"), deny},
		"takes another's finalizer off":         {vrg("update", "", "shop.dr2"), deny},
		"gets its own group's key":              {vrg("get", "replicationkey", "shop.dr1"), allow},
		"gets another's group's key":            {vrg("get", "replicationkey", "shop.dr2"), deny},
		"gets a key by a name like its own":     {vrg("get", "replicationkey", "disguised.dr1"), deny},
		"writes a key":                          {vrg("update", "replicationkey", "shop.dr1"), deny},
		"creates a group":                       {vrg("create", "", ""), deny},
		"deletes its own group":                 {vrg("delete", "", "shop.dr1"), deny},
		"binds a group":                         {vrg("create", "binding", "shop.dr1"), deny},
		"asks while storage is down":            {vrg("get", "", "broken"), deny},

		"reads its own cluster":              {request{verb: "get", resource: "drclusters", name: "dr1"}, allow},
		"reads another cluster":              {request{verb: "get", resource: "drclusters", name: "dr2"}, deny},
		"lists clusters":                     {request{verb: "list", resource: "drclusters"}, deny},
		"writes its own cluster":             {request{verb: "update", resource: "drclusters", name: "dr1"}, deny},
		"writes its own cluster's status":    {request{verb: "patch", resource: "drclusters", subresource: "status", name: "dr1"}, deny},
		"creates its config":                 {request{verb: "create", resource: "drclusterconfigs"}, allow},
		"reads its config":                   {request{verb: "get", resource: "drclusterconfigs", name: "dr1"}, allow},
		"writes its config":                  {request{verb: "update", resource: "drclusterconfigs", name: "dr1"}, allow},
		"applies its config":                 {request{verb: "patch", resource: "drclusterconfigs", name: "dr1"}, allow},
		"writes its config's status":         {request{verb: "update", resource: "drclusterconfigs", subresource: "status", name: "dr1"}, allow},
		"creates its config's status":        {request{verb: "create", resource: "drclusterconfigs", subresource: "status", name: "dr1"}, deny},
		"writes another's config":            {request{verb: "update", resource: "drclusterconfigs", name: "dr2"}, deny},
		"writes another's config's status":   {request{verb: "patch", resource: "drclusterconfigs", subresource: "status", name: "dr2"}, deny},
		"deletes its config":                 {request{verb: "delete", resource: "drclusterconfigs", name: "dr1"}, deny},
		"lists its config":                   {request{verb: "list", resource: "drclusterconfigs", name: "dr1", selector: "metadata.name=dr1"}, allow},
		"watches its config":                 {request{verb: "watch", resource: "drclusterconfigs", name: "dr1", selector: "metadata.name=dr1"}, allow},
		"watches another's config":           {request{verb: "watch", resource: "drclusterconfigs", name: "dr2", selector: "metadata.name=dr2"}, deny},
		"fences another cluster off":         {request{verb: "create", resource: "drclusters", subresource: "fence", name: "dr2"}, deny},
		"lets itself back":                   {request{verb: "create", resource: "drclusters", subresource: "unfence", name: "dr1"}, deny},
		"reads maintenance modes":            {request{verb: "list", resource: "maintenancemodes", selector: "spec.clusterName=dr1"}, deny},
		"lists configs":                      {request{verb: "list", resource: "drclusterconfigs"}, deny},
		"reads a placement":                  {request{verb: "get", resource: "drplacementcontrols", name: "shop"}, deny},
		"fails an application over":          {request{verb: "create", resource: "drplacementcontrols", subresource: "failover", name: "shop"}, deny},
		"reads policies":                     {request{verb: "list", resource: "drpolicies"}, deny},
		"reads actions":                      {request{verb: "list", resource: "dractions"}, deny},
		"does something in another group":    {request{verb: "get", group: "apps", resource: "deployments", name: "x"}, pass},
		"is a tenant":                        {request{user: "ada", verb: "list", resource: "volumereplicationgroups"}, pass},
		"is an account of another namespace": {request{user: "system:serviceaccount:shop:dr1", verb: "list", resource: "volumereplicationgroups"}, pass},
		"has a name like an agent's":         {request{user: "x:system:serviceaccount:dr-agents:dr1", verb: "list", resource: "drpolicies"}, pass},
	}
	restriction := NewAuthorizer(Identity{Namespace: "dr-agents"}, clusterOf)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			decision, reason, _ := restriction.Authorize(t.Context(), attributes(t, test.request))
			if decision != test.want {
				t.Errorf("decided %v (%s), wanted %v", decision, reason, test.want)
			}
		})
	}
}

func attributes(t *testing.T, r struct {
	user, verb, group, resource, subresource, name, selector string
}) authorizer.Attributes {
	t.Helper()
	record := authorizer.AttributesRecord{
		User: &user.DefaultInfo{Name: r.user}, Verb: r.verb, APIGroup: r.group, APIVersion: "v1alpha1", Namespace: "shop",
		Resource: r.resource, Subresource: r.subresource, Name: r.name, ResourceRequest: true,
	}
	if r.user == "" {
		record.User = &user.DefaultInfo{Name: agentOfDR1}
	}
	if r.group == "" {
		record.APIGroup = v1alpha1.GroupName
	}
	if r.selector != "" {
		selector, err := fields.ParseSelector(r.selector)
		if err != nil {
			t.Fatal(err)
		}
		record.FieldSelectorRequirements = selector.Requirements()
	}
	return record
}

func TestAuthorizerHasNoOpinionAboutPaths(t *testing.T) {
	restriction := NewAuthorizer(Identity{Namespace: "dr-agents"}, clusterOf)
	decision, _, _ := restriction.Authorize(t.Context(), authorizer.AttributesRecord{
		User: &user.DefaultInfo{Name: agentOfDR1}, Verb: "get", Path: "/readyz",
	})
	if decision != authorizer.DecisionNoOpinion {
		t.Errorf("decided %v", decision)
	}
}
