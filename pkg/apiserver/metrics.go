// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/component-base/metrics/legacyregistry"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

func init() {
	// The server's /metrics shows this registry.
	legacyregistry.RawMustRegister(controllerMetrics{})
}

// controllerMetrics are those that the controllers' library keeps in a registry of its own. What it keeps there of the
// process, of its queues and of its clients has names that the server's registry has too.
type controllerMetrics struct{}

// ownPrefixes are of the names that nobody else uses.
var ownPrefixes = []string{`fqName: "controller_runtime_`, `fqName: "leader_election_`}

// Describe names nothing: controllers add metrics when they start.
func (controllerMetrics) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (controllerMetrics) Collect(to chan<- prometheus.Metric) {
	all := make(chan prometheus.Metric)
	go func() {
		defer close(all)
		metrics.Registry.(prometheus.Collector).Collect(all)
	}()
	for metric := range all {
		for _, prefix := range ownPrefixes {
			if strings.Contains(metric.Desc().String(), prefix) {
				to <- metric
			}
		}
	}
}
