// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package replicationgroupsource

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/registry/base"
)

const plural = "replicationgroupsources"

// NewREST serves ReplicationGroupSources, computed from the groups that the lister has.
func NewREST(groups rest.Lister, liveness base.Liveness) *base.ComputedREST {
	return base.NewComputedREST(base.ComputedKind{
		Plural: plural, Singular: "replicationgroupsource", ShortNames: []string{"rgs"},
		New:     func() runtime.Object { return &dr.ReplicationGroupSource{} },
		NewList: func() runtime.Object { return &dr.ReplicationGroupSourceList{} },
		Table:   newTable(),
		Compute: compute,
	}, groups, liveness)
}
