// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"

	csiaddons "github.com/csi-addons/kubernetes-csi-addons/api/replication.storage/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// cacheOptions keep of the cluster's objects only what is looked at.
func cacheOptions() cache.Options {
	return cache.Options{
		DefaultTransform: cache.TransformStripManagedFields(),
		// What is read is copied before it is changed.
		DefaultUnsafeDisableDeepCopy: ptr.To(true),
		ByObject: map[client.Object]cache.ByObject{
			&corev1.Pod{}:         {Transform: slim(slimPod)},
			&appsv1.Deployment{}:  {Transform: slim(slimDeployment)},
			&appsv1.StatefulSet{}: {Transform: slim(slimStatefulSet)},
		},
	}
}

func slim[T any](f func(T) T) toolscache.TransformFunc {
	return func(object any) (any, error) {
		if typed, ok := object.(T); ok {
			return f(typed), nil
		}
		return object, nil
	}
}

func slimPod(p *corev1.Pod) *corev1.Pod {
	return &corev1.Pod{
		TypeMeta:   p.TypeMeta,
		ObjectMeta: slimMeta(p.ObjectMeta),
		Spec:       corev1.PodSpec{Volumes: claimsOnly(p.Spec.Volumes)},
		Status:     corev1.PodStatus{Phase: p.Status.Phase},
	}
}

func slimDeployment(d *appsv1.Deployment) *appsv1.Deployment {
	out := &appsv1.Deployment{TypeMeta: d.TypeMeta, ObjectMeta: slimMeta(d.ObjectMeta)}
	out.Spec.Replicas = d.Spec.Replicas
	out.Spec.Template.Spec.Volumes = claimsOnly(d.Spec.Template.Spec.Volumes)
	out.Status.Replicas, out.Status.ObservedGeneration = d.Status.Replicas, d.Status.ObservedGeneration
	return out
}

func slimStatefulSet(s *appsv1.StatefulSet) *appsv1.StatefulSet {
	out := &appsv1.StatefulSet{TypeMeta: s.TypeMeta, ObjectMeta: slimMeta(s.ObjectMeta)}
	out.Spec.Replicas = s.Spec.Replicas
	out.Spec.Template.Spec.Volumes = claimsOnly(s.Spec.Template.Spec.Volumes)
	for _, template := range s.Spec.VolumeClaimTemplates {
		out.Spec.VolumeClaimTemplates = append(out.Spec.VolumeClaimTemplates,
			corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: template.Name}})
	}
	out.Status.Replicas, out.Status.ObservedGeneration = s.Status.Replicas, s.Status.ObservedGeneration
	return out
}

func slimMeta(m metav1.ObjectMeta) metav1.ObjectMeta {
	out := metav1.ObjectMeta{
		Namespace: m.Namespace, Name: m.Name, UID: m.UID, ResourceVersion: m.ResourceVersion, Generation: m.Generation,
		Labels: m.Labels, DeletionTimestamp: m.DeletionTimestamp,
	}
	if replicas, ok := m.Annotations[mark.Replicas]; ok {
		out.Annotations = map[string]string{mark.Replicas: replicas}
	}
	return out
}

func claimsOnly(volumes []corev1.Volume) []corev1.Volume {
	return slices.DeleteFunc(slices.Clone(volumes), func(v corev1.Volume) bool { return v.PersistentVolumeClaim == nil })
}

// watch has groups looked at when something of theirs changes.
func (a *Agent) watch(ctx context.Context, local cache.Cache) error {
	byNamespace := func(object client.Object) { a.enqueueNamespace(object.GetNamespace(), false) }
	whenStopping := func(object client.Object) { a.enqueueNamespace(object.GetNamespace(), true) }
	everywhere := func(client.Object) { a.enqueueAll() }
	_, errHub := a.hub.informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { a.enqueueObject(object) },
		DeleteFunc: func(object any) { a.enqueueObject(object) },
		UpdateFunc: func(before, now any) {
			if commandChanged(before.(*v1alpha1.VolumeReplicationGroup), now.(*v1alpha1.VolumeReplicationGroup)) {
				a.enqueueObject(now)
			}
		},
	})
	_, errVolume := a.kinds.Watch(byNamespace, &csiaddons.VolumeReplication{})
	_, errClass := a.kinds.Watch(everywhere, &csiaddons.VolumeReplicationClass{})
	return errors.Join(errHub, errVolume, errClass,
		on(ctx, local, &corev1.PersistentVolumeClaim{}, byNamespace),
		on(ctx, local, &corev1.PersistentVolume{}, func(object client.Object) {
			volume := object.(*corev1.PersistentVolume)
			a.bindings.observe(volume)
			if ref := volume.Spec.ClaimRef; ref != nil {
				a.enqueueNamespace(ref.Namespace, false)
			}
		}),
		on(ctx, local, &corev1.Pod{}, whenStopping),
		on(ctx, local, &appsv1.Deployment{}, whenStopping),
		on(ctx, local, &appsv1.StatefulSet{}, whenStopping),
		on(ctx, local, &storagev1.StorageClass{}, everywhere),
		on(ctx, local, &corev1.Namespace{}, func(client.Object) {}),
	)
}

// watchVolumeGroups has groups looked at when something of their volumes' groups changes.
func (a *Agent) watchVolumeGroups() error {
	_, errGroup := a.kinds.Watch(func(object client.Object) { a.enqueueNamespace(object.GetNamespace(), false) }, &csiaddons.VolumeGroupReplication{})
	_, errContent := a.kinds.Watch(func(object client.Object) {
		if content, ok := object.(*csiaddons.VolumeGroupReplicationContent); ok && content.Spec.VolumeGroupReplicationRef != nil {
			a.enqueueNamespace(content.Spec.VolumeGroupReplicationRef.Namespace, false)
		}
	}, &csiaddons.VolumeGroupReplicationContent{})
	_, errClass := a.kinds.Watch(func(client.Object) { a.enqueueAll() }, &csiaddons.VolumeGroupReplicationClass{})
	return errors.Join(errGroup, errContent, errClass)
}

// watchAttachments has groups that give volumes away looked at when a node lets go of one.
func (a *Agent) watchAttachments() error {
	_, err := a.kinds.Watch(func(object client.Object) {
		volume := object.(*storagev1.VolumeAttachment).Spec.Source.PersistentVolumeName
		if volume == nil {
			return
		}
		pv := &corev1.PersistentVolume{}
		if err := a.local.Get(a.ctx, client.ObjectKey{Name: *volume}, pv); err == nil && pv.Spec.ClaimRef != nil {
			a.enqueueNamespace(pv.Spec.ClaimRef.Namespace, true)
		}
	}, &storagev1.VolumeAttachment{})
	return err
}

// commandChanged leaves out what the agent itself reports, unless a hub restored from a backup has forgotten it.
func commandChanged(before, now *v1alpha1.VolumeReplicationGroup) bool {
	if order, err := resourceversion.CompareResourceVersion(now.ResourceVersion, before.ResourceVersion); err == nil && order < 0 {
		return true
	}
	return before.UID != now.UID || before.Generation != now.Generation || before.DeletionTimestamp.IsZero() != now.DeletionTimestamp.IsZero() ||
		!equality.Semantic.DeepEqual(before.Labels, now.Labels) || !equality.Semantic.DeepEqual(before.Spec.VolSync, now.Spec.VolSync)
}

func on(ctx context.Context, local cache.Cache, kind client.Object, changed func(client.Object)) error {
	informer, err := local.GetInformer(ctx, kind, cache.BlockUntilSynced(false))
	if err != nil {
		return fmt.Errorf("watching %T: %w", kind, err)
	}
	call := func(object any) {
		if tombstone, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
			object = tombstone.Obj
		}
		if typed, ok := object.(client.Object); ok {
			changed(typed)
		}
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: call, DeleteFunc: call, UpdateFunc: func(_, now any) { call(now) },
	})
	return err
}

func (a *Agent) enqueueObject(object any) {
	if key, err := toolscache.DeletionHandlingMetaNamespaceKeyFunc(object); err == nil {
		name, _ := toolscache.ParseObjectName(key)
		a.enqueue(types.NamespacedName{Namespace: name.Namespace, Name: name.Name})
	}
}

// enqueueNamespace has the groups of a namespace looked at; if stopping, only those that keep their workload stopped.
func (a *Agent) enqueueNamespace(namespace string, stopping bool) {
	for _, key := range a.known() {
		if key.Namespace != namespace {
			continue
		}
		if role := a.checkpoints.Get(key).Current(); !stopping || role.State == v1alpha1.Secondary && role.Action != "" {
			a.enqueue(key)
		}
	}
}

func (a *Agent) enqueueAll() {
	for _, key := range a.known() {
		a.enqueue(key)
	}
}

// known are the groups that have been looked at.
func (a *Agent) known() []types.NamespacedName {
	a.lock.Lock()
	defer a.lock.Unlock()
	keys := make([]types.NamespacedName, 0, len(a.memories))
	for key := range a.memories {
		keys = append(keys, key)
	}
	return keys
}
