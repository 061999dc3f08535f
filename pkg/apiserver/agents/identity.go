// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package agents keeps each cluster's agent to what belongs to its own cluster, as the Node authorizer and the
// NodeRestriction admission plugin do with kubelets: the authorizer judges by what a request's address says, admission by
// what is in its body.
package agents

import (
	"strings"

	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	"k8s.io/apiserver/pkg/authentication/user"
)

// Identity tells agents from everybody else.
type Identity struct {
	// Namespace of the hub that agents have their ServiceAccounts in, each of the name of its cluster.
	Namespace string
}

// Cluster is the cluster whose agent the user is; ok is false for everybody who is no agent.
func (i Identity) Cluster(who user.Info) (cluster string, ok bool) {
	if who == nil || !strings.HasPrefix(who.GetName(), serviceaccount.ServiceAccountUsernamePrefix) {
		return "", false
	}
	namespace, name, err := serviceaccount.SplitUsername(who.GetName())
	return name, err == nil && namespace == i.Namespace
}
