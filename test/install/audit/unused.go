// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Role is one that somebody has, in a namespace or, if that is empty, everywhere.
type Role struct {
	Name, Namespace string
	Rules           []rbacv1.PolicyRule
}

// Roles returns the roles that bindings in the cluster give to a ServiceAccount, by its name or through the group of its
// namespace.
func Roles(ctx context.Context, client kubernetes.Interface, namespace, account string) ([]Role, error) {
	var roles []Role
	clusterBindings, err := client.RbacV1().ClusterRoleBindings().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for _, binding := range clusterBindings.Items {
		if !concerns(binding.Subjects, namespace, account) {
			continue
		}
		role, err := client.RbacV1().ClusterRoles().Get(ctx, binding.RoleRef.Name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		roles = append(roles, Role{Name: "ClusterRole " + role.Name, Rules: role.Rules})
	}
	bindings, err := client.RbacV1().RoleBindings("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for _, binding := range bindings.Items {
		if !concerns(binding.Subjects, namespace, account) {
			continue
		}
		role, err := client.RbacV1().Roles(binding.Namespace).Get(ctx, binding.RoleRef.Name, metav1.GetOptions{})
		if err != nil {
			return nil, fmt.Errorf("RoleBinding %s/%s: %w", binding.Namespace, binding.Name, err)
		}
		roles = append(roles, Role{Name: "Role " + role.Name, Namespace: binding.Namespace, Rules: role.Rules})
	}
	return roles, nil
}

func concerns(subjects []rbacv1.Subject, namespace, account string) bool {
	return slices.ContainsFunc(subjects, func(s rbacv1.Subject) bool {
		return s.Kind == rbacv1.ServiceAccountKind && s.Namespace == namespace && s.Name == account ||
			s.Kind == rbacv1.GroupKind && s.Name == "system:serviceaccounts:"+namespace
	})
}

// Unused returns what a role allows and nobody of the requests did: a line for each resource, with the verbs.
func (r Role) Unused(requests []Request) []string {
	unused := map[string][]string{}
	for _, rule := range r.Rules {
		for _, grant := range expand(rule) {
			if !slices.ContainsFunc(requests, func(q Request) bool { return r.covers(rule, grant, q.Action) }) {
				unused[grant.object()] = append(unused[grant.object()], grant.Verb)
			}
		}
	}
	var lines []string
	for object, verbs := range unused {
		slices.Sort(verbs)
		lines = append(lines, object+": "+strings.Join(slices.Compact(verbs), ", "))
	}
	slices.Sort(lines)
	return lines
}

// expand splits a rule into what it grants.
func expand(rule rbacv1.PolicyRule) []Action {
	var grants []Action
	for _, verb := range rule.Verbs {
		for _, path := range rule.NonResourceURLs {
			grants = append(grants, Action{Verb: verb, Path: path})
		}
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				grants = append(grants, Action{Verb: verb, Group: group, Resource: resource})
			}
		}
	}
	return grants
}

func (a Action) object() string {
	switch {
	case a.Path != "":
		return a.Path
	case a.Group != "":
		return a.Resource + "." + a.Group
	}
	return a.Resource
}

func (r Role) covers(rule rbacv1.PolicyRule, grant, did Action) bool {
	switch {
	case grant.Verb != did.Verb && grant.Verb != "*":
		return false
	case grant.Path != "" || did.Path != "":
		return grant.Path == did.Path || strings.HasSuffix(grant.Path, "*") && strings.HasPrefix(did.Path, strings.TrimSuffix(grant.Path, "*"))
	case r.Namespace != "" && r.Namespace != did.Namespace:
		return false
	case len(rule.ResourceNames) > 0 && !slices.Contains(rule.ResourceNames, did.Name):
		return false
	}
	return (grant.Group == did.Group || grant.Group == "*") && (grant.Resource == did.Resource || grant.Resource == "*")
}
