// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agents

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// GroupCluster looks up the cluster that a VolumeReplicationGroup is for. It returns a NotFound error if there is no such
// group.
type GroupCluster func(ctx context.Context, namespace, name string) (cluster string, err error)

// NewAuthorizer returns an authorizer that decides every request of an agent for this API group, and has no opinion about
// any other. What it allows needs no question to the hub: by RBAC the hub's kube-apiserver judges the requests it passes
// on, and with its ServiceAccount an agent loses everything.
func NewAuthorizer(identity Identity, groupCluster GroupCluster) authorizer.Authorizer {
	rules := rules{groupCluster: groupCluster}
	return authorizer.AuthorizerFunc(func(ctx context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
		cluster, isAgent := identity.Cluster(a.GetUser())
		if !isAgent || !a.IsResourceRequest() || a.GetAPIGroup() != v1alpha1.GroupName {
			return authorizer.DecisionNoOpinion, "", nil
		}
		reason, err := rules.refuse(ctx, cluster, a)
		if err != nil || reason != "" {
			return authorizer.DecisionDeny, reason, err
		}
		return authorizer.DecisionAllow, "", nil
	})
}

// readAndWrite is what an agent may do with an object of its own cluster that exists.
var readAndWrite = sets.New("get", "update", "patch")

type rules struct {
	groupCluster GroupCluster
}

// refuse says why the agent of the cluster may not do what the attributes say; empty if it may.
func (r rules) refuse(ctx context.Context, cluster string, a authorizer.Attributes) (string, error) {
	main := a.GetSubresource() == ""
	status := a.GetSubresource() == "status"
	switch resource, verb := a.GetResource(), a.GetVerb(); {
	case resource == "volumereplicationgroups" && main && (verb == "list" || verb == "watch"):
		return refuseSelector(cluster, a), nil
	case resource == "volumereplicationgroups" && (main || status) && readAndWrite.Has(verb):
		return r.refuseGroup(ctx, cluster, a)
	case resource == "volumereplicationgroups" && a.GetSubresource() == "replicationkey" && verb == "get":
		return r.refuseGroup(ctx, cluster, a)
	case resource == "drclusters" && main && verb == "get":
		return refuseName(cluster, a), nil
	case resource == "drclusterconfigs" && main && verb == "create":
		// A POST has no name in its address; admission looks into the body.
		return "", nil
	case resource == "drclusterconfigs" && main && (verb == "list" || verb == "watch"):
		// The name is that of the field selector, if there is one.
		return refuseName(cluster, a), nil
	case resource == "drclusterconfigs" && (main || status) && readAndWrite.Has(verb):
		return refuseName(cluster, a), nil
	default:
		return fmt.Sprintf("the agent of cluster %s may not %s %s", cluster, verb, resource), nil
	}
}

func refuseName(cluster string, a authorizer.Attributes) string {
	if a.GetName() == cluster {
		return ""
	}
	return fmt.Sprintf("the agent of cluster %s has to do with its own cluster's %s only", cluster, a.GetResource())
}

// refuseSelector demands that a list or watch be restricted to the agent's own groups.
func refuseSelector(cluster string, a authorizer.Attributes) string {
	requirements, err := a.GetFieldSelector()
	if err == nil {
		for _, r := range requirements {
			if r.Field == v1alpha1.FieldClusterName && r.Value == cluster && (r.Operator == selection.Equals || r.Operator == selection.DoubleEquals) {
				return ""
			}
		}
	}
	return fmt.Sprintf("the agent of cluster %s may %s volumereplicationgroups with fieldSelector %s=%[1]s only",
		cluster, a.GetVerb(), v1alpha1.FieldClusterName)
}

// refuseGroup demands that the group be for the agent's cluster. A group that does not exist is refused too, or the answer
// would tell about other clusters' groups; one that is named as the agent's own are may be found missing.
func (r rules) refuseGroup(ctx context.Context, cluster string, a authorizer.Attributes) (string, error) {
	owner, err := r.groupCluster(ctx, a.GetNamespace(), a.GetName())
	switch {
	case apierrors.IsNotFound(err) && v1alpha1.GroupNamedFor(a.GetName(), cluster):
		return "", nil
	case err != nil && !apierrors.IsNotFound(err):
		return "", fmt.Errorf("looking up whose VolumeReplicationGroup %s/%s is: %w", a.GetNamespace(), a.GetName(), err)
	case err == nil && owner == cluster:
		return "", nil
	default:
		return fmt.Sprintf("VolumeReplicationGroup %s/%s is not for cluster %s", a.GetNamespace(), a.GetName(), cluster), nil
	}
}
