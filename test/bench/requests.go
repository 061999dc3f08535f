// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"
)

// requestCounter is the metric in which every Kubernetes API server counts the requests it has answered. A watch counts
// when it ends.
const requestCounter = "apiserver_request_total"

// requestKind is what requests are counted by.
type requestKind struct {
	server, verb, group, resource, subresource string
}

// name of the resource.
func (k requestKind) name() string {
	name := k.resource
	if k.subresource != "" {
		name += "/" + k.subresource
	}
	if k.group != "" {
		name += "." + k.group
	}
	return name
}

// apart says that requests of the kind do not count as work for an application: watches stay open for all of them, and
// Leases are renewed as time passes.
func (k requestKind) apart() bool {
	return k.verb == "WATCH" || k.resource == "leases"
}

// writes tells whether requests of the kind change objects.
func (k requestKind) writes() bool { return k.verb != "GET" && k.verb != "LIST" && k.verb != "WATCH" }

// requests are how many were answered until now.
type requests map[requestKind]float64

// since are the requests between two readings.
func (r requests) since(earlier requests) requests {
	answered := requests{}
	for kind, count := range r {
		if n := count - earlier[kind]; n > 0 {
			answered[kind] = n
		}
	}
	return answered
}

// total counts the requests of one server, or of all if it is empty, and those apart.
func (r requests) total(server string) (counted, apart float64) {
	for kind, count := range r {
		switch {
		case server != "" && kind.server != server:
		case kind.apart():
			apart += count
		default:
			counted += count
		}
	}
	return counted, apart
}

// written counts the requests that change objects of a resource, or of any if it is empty, but for those apart.
func (r requests) written(resource string) (count float64) {
	for kind, n := range r {
		if !kind.apart() && kind.writes() && (resource == "" || kind.resource == resource) {
			count += n
		}
	}
	return count
}

// kinds are those requests were counted for, the most frequent first.
func (r requests) kinds() []requestKind {
	return slices.SortedFunc(maps.Keys(r), func(a, b requestKind) int {
		return cmp.Or(cmp.Compare(r[b], r[a]), cmp.Compare(a.server+a.verb+a.name(), b.server+b.verb+b.name()))
	})
}

// readRequests asks every server for its counters.
func readRequests(ctx context.Context, servers map[string]rest.Interface) (requests, error) {
	found := make(chan requests, len(servers))
	group, ctx := errgroup.WithContext(ctx)
	for name, server := range servers {
		group.Go(func() error {
			text, err := server.Get().AbsPath("/metrics").DoRaw(ctx)
			if err != nil {
				return fmt.Errorf("metrics of %s: %w", name, err)
			}
			counted, err := parseRequests(name, text)
			found <- counted
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	close(found)
	all := requests{}
	for counted := range found {
		maps.Copy(all, counted)
	}
	return all, nil
}

// parseRequests reads the counters from a server's metrics. What is no request for a resource (health, discovery,
// the metrics themselves) is left out.
func parseRequests(server string, text []byte) (requests, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("metrics of %s: %w", server, err)
	}
	counted := requests{}
	for _, metric := range families[requestCounter].GetMetric() {
		kind := requestKind{
			server: server, verb: label(metric, "verb"), group: label(metric, "group"),
			resource: label(metric, "resource"), subresource: label(metric, "subresource"),
		}
		if kind.resource != "" {
			counted[kind] += metric.GetCounter().GetValue()
		}
	}
	return counted, nil
}

func label(metric *dto.Metric, name string) string {
	for _, pair := range metric.GetLabel() {
		if pair.GetName() == name {
			return pair.GetValue()
		}
	}
	return ""
}
