// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

const (
	// probeInterval is shorter than a kubelet's, which counts in seconds.
	probeInterval = 100 * time.Millisecond
	probeTimeout  = 5 * time.Second
)

// probe reports the pod ready once all of its probes succeed, one after the other, and unready when its readiness probe
// fails later.
func (p *pod) probe(ctx context.Context) {
	c := p.container()
	for _, probe := range []*corev1.Probe{c.StartupProbe, c.LivenessProbe} {
		if probe == nil {
			continue
		}
		if err := wait.PollUntilContextCancel(ctx, probeInterval, true, func(ctx context.Context) (bool, error) {
			return p.passes(ctx, probe), nil
		}); err != nil {
			return
		}
	}
	_ = wait.PollUntilContextCancel(ctx, probeInterval, true, func(ctx context.Context) (bool, error) {
		if ready := p.passes(ctx, c.ReadinessProbe); ready != p.ready.Load() && ctx.Err() == nil {
			p.setReady(ctx, ready)
		}
		return false, nil
	})
}

// passes makes one try. As a kubelet it does not verify the server.
func (p *pod) passes(ctx context.Context, probe *corev1.Probe) bool {
	if probe == nil {
		return true
	}
	get := probe.HTTPGet
	scheme := strings.ToLower(string(get.Scheme))
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s://%s%s", scheme, p.address(get.Port.StrVal), get.Path), nil)
	if err != nil {
		return false
	}
	client := http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true,
	}}
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}
