// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// userName is that of the ServiceAccount, its role and their binding.
const userName = "bench-api"

// newUser returns the way in of somebody who may do with both kinds what is measured and nothing else: administrators are
// let in without being looked up.
func newUser(ctx context.Context, hub *framework.Identity) (*rest.Config, error) {
	meta := metav1.ObjectMeta{Name: userName}
	account := &corev1.ServiceAccount{ObjectMeta: meta}
	if _, err := hub.Kube.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Create(ctx, account, metav1.CreateOptions{}); err != nil {
		return nil, fmt.Errorf("create a user: %w", err)
	}
	role := &rbacv1.ClusterRole{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{v1alpha1.GroupName, customGroup.Group}, Resources: []string{resource, resource + "/status"}, Verbs: []string{rbacv1.VerbAll}},
		{APIGroups: []string{v1alpha1.GroupName}, Resources: []string{"drpolicies"}, Verbs: []string{"use"}},
	}}
	if _, err := hub.Kube.RbacV1().ClusterRoles().Create(ctx, role, metav1.CreateOptions{}); err != nil {
		return nil, fmt.Errorf("create a user: %w", err)
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: meta,
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: metav1.NamespaceDefault, Name: userName}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: userName},
	}
	if _, err := hub.Kube.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{}); err != nil {
		return nil, fmt.Errorf("create a user: %w", err)
	}
	token, err := hub.Kube.CoreV1().ServiceAccounts(metav1.NamespaceDefault).
		CreateToken(ctx, userName, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("create a user: %w", err)
	}
	config := rest.AnonymousClientConfig(hub.Config)
	config.BearerToken = token.Status.Token
	return config, nil
}
