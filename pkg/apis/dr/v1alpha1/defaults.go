// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// DefaultCaptureInterval is the time between two captures where nobody says otherwise.
const DefaultCaptureInterval = 5 * time.Minute

func init() {
	localSchemeBuilder.Register(addDefaultingFuncs)
}

func addDefaultingFuncs(scheme *runtime.Scheme) error {
	return RegisterDefaults(scheme)
}

// SetDefaults_DRPolicySpec takes the clusters from drClusterSet where drClusters does not name them.
func SetDefaults_DRPolicySpec(obj *DRPolicySpec) {
	if len(obj.DRClusters) > 0 {
		return
	}
	for _, member := range obj.DRClusterSet {
		obj.DRClusters = append(obj.DRClusters, member.Name)
	}
}

// SetDefaults_KubeObjectProtection fills in the capture interval.
func SetDefaults_KubeObjectProtection(obj *KubeObjectProtection) {
	if obj.CaptureInterval == nil {
		obj.CaptureInterval = &metav1.Duration{Duration: DefaultCaptureInterval}
	}
}
