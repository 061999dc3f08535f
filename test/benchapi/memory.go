// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// settleTime is how long processes are left alone before their memory is read.
const settleTime = 10 * time.Second

// footprint is what a process has in memory.
type footprint struct {
	// resident is what the machine gives it; live is what its Go heap held when garbage was collected last.
	resident, live int64
}

// footprints by process.
type footprints map[string]footprint

// growth is by how much processes grew.
type growth footprints

func (f footprints) since(before footprints) growth {
	grown := growth{}
	for name, now := range f {
		grown[name] = footprint{now.resident - before[name].resident, now.live - before[name].live}
	}
	return grown
}

func (g growth) sum() footprint {
	var sum footprint
	for _, f := range g {
		sum.resident += f.resident
		sum.live += f.live
	}
	return sum
}

func (b *bench) readMemory(ctx context.Context) (footprints, error) {
	select {
	case <-time.After(settleTime):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	all := footprints{}
	for name, p := range b.hub.processes {
		f, err := p.footprint(ctx)
		if err != nil {
			return nil, fmt.Errorf("memory of %s: %w", name, err)
		}
		all[name] = f
	}
	return all, nil
}

func (p process) footprint(ctx context.Context) (footprint, error) {
	var f footprint
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.pid))
	if err != nil {
		return f, err
	}
	pages, err := strconv.ParseInt(strings.Fields(string(content))[1], 10, 64)
	if err != nil {
		return f, err
	}
	f.resident = pages * int64(os.Getpagesize())
	client, err := rest.UnversionedRESTClientFor(unversioned(p.metrics))
	if err != nil {
		return f, err
	}
	data, err := client.Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return f, err
	}
	f.live, err = liveHeap(data)
	return f, err
}

// liveHeap is what the heap held when garbage was collected last: the next collection is due when that has grown by GOGC.
func liveHeap(metrics []byte) (int64, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(metrics))
	if err != nil {
		return 0, err
	}
	gauge := func(name string, otherwise float64) float64 {
		if family := families[name]; family != nil && len(family.Metric) == 1 {
			return family.Metric[0].GetGauge().GetValue()
		}
		return otherwise
	}
	const usual = 100
	return int64(gauge("go_memstats_next_gc_bytes", 0) / (1 + gauge("go_gc_gogc_percent", usual)/100)), nil
}

func unversioned(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	return config
}
