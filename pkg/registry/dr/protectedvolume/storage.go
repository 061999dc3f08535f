// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package protectedvolume

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/registry/base"
)

// NewREST serves ProtectedVolumes, computed from the groups that the lister has.
func NewREST(groups rest.Lister, liveness base.Liveness) *base.ComputedREST {
	return base.NewComputedREST(base.ComputedKind{
		Plural: "protectedvolumes", Singular: "protectedvolume", ShortNames: []string{"pvol"},
		New:     func() runtime.Object { return &dr.ProtectedVolume{} },
		NewList: func() runtime.Object { return &dr.ProtectedVolumeList{} },
		Table:   newTable(),
		Compute: compute,
	}, groups, liveness)
}
