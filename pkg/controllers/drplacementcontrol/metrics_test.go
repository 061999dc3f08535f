// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// told counts what a metric tells.
func told(of prometheus.Collector) int {
	metrics := make(chan prometheus.Metric)
	go func() {
		defer close(metrics)
		of.Collect(metrics)
	}()
	count := 0
	for range metrics {
		count++
	}
	return count
}

func TestWhatPlacementsAreLikeIsToldOnlyWhereTheControllersRun(t *testing.T) {
	t.Cleanup(ForgetMetrics)
	ForgetMetrics()
	for _, name := range []string{"shop", "bank"} {
		synced := metav1.NewTime(now)
		placement := &v1alpha1.DRPlacementControl{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: name}}
		recordMetrics(placement, Decision{Status: v1alpha1.DRPlacementControlStatus{LastGroupSyncTime: &synced}})
	}
	if told(isProtected) != 2 || told(lastSync) != 2 {
		t.Fatalf("%d and %d are told of two placements", told(isProtected), told(lastSync))
	}
	forgetMetrics(types.NamespacedName{Namespace: "bank", Name: "bank"})
	if told(isProtected) != 1 || told(lastSync) != 1 {
		t.Errorf("%d and %d are told once one is gone", told(isProtected), told(lastSync))
	}
	ForgetMetrics()
	if told(isProtected) != 0 || told(lastSync) != 0 {
		t.Errorf("%d and %d are told once the controllers have stopped", told(isProtected), told(lastSync))
	}
}
