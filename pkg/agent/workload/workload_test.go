// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

const namespace = "shop"

func meta(name, app string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"app": app}}
}

func claimVolume(claim string) []corev1.Volume {
	return []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim},
	}}}
}

func deployment(name, app, claim string, replicas *int32) *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: meta(name, app)}
	d.Spec.Replicas = replicas
	if claim != "" {
		d.Spec.Template.Spec.Volumes = claimVolume(claim)
	}
	return d
}

func statefulSet(name, app, template string, replicas int32) *appsv1.StatefulSet {
	s := &appsv1.StatefulSet{ObjectMeta: meta(name, app)}
	s.Spec.Replicas = &replicas
	s.Spec.VolumeClaimTemplates = []corev1.PersistentVolumeClaim{{ObjectMeta: metav1.ObjectMeta{Name: template}}}
	return s
}

func pod(name, claim string, phase corev1.PodPhase) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: meta(name, "")}
	p.Spec.Volumes = claimVolume(claim)
	p.Status.Phase = phase
	return p
}

func scales(t *testing.T, c client.Client) map[string]int32 {
	t.Helper()
	all, err := list(context.Background(), c, namespace)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int32{}
	for _, s := range all {
		found[s.object.GetName()] = s.replicas()
	}
	return found
}

func TestQuiesceStopsWhatUsesTheVolumesAndResumeGivesTheScaleBack(t *testing.T) {
	stopped := statefulSet("stopped-by-owner", "shop", "data", 0)
	tests := map[string]struct {
		objects    []client.Object
		whileDown  map[string]int32
		scaled     []string
		waiting    []string
		afterwards map[string]int32
	}{
		"a StatefulSet whose claims come from a template": {
			objects:    []client.Object{statefulSet("shop", "other", "data", 3), statefulSet("shop-0", "other", "cache", 2)},
			whileDown:  map[string]int32{"shop": 0, "shop-0": 2},
			scaled:     []string{"StatefulSet shop/shop"},
			afterwards: map[string]int32{"shop": 3, "shop-0": 2},
		},
		"a Deployment that mounts a claim, without a scale of its own": {
			objects:    []client.Object{deployment("web", "other", "data-shop-0", nil), deployment("api", "other", "unprotected", nil)},
			whileDown:  map[string]int32{"web": 0, "api": 1},
			scaled:     []string{"Deployment shop/web"},
			afterwards: map[string]int32{"web": 1, "api": 1},
		},
		"a Deployment without volumes that belongs to the application": {
			objects:    []client.Object{deployment("front", "shop", "", ptr.To[int32](2))},
			whileDown:  map[string]int32{"front": 0},
			scaled:     []string{"Deployment shop/front"},
			afterwards: map[string]int32{"front": 2},
		},
		"a workload its owner had stopped stays stopped": {
			objects:    []client.Object{stopped},
			whileDown:  map[string]int32{"stopped-by-owner": 0},
			afterwards: map[string]int32{"stopped-by-owner": 0},
		},
		"pods are named until they are gone": {
			objects: []client.Object{
				pod("b", "data-shop-0", corev1.PodRunning), pod("a", "data-shop-0", corev1.PodPending),
				pod("done", "data-shop-0", corev1.PodSucceeded), pod("other", "unprotected", corev1.PodRunning),
			},
			whileDown: map[string]int32{}, waiting: []string{"Pod shop/a", "Pod shop/b"}, afterwards: map[string]int32{},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			c := fake.NewClientBuilder().WithObjects(tt.objects...).Build()
			claims, selector := sets.New("data-shop-0"), labels.SelectorFromSet(labels.Set{"app": "shop"})
			for _, want := range [][]string{append(tt.scaled, tt.waiting...), tt.waiting} { // a second time changes nothing
				waiting, err := Quiesce(ctx, c, namespace, claims, selector)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, waiting); diff != "" {
					t.Error("waiting (-want +got):", diff)
				}
				if diff := cmp.Diff(tt.whileDown, scales(t, c)); diff != "" {
					t.Error("while down (-want +got):", diff)
				}
			}
			for range 2 {
				if err := Resume(ctx, c, namespace); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.afterwards, scales(t, c)); diff != "" {
					t.Error("afterwards (-want +got):", diff)
				}
			}
		})
	}
}

func TestAWorkloadIsStoppedOnlyWhenItsControllerSaysSo(t *testing.T) {
	tests := map[string]struct {
		observed int64
		replicas int32
		waiting  []string
	}{
		"the controller has not seen the scale":  {observed: 1, waiting: []string{"StatefulSet shop/shop"}},
		"the controller still counts a pod":      {observed: 2, replicas: 1, waiting: []string{"StatefulSet shop/shop"}},
		"the controller has seen it and is done": {observed: 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := statefulSet("shop", "shop", "data", 0)
			s.Generation, s.Status.ObservedGeneration, s.Status.Replicas = 2, tt.observed, tt.replicas
			waiting, err := Quiesce(t.Context(), fake.NewClientBuilder().WithObjects(s).Build(), namespace, nil, labels.Everything())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.waiting, waiting); diff != "" {
				t.Error("(-want +got):", diff)
			}
		})
	}
}

func TestAScaleIsNeverLostWhenAgentIsCutOffBetweenTwoWorkloads(t *testing.T) {
	ctx := context.Background()
	cut := errors.New("cut off")
	patches := 0
	c := fake.NewClientBuilder().
		WithObjects(statefulSet("a", "shop", "data", 3), statefulSet("b", "shop", "data", 4)).
		WithInterceptorFuncs(interceptor.Funcs{Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
			if patches++; patches == 2 {
				return cut
			}
			return c.Patch(ctx, o, p, opts...)
		}}).Build()
	selector := labels.SelectorFromSet(labels.Set{"app": "shop"})
	if _, err := Quiesce(ctx, c, namespace, nil, selector); !errors.Is(err, cut) {
		t.Fatalf("got %v, want the cut", err)
	}
	if _, err := Quiesce(ctx, c, namespace, nil, selector); err != nil {
		t.Fatal(err)
	}
	if err := Resume(ctx, c, namespace); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int32{"a": 3, "b": 4}, scales(t, c)); diff != "" {
		t.Error("(-want +got):", diff)
	}
}

func TestAnAnnotationThatIsNoScaleIsRefusedByName(t *testing.T) {
	s := statefulSet("shop", "shop", "data", 0)
	s.Annotations = map[string]string{ReplicasAnnotation: "many"}
	err := Resume(context.Background(), fake.NewClientBuilder().WithObjects(s).Build(), namespace)
	if err == nil {
		t.Fatal("want an error")
	}
	want := `annotation dr.ramen.io/replicas of StatefulSet shop/shop is "many", want a number of replicas: set it, or scale the workload and remove it`
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}
