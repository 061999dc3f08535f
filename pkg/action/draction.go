// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package action

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// DRAction is the object that shows an action of the placement and stays as its record. It has no owner: records outlive
// the placement.
func DRAction(placement *v1alpha1.DRPlacementControl, record v1alpha1.ActionRecord) *v1alpha1.DRAction {
	copied := record.DeepCopy()
	return &v1alpha1.DRAction{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "DRAction"},
		ObjectMeta: metav1.ObjectMeta{
			Name:      copied.Name,
			Namespace: placement.Namespace,
			Labels:    map[string]string{v1alpha1.LabelDRPlacementControl: placement.Name},
		},
		Spec:   copied.Spec,
		Status: copied.Status,
	}
}
