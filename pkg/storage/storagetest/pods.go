// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package storagetest

import (
	"path"

	"k8s.io/apimachinery/pkg/api/apitesting"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apiserver/pkg/apis/example"
	examplev1 "k8s.io/apiserver/pkg/apis/example/v1"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/cacher"
)

// Prefix is what the keys of the suite's objects begin with, and Resource what they are.
const Prefix = "/pods/"

// Resource is what the suite's objects are.
var Resource = schema.GroupResource{Resource: "pods"}

// Codec encodes them.
var Codec = func() runtime.Codec {
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, metav1.SchemeGroupVersion)
	utilruntime.Must(example.AddToScheme(scheme))
	utilruntime.Must(examplev1.AddToScheme(scheme))
	return apitesting.TestCodec(serializer.NewCodecFactory(scheme), examplev1.SchemeGroupVersion)
}()

// NewPod returns an empty object.
func NewPod() runtime.Object { return &example.Pod{} }

// NewPodList returns an empty list.
func NewPodList() runtime.Object { return &example.PodList{} }

// CacherConfig is that of the stock watch cache over a store of the suite's objects.
func CacherConfig(store storage.Interface) cacher.Config {
	return cacher.Config{
		Storage:             store,
		Versioner:           storage.APIObjectVersioner{},
		GroupResource:       Resource,
		EventsHistoryWindow: cacher.DefaultEventFreshDuration,
		ResourcePrefix:      Prefix,
		KeyFunc: func(obj runtime.Object) (string, error) {
			pod := obj.(*example.Pod)
			return path.Join(Prefix, pod.Namespace, pod.Name), nil
		},
		GetAttrsFunc: attributes,
		NewFunc:      NewPod,
		NewListFunc:  NewPodList,
		Codec:        Codec,
	}
}

func attributes(obj runtime.Object) (labels.Set, fields.Set, error) {
	pod := obj.(*example.Pod)
	selectable := generic.ObjectMetaFieldsSet(&pod.ObjectMeta, true)
	selectable["spec.nodeName"] = pod.Spec.NodeName
	return pod.Labels, selectable, nil
}
