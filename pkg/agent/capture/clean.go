// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
)

// Belongs tells the objects of an application from those that another object controls, that are going, that have run
// to their end, that the agent made, or that the cluster puts into every namespace.
func Belongs(object *unstructured.Unstructured) bool {
	if metav1.GetControllerOf(object) != nil || object.GetDeletionTimestamp() != nil || object.GetLabels()[mark.ManagedBy] == mark.Agent {
		return false
	}
	switch kindOf(object) {
	case schema.GroupKind{Kind: "ConfigMap"}:
		return object.GetName() != "kube-root-ca.crt" && object.GetName() != "openshift-service-ca.crt"
	case schema.GroupKind{Kind: "ServiceAccount"}:
		return object.GetName() != "default"
	case schema.GroupKind{Kind: "Secret"}:
		kind, _, _ := unstructured.NestedString(object.Object, "type")
		return kind != string(corev1.SecretTypeServiceAccountToken)
	case schema.GroupKind{Kind: "Pod"}:
		phase, _, _ := unstructured.NestedString(object.Object, "status", "phase")
		return phase != string(corev1.PodSucceeded) && phase != string(corev1.PodFailed)
	case schema.GroupKind{Group: "batch", Kind: "Job"}:
		return !finished(object)
	default:
		return true
	}
}

func finished(job *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(job.Object, "status", "conditions")
	for _, c := range conditions {
		condition, _ := c.(map[string]any)
		if (condition["type"] == "Complete" || condition["type"] == "Failed") && condition["status"] == "True" {
			return true
		}
	}
	return false
}

// keptMetadata is what of an object's metadata is true on every cluster. Owners are not: their UIDs differ, and the
// garbage collector would take the object for an orphan.
var keptMetadata = []string{"name", "namespace", "labels", "annotations"}

// Clean returns a copy of an object without what is true of this cluster only, and with the scale it had before it was
// quiesced.
func Clean(object *unstructured.Unstructured) *unstructured.Unstructured {
	out := object.DeepCopy()
	delete(out.Object, "status")
	metadata, _ := out.Object["metadata"].(map[string]any)
	kept := map[string]any{}
	for _, field := range keptMetadata {
		if value, ok := metadata[field]; ok {
			kept[field] = value
		}
	}
	out.Object["metadata"] = kept
	restoreScale(out, object.GetAnnotations()[mark.Replicas])
	cleanAnnotations(out)
	cleanKind(out)
	return out
}

func restoreScale(object *unstructured.Unstructured, replicas string) {
	if scale, err := strconv.ParseInt(replicas, 10, 32); err == nil {
		_ = unstructured.SetNestedField(object.Object, scale, "spec", "replicas")
	}
}

func cleanAnnotations(object *unstructured.Unstructured) {
	annotations := object.GetAnnotations()
	for key := range annotations {
		if mark.IsOurs(key) || key == "deployment.kubernetes.io/revision" {
			delete(annotations, key)
		}
	}
	if len(annotations) == 0 {
		unstructured.RemoveNestedField(object.Object, "metadata", "annotations")
		return
	}
	object.SetAnnotations(annotations)
}

func cleanKind(object *unstructured.Unstructured) {
	switch kindOf(object) {
	case schema.GroupKind{Kind: "Namespace"}:
		delete(object.Object, "spec")
	case schema.GroupKind{Kind: "Service"}:
		cleanService(object)
	case schema.GroupKind{Kind: "ServiceAccount"}:
		unstructured.RemoveNestedField(object.Object, "secrets")
	case schema.GroupKind{Kind: "Pod"}:
		cleanPod(object)
	case schema.GroupKind{Group: "batch", Kind: "Job"}:
		cleanJob(object)
	}
}

// cleanService leaves addresses and node ports to the cluster that the service is created on.
func cleanService(object *unstructured.Unstructured) {
	if ip, _, _ := unstructured.NestedString(object.Object, "spec", "clusterIP"); ip != corev1.ClusterIPNone {
		unstructured.RemoveNestedField(object.Object, "spec", "clusterIP")
		unstructured.RemoveNestedField(object.Object, "spec", "clusterIPs")
	}
	unstructured.RemoveNestedField(object.Object, "spec", "healthCheckNodePort")
	ports, found, _ := unstructured.NestedSlice(object.Object, "spec", "ports")
	if !found {
		return
	}
	for _, port := range ports {
		if p, ok := port.(map[string]any); ok {
			delete(p, "nodePort")
		}
	}
	_ = unstructured.SetNestedSlice(object.Object, ports, "spec", "ports")
}

// cleanPod undoes scheduling and takes off the token volume, which admission adds again.
func cleanPod(object *unstructured.Unstructured) {
	spec, _ := object.Object["spec"].(map[string]any)
	delete(spec, "nodeName")
	dropTokens(spec, "volumes")
	for _, list := range []string{"containers", "initContainers"} {
		containers, _ := spec[list].([]any)
		for _, container := range containers {
			if c, ok := container.(map[string]any); ok {
				dropTokens(c, "volumeMounts")
			}
		}
	}
}

func dropTokens(holder map[string]any, field string) {
	items, found := holder[field].([]any)
	if !found {
		return
	}
	holder[field] = slices.DeleteFunc(items, func(item any) bool {
		m, _ := item.(map[string]any)
		name, _ := m["name"].(string)
		return strings.HasPrefix(name, "kube-api-access-")
	})
}

// cleanJob drops the selector and labels that the job controller makes up from the UID.
func cleanJob(object *unstructured.Unstructured) {
	if manual, _, _ := unstructured.NestedBool(object.Object, "spec", "manualSelector"); manual {
		return
	}
	unstructured.RemoveNestedField(object.Object, "spec", "selector")
	for _, key := range []string{"controller-uid", "batch.kubernetes.io/controller-uid", "job-name", "batch.kubernetes.io/job-name"} {
		unstructured.RemoveNestedField(object.Object, "spec", "template", "metadata", "labels", key)
		unstructured.RemoveNestedField(object.Object, "metadata", "labels", key)
	}
}

func kindOf(object *unstructured.Unstructured) schema.GroupKind {
	return object.GroupVersionKind().GroupKind()
}
