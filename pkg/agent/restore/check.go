// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

// checkVolume returns why a captured volume is not the application's. An object store's writers must not get anything into
// other namespaces.
func checkVolume(owner types.NamespacedName, v *archive.Volume) error {
	ref := v.PV.Spec.ClaimRef
	switch {
	case v.PVC.Namespace != owner.Namespace:
		return conflictf("the captured PersistentVolumeClaim %s/%s is not of namespace %s", v.PVC.Namespace, v.PVC.Name, owner.Namespace)
	case v.PVC.Name == "" || v.PV.Name == "" || ref == nil || ref.Namespace != v.PVC.Namespace || ref.Name != v.PVC.Name:
		return conflictf("the captured PersistentVolume %q is not that of PersistentVolumeClaim %s/%s", v.PV.Name, v.PVC.Namespace, v.PVC.Name)
	default:
		return nil
	}
}

// checkObject returns why a captured object is not the application's.
func checkObject(owner types.NamespacedName, o archive.Object) error {
	if o.Object.GetNamespace() != owner.Namespace || o.Object.GetName() == "" {
		return conflictf("the captured %s is not of namespace %s", name(o.Object), owner.Namespace)
	}
	return nil
}
