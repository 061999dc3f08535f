// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package replicationgroupdestination

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/registry/base"
)

const plural = "replicationgroupdestinations"

// NewREST serves ReplicationGroupDestinations, computed from the groups that the lister has.
func NewREST(groups rest.Lister, liveness base.Liveness) *base.ComputedREST {
	return base.NewComputedREST(base.ComputedKind{
		Plural: plural, Singular: "replicationgroupdestination", ShortNames: []string{"rgd"},
		New:     func() runtime.Object { return &dr.ReplicationGroupDestination{} },
		NewList: func() runtime.Object { return &dr.ReplicationGroupDestinationList{} },
		Table:   newTable(),
		Compute: compute,
	}, groups, liveness)
}
