// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package workload stops an application for a change of role, remembers its scale, and lets it run again.
package workload

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
)

// ReplicasAnnotation remembers, on a workload that was scaled to zero, the scale it had.
const ReplicasAnnotation = mark.Replicas

// Quiesce scales to zero every Deployment and StatefulSet of the namespace that mounts one of the claims or that the
// selector covers, remembering each one's scale, and answers with what still runs or uses the claims: nothing, once the
// application is stopped. It may be called again at any time, also half way through. A workload counts as stopped only
// when its controller has said so of the scale it has now: until then it may be about to make another pod.
//
// Pods that belong to neither kind are not touched; they are named until somebody ends them.
func Quiesce(ctx context.Context, c client.Client, namespace string, claims sets.Set[string], selector labels.Selector) (waiting []string, err error) {
	scalables, err := list(ctx, c, namespace)
	if err != nil {
		return nil, err
	}
	for _, s := range scalables {
		if !s.mounts(claims) && !selector.Matches(labels.Set(s.object.GetLabels())) {
			continue
		}
		if s.replicas() != 0 {
			if err := s.stop(ctx, c); err != nil {
				return nil, err
			}
			workloadStopped.Hit(namespace)
			waiting = append(waiting, s.String())
		} else if !s.stopped {
			waiting = append(waiting, s.String())
		}
	}
	pods, err := Users(ctx, c, namespace, claims)
	return append(waiting, pods...), err
}

// Resume gives every workload of the namespace that Quiesce has stopped its former scale again.
func Resume(ctx context.Context, c client.Client, namespace string) error {
	scalables, err := list(ctx, c, namespace)
	if err != nil {
		return err
	}
	for _, s := range scalables {
		replicas, stopped, err := RememberedReplicas(s.object)
		if err != nil {
			return err
		}
		if !stopped {
			continue
		}
		if err := s.start(ctx, c, replicas); err != nil {
			return err
		}
		workloadStarted.Hit(namespace)
	}
	return nil
}

// RememberedReplicas is the scale that a stopped workload had; ok is false for one that Quiesce has not stopped.
func RememberedReplicas(object client.Object) (replicas int32, ok bool, err error) {
	value, ok := object.GetAnnotations()[ReplicasAnnotation]
	if !ok {
		return 0, false, nil
	}
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil || n < 0 {
		return 0, false, fmt.Errorf("annotation %s of %s %s/%s is %q, want a number of replicas: set it, or scale the workload and remove it",
			ReplicasAnnotation, kind(object), object.GetNamespace(), object.GetName(), value)
	}
	return int32(n), true, nil
}

// Users names the pods that have one of the claims mounted, sorted.
func Users(ctx context.Context, c client.Client, namespace string, claims sets.Set[string]) ([]string, error) {
	var pods corev1.PodList
	if err := c.List(ctx, &pods, client.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("listing the pods of %s: %w", namespace, err)
	}
	var names []string
	for i := range pods.Items {
		if uses(&pods.Items[i], claims) {
			names = append(names, "Pod "+namespace+"/"+pods.Items[i].Name)
		}
	}
	slices.Sort(names)
	return names, nil
}

func uses(pod *corev1.Pod, claims sets.Set[string]) bool {
	if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed || isMover(pod) {
		return false
	}
	return mountsClaim(pod.Spec.Volumes, claims)
}

// isMover tells the pods by which VolSync reads or fills volumes from those of the application.
func isMover(pod *corev1.Pod) bool { return pod.Labels["app.kubernetes.io/created-by"] == "volsync" }

func mountsClaim(volumes []corev1.Volume, claims sets.Set[string]) bool {
	return slices.ContainsFunc(volumes, func(v corev1.Volume) bool {
		return v.PersistentVolumeClaim != nil && claims.Has(v.PersistentVolumeClaim.ClaimName)
	})
}

// scalable is a Deployment or StatefulSet; scale points at its replicas, and stopped is true once its controller has seen
// its present scale and has no pods.
type scalable struct {
	object    client.Object
	scale     **int32
	stopped   bool
	volumes   []corev1.Volume
	templates []corev1.PersistentVolumeClaim
}

func list(ctx context.Context, c client.Client, namespace string) ([]scalable, error) {
	var deployments appsv1.DeploymentList
	if err := c.List(ctx, &deployments, client.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("listing the Deployments of %s: %w", namespace, err)
	}
	var statefulSets appsv1.StatefulSetList
	if err := c.List(ctx, &statefulSets, client.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("listing the StatefulSets of %s: %w", namespace, err)
	}
	var scalables []scalable
	for i := range deployments.Items {
		// What the cache hands out is shared; it is patched as a copy.
		d := deployments.Items[i].DeepCopy()
		scalables = append(scalables, scalable{object: d, scale: &d.Spec.Replicas, volumes: d.Spec.Template.Spec.Volumes,
			stopped: d.Status.Replicas == 0 && d.Status.ObservedGeneration >= d.Generation})
	}
	for i := range statefulSets.Items {
		s := statefulSets.Items[i].DeepCopy()
		scalables = append(scalables, scalable{
			object: s, scale: &s.Spec.Replicas, volumes: s.Spec.Template.Spec.Volumes, templates: s.Spec.VolumeClaimTemplates,
			stopped: s.Status.Replicas == 0 && s.Status.ObservedGeneration >= s.Generation,
		})
	}
	return scalables, nil
}

// mounts tells whether pods of the workload mount one of the claims, also one made from a claim template.
func (s scalable) mounts(claims sets.Set[string]) bool {
	if mountsClaim(s.volumes, claims) {
		return true
	}
	for _, template := range s.templates {
		prefix := template.Name + "-" + s.object.GetName() + "-"
		for claim := range claims {
			if ordinal, ok := strings.CutPrefix(claim, prefix); ok && isNumber(ordinal) {
				return true
			}
		}
	}
	return false
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 31)
	return err == nil
}

func (s scalable) String() string {
	return kind(s.object) + " " + s.object.GetNamespace() + "/" + s.object.GetName()
}

// replicas that the workload is asked to have; one, where it does not say.
func (s scalable) replicas() int32 { return ptr.Deref(*s.scale, 1) }

// stop remembers the scale and sets it to zero in one request, so that it can't be lost in between. Should somebody
// have changed the scale meanwhile, the request fails and what they wanted is what will be remembered.
func (s scalable) stop(ctx context.Context, c client.Client) error {
	return s.patch(ctx, c, "scaling down", func() {
		annotations := s.object.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[ReplicasAnnotation] = strconv.Itoa(int(s.replicas()))
		s.object.SetAnnotations(annotations)
		*s.scale = ptr.To[int32](0)
	})
}

// start gives the workload its scale again, unless somebody has scaled it up meanwhile.
func (s scalable) start(ctx context.Context, c client.Client, replicas int32) error {
	return s.patch(ctx, c, "scaling up", func() {
		annotations := s.object.GetAnnotations()
		delete(annotations, ReplicasAnnotation)
		s.object.SetAnnotations(annotations)
		if s.replicas() == 0 {
			*s.scale = ptr.To(replicas)
		}
	})
}

func (s scalable) patch(ctx context.Context, c client.Client, doing string, change func()) error {
	before := s.object.DeepCopyObject().(client.Object)
	change()
	err := c.Patch(ctx, s.object, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("%s %s %s/%s: %w", doing, kind(s.object), s.object.GetNamespace(), s.object.GetName(), err)
	}
	return nil
}

func kind(object client.Object) string {
	switch object.(type) {
	case *appsv1.Deployment:
		return "Deployment"
	case *appsv1.StatefulSet:
		return "StatefulSet"
	default:
		return object.GetObjectKind().GroupVersionKind().Kind
	}
}
