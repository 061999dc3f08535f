// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package mover

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// traffic is what a source sent, and what it was answered.
type traffic struct{ sent, received int64 }

// RegisterLogs serves what movers have printed that have ended, as a kubelet does.
func (m *Movers) RegisterLogs(mux *http.ServeMux) {
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", func(w http.ResponseWriter, r *http.Request) {
		pod := types.NamespacedName{Namespace: r.PathValue("namespace"), Name: r.PathValue("pod")}
		m.mu.Lock()
		text, printed := m.logs[pod]
		m.mu.Unlock()
		if !printed {
			http.Error(w, fmt.Sprintf("pod %s has printed nothing", pod), http.StatusNotFound)
			return
		}
		_, _ = io.WriteString(w, text)
	})
}

func (m *Movers) print(pod types.NamespacedName, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.logs[pod] = text
}

func (m *Movers) forgetLog(pod types.NamespacedName) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.logs, pod)
}

// sourceLog is what VolSync's script prints that calls rsync, or diskrsync for a raw volume, as far as VolSync cares.
func sourceLog(pod *corev1.Pod, t traffic, size int64, took time.Duration, err error) string {
	seconds := int(took.Seconds())
	switch {
	case err != nil:
		return fmt.Sprintf("rsync error: %v\nrsync completed in %ds\nSynchronization failed. rsync returned: 1\n", err, seconds)
	case raw(pod):
		return fmt.Sprintf("diskrsync completed in %ds\n", seconds)
	}
	rate := float64(t.sent+t.received) / max(took.Seconds(), time.Millisecond.Seconds())
	return strings.Join([]string{
		fmt.Sprintf("sent %s bytes  received %s bytes  %s bytes/sec", withUnit(t.sent), withUnit(t.received), withUnit(int64(rate))),
		fmt.Sprintf("total size is %s  speedup is %.2f", withUnit(size), float64(size)/float64(max(t.sent+t.received, 1))),
		fmt.Sprintf("rsync completed in %ds", seconds), "",
	}, "\n")
}

func raw(pod *corev1.Pod) bool {
	for _, c := range pod.Spec.Containers {
		if len(c.VolumeDevices) > 0 {
			return true
		}
	}
	return false
}

// withUnit writes a number as rsync does when it is asked for numbers that people can read.
func withUnit(n int64) string {
	const thousand = 1000
	if n < thousand {
		return fmt.Sprint(n)
	}
	value, unit := float64(n), ""
	for _, unit = range []string{"K", "M", "G", "T"} {
		if value /= thousand; value < thousand {
			break
		}
	}
	return fmt.Sprintf("%.2f%s", value, unit)
}
