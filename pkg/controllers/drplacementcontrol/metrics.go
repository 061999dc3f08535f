// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/component-base/metrics/legacyregistry"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

var (
	lastSync = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "dr_ramen_last_sync_timestamp_seconds",
		Help: "Point in time, in seconds since the epoch, up to which all volumes of a DRPlacementControl are replicated.",
	}, []string{"namespace", "name"})
	isProtected = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "dr_ramen_protected",
		Help: "1 while a DRPlacementControl's condition Protected is True, else 0.",
	}, []string{"namespace", "name"})
	actionsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "dr_ramen_actions_total",
		Help: "Actions that have ended, by type and by how they ended.",
	}, []string{"type", "result"})
	recoverySeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "dr_ramen_recovery_seconds",
		Help: "Time from the acceptance of an action until the workload could run (until=workload) and until it was " +
			"protected again (until=protected).",
		Buckets: []float64{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180, 600, 1800, 3600},
	}, []string{"type", "until"})
)

func init() {
	// The server's /metrics shows this registry.
	legacyregistry.RawMustRegister(lastSync, isProtected, actionsTotal, recoverySeconds)
}

// recordMetrics tells what a decision that was carried out has changed.
func recordMetrics(before *v1alpha1.DRPlacementControl, d Decision) {
	labels := []string{before.Namespace, before.Name}
	protected := 0.0
	if meta.IsStatusConditionTrue(d.Status.Conditions, v1alpha1.ConditionProtected) {
		protected = 1
	}
	isProtected.WithLabelValues(labels...).Set(protected)
	if d.Status.LastGroupSyncTime != nil {
		lastSync.WithLabelValues(labels...).Set(float64(d.Status.LastGroupSyncTime.Unix()))
	}
	if before.Status.CurrentAction != nil && d.Status.CurrentAction != nil {
		recordAction(before.Status.CurrentAction, d.Status.CurrentAction)
	}
}

func recordAction(before, after *v1alpha1.ActionRecord) {
	actionType := string(after.Spec.Type)
	accepted := after.Status.AcceptedTime
	if !action.Ended(before) && action.Ended(after) {
		complete := meta.FindStatusCondition(after.Status.Conditions, v1alpha1.ConditionComplete)
		actionsTotal.WithLabelValues(actionType, complete.Reason).Inc()
		if ready := after.Status.WorkloadReadyTime; ready != nil && accepted != nil {
			recoverySeconds.WithLabelValues(actionType, "workload").Observe(ready.Sub(accepted.Time).Seconds())
		}
	}
	if protected := after.Status.ProtectedTime; protected != nil && before.Status.ProtectedTime == nil && accepted != nil {
		recoverySeconds.WithLabelValues(actionType, "protected").Observe(protected.Sub(accepted.Time).Seconds())
	}
}

// ForgetMetrics forgets what is true only for as long as the controllers run here: another replica tells that from then on.
func ForgetMetrics() {
	lastSync.Reset()
	isProtected.Reset()
}

func forgetMetrics(key types.NamespacedName) {
	lastSync.DeleteLabelValues(key.Namespace, key.Name)
	isProtected.DeleteLabelValues(key.Namespace, key.Name)
}
