// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drpolicy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Facts is everything a policy's status rests on.
type Facts struct {
	// Now is the time of the decision.
	Now time.Time
	// Policy is the DRPolicy.
	Policy *v1alpha1.DRPolicy
	// Clusters and Configs by cluster name.
	Clusters map[string]*v1alpha1.DRCluster
	Configs  map[string]*v1alpha1.DRClusterConfig
}

// Decide is the policy's status: it reads no clock and does no I/O. What is known of classes is kept while a cluster has
// not reported any.
func Decide(f Facts) v1alpha1.DRPolicyStatus {
	status := *f.Policy.Status.DeepCopy()
	status.ObservedGeneration = f.Policy.Generation
	reason, message := obstacle(f)
	if reason == "" {
		pairs, unpaired := pair(f)
		found := &v1alpha1.PeerClasses{PeerClasses: pairs}
		status.Async, status.Sync, status.Unpaired = found, nil, unpaired
		if f.Policy.Spec.SchedulingInterval == "" {
			status.Async, status.Sync = nil, found
		}
		if len(pairs) == 0 {
			reason, message = "NoPeerClasses", noPeerClasses(f, unpaired)
		}
	}
	condition := metav1.Condition{
		Type: v1alpha1.ConditionValidated, Status: metav1.ConditionFalse, Reason: reason, Message: message,
		ObservedGeneration: f.Policy.Generation, LastTransitionTime: metav1.NewTime(f.Now),
	}
	if reason == "" {
		condition.Status, condition.Reason = metav1.ConditionTrue, "Validated"
		condition.Message = fmt.Sprintf("Volumes can be replicated between %s.", strings.Join(f.Policy.Spec.DRClusters, " and "))
	}
	meta.SetStatusCondition(&status.Conditions, condition)
	return status
}

// obstacle says what stands against using the policy's clusters and what to do; an empty reason means nothing does.
func obstacle(f Facts) (reason, message string) {
	for _, name := range f.Policy.Spec.DRClusters {
		cluster := f.Clusters[name]
		switch {
		case cluster == nil:
			return "ClusterNotFound", fmt.Sprintf("DRCluster %s does not exist; create it.", name)
		case cluster.DeletionTimestamp != nil:
			return "ClusterDeleting", fmt.Sprintf("DRCluster %s is being deleted.", name)
		}
		validated := meta.FindStatusCondition(cluster.Status.Conditions, v1alpha1.ConditionValidated)
		switch {
		case validated == nil:
			return "ClusterNotValidated", fmt.Sprintf("DRCluster %s has not been validated yet.", name)
		case validated.Status != metav1.ConditionTrue:
			return "ClusterNotValidated", fmt.Sprintf("DRCluster %s: %s", name, validated.Message)
		case !reported(f.Configs[name]):
			return "ClusterNotReported", fmt.Sprintf(
				"The agent of %s has not reported the cluster's classes yet (DRClusterConfig %[1]s); see condition Connected of DRCluster %[1]s.", name)
		}
	}
	return "", ""
}

// reported tells whether the agent has written more than the object itself.
func reported(config *v1alpha1.DRClusterConfig) bool {
	return config != nil && (config.Status.LastUpdateTime != nil || len(config.Status.StorageClasses) > 0)
}

func noPeerClasses(f Facts, unpaired []v1alpha1.UnpairedClass) string {
	message := fmt.Sprintf("No StorageClass can be replicated between %s.", strings.Join(f.Policy.Spec.DRClusters, " and "))
	for _, class := range unpaired {
		message += fmt.Sprintf(" %s: %s", class.StorageClassName, class.Message)
	}
	return message
}

// sortedNames are the names of all storage classes of both clusters.
func sortedNames(a, b *v1alpha1.DRClusterConfig) []string {
	var names []string
	for _, config := range []*v1alpha1.DRClusterConfig{a, b} {
		for _, class := range config.Status.StorageClasses {
			names = append(names, class.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
