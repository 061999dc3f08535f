// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package framework

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Placement returns the DRPlacementControl with which a tenant protects the sample application of a namespace: it prefers
// dr1, can be recovered on dr2, and has the volumes and objects labelled app=NAMESPACE.
func Placement(namespace, name string) *v1alpha1.DRPlacementControl {
	return &v1alpha1.DRPlacementControl{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"app": namespace}},
		Spec: v1alpha1.DRPlacementControlSpec{
			DRPolicyRef:      v1alpha1.DRPolicyReference{Name: Policy},
			PreferredCluster: DR1,
			FailoverCluster:  DR2,
			PVCSelector:      metav1.LabelSelector{MatchLabels: map[string]string{"app": namespace}},
		},
	}
}

// Conditioned is an object with conditions.
type Conditioned interface {
	*v1alpha1.DRPlacementControl | *v1alpha1.DRAction | *v1alpha1.DRPolicy | *v1alpha1.DRCluster | *v1alpha1.VolumeReplicationGroup
}

// Conditions returns the conditions of an object.
func Conditions[T Conditioned](object T) []metav1.Condition {
	switch object := any(object).(type) {
	case *v1alpha1.DRPlacementControl:
		return object.Status.Conditions
	case *v1alpha1.DRAction:
		return object.Status.Conditions
	case *v1alpha1.DRPolicy:
		return object.Status.Conditions
	case *v1alpha1.DRCluster:
		return object.Status.Conditions
	case *v1alpha1.VolumeReplicationGroup:
		return object.Status.Conditions
	}
	return nil
}

// True is the state in which all the conditions are True.
func True[T Conditioned](conditions ...string) Wanted[T] {
	return Wanted[T]{What: strings.Join(conditions, " and "), Reached: func(object T) (bool, string, error) {
		for _, condition := range conditions {
			if !meta.IsStatusConditionTrue(Conditions(object), condition) {
				return false, Describe(object), nil
			}
		}
		return true, Describe(object), nil
	}}
}

// False is the state in which the condition is False with a message that has all the words.
func False[T Conditioned](condition string, words ...string) Wanted[T] {
	return Wanted[T]{
		What: fmt.Sprintf("%s=False with %q in its message", condition, words),
		Reached: func(object T) (bool, string, error) {
			found := meta.FindStatusCondition(Conditions(object), condition)
			reached := found != nil && found.Status == metav1.ConditionFalse && ContainsAll(found.Message, words)
			return reached, Describe(object), nil
		},
	}
}

// ContainsAll says whether all the words are in the message.
func ContainsAll(message string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(message, word) {
			return false
		}
	}
	return true
}

// SettledOn is the state in which the application is protected again on the cluster: it may run there and the other
// cluster could take it over.
func SettledOn(cluster string) Wanted[*v1alpha1.DRPlacementControl] {
	all := True[*v1alpha1.DRPlacementControl](v1alpha1.ConditionAvailable, v1alpha1.ConditionPeerReady, v1alpha1.ConditionProtected)
	return Wanted[*v1alpha1.DRPlacementControl]{
		What: "protected on " + cluster,
		Reached: func(placement *v1alpha1.DRPlacementControl) (bool, string, error) {
			done, seen, err := all.Reached(placement)
			return done && placement.Status.PrimaryCluster == cluster, seen, err
		},
	}
}

// Ended is the state in which the action has ended for the reason; ending for another one is an error.
func Ended(reason string) Wanted[*v1alpha1.DRAction] {
	return Wanted[*v1alpha1.DRAction]{What: reason, Reached: func(action *v1alpha1.DRAction) (bool, string, error) {
		complete := meta.FindStatusCondition(action.Status.Conditions, v1alpha1.ConditionComplete)
		if complete == nil || complete.Status != metav1.ConditionTrue {
			return false, Describe(action), nil
		}
		if complete.Reason != reason {
			return false, Describe(action), fmt.Errorf("it ended as %s: %s", complete.Reason, complete.Message)
		}
		return true, Describe(action), nil
	}}
}

// InStep is the state in which the step of the action is under way.
func InStep(name v1alpha1.StepName) Wanted[*v1alpha1.DRAction] {
	return Wanted[*v1alpha1.DRAction]{What: "in step " + string(name), Reached: func(action *v1alpha1.DRAction) (bool, string, error) {
		for _, step := range action.Status.Steps {
			switch {
			case step.Name != name:
			case step.State == v1alpha1.StepRunning:
				return true, Describe(action), nil
			case step.State != v1alpha1.StepPending:
				return false, Describe(action), fmt.Errorf("the step is %s: %s", step.State, Describe(action))
			}
		}
		return false, Describe(action), nil
	}}
}

// Describe says in a line what state an object is in.
func Describe[T Conditioned](object T) string {
	var words []string
	switch object := any(object).(type) {
	case *v1alpha1.DRPlacementControl:
		words = describePlacement(object)
	case *v1alpha1.DRAction:
		for _, step := range object.Status.Steps {
			words = append(words, fmt.Sprintf("%s %s %s", step.Name, step.State, step.Message))
		}
	case *v1alpha1.VolumeReplicationGroup:
		words = append(words, fmt.Sprintf("asked to be %s/%s in epoch %d (generation %d), reports %s in epoch %d (generation %d)",
			object.Spec.ReplicationState, object.Spec.Action, object.Spec.Epoch, object.Generation,
			object.Status.State, object.Status.Epoch, object.Status.ObservedGeneration))
	}
	for _, c := range Conditions(object) {
		words = append(words, fmt.Sprintf("%s=%s (%s: %s)", c.Type, c.Status, c.Reason, c.Message))
	}
	if len(words) == 0 {
		return "no status yet"
	}
	return strings.Join(words, "; ")
}

func describePlacement(placement *v1alpha1.DRPlacementControl) []string {
	words := []string{fmt.Sprintf("%s on %s in epoch %d", placement.Status.Phase, placement.Status.PrimaryCluster, placement.Status.Epoch)}
	for _, cluster := range placement.Status.Clusters {
		words = append(words, fmt.Sprintf("%s is %s in epoch %d: %s", cluster.Name, cluster.State, cluster.Epoch, cluster.Message))
	}
	if action := placement.Status.CurrentAction; action != nil {
		for _, step := range action.Status.Steps {
			words = append(words, fmt.Sprintf("%s: %s %s %s", action.Name, step.Name, step.State, step.Message))
		}
	}
	return words
}
