// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ownSecrets has a volume name the Secrets by which this cluster's driver reaches the storage, as the StorageClass of the
// volume names them here: those of the cluster that it was captured on may be called otherwise. What the StorageClass does not
// say stays as it was captured.
func (r *Restorer) ownSecrets(ctx context.Context, pv *corev1.PersistentVolume, claim types.NamespacedName) error {
	csi := pv.Spec.CSI
	if csi == nil || pv.Spec.StorageClassName == "" {
		return nil
	}
	class := &storagev1.StorageClass{}
	if err := r.Client.Get(ctx, client.ObjectKey{Name: pv.Spec.StorageClassName}, class); err != nil {
		return wrap(client.IgnoreNotFound(err), "reading StorageClass %s", pv.Spec.StorageClassName)
	}
	words := strings.NewReplacer("${pv.name}", pv.Name, "${pvc.namespace}", claim.Namespace, "${pvc.name}", claim.Name)
	for purpose, ref := range map[string]**corev1.SecretReference{
		"controller-publish": &csi.ControllerPublishSecretRef,
		"controller-expand":  &csi.ControllerExpandSecretRef,
		"node-stage":         &csi.NodeStageSecretRef,
		"node-publish":       &csi.NodePublishSecretRef,
		"node-expand":        &csi.NodeExpandSecretRef,
	} {
		name := words.Replace(class.Parameters["csi.storage.k8s.io/"+purpose+"-secret-name"])
		namespace := words.Replace(class.Parameters["csi.storage.k8s.io/"+purpose+"-secret-namespace"])
		if *ref != nil && name != "" && namespace != "" && !strings.Contains(name+namespace, "${") {
			*ref = &corev1.SecretReference{Name: name, Namespace: namespace}
		}
	}
	return nil
}
