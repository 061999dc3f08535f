// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// collections is how often each process is to collect garbage before its memory is read, and provocations bounds how often
// that is provoked: a process that has next to nothing to do with the objects does not collect.
const (
	collections  = 2
	provocations = 30
)

// footprint is what a process has in memory.
type footprint struct {
	// resident is what the machine gives it; live is what its Go heap held when garbage was collected last.
	resident, live int64
	// collected is how often that was.
	collected uint64
}

// footprints by process.
type footprints map[string]footprint

// growth is by how much processes grew.
type growth footprints

func (f footprints) since(before footprints) growth {
	grown := growth{}
	for name, now := range f {
		grown[name] = footprint{resident: now.resident - before[name].resident, live: now.live - before[name].live}
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

// readMemory reads the memory of all processes once they have collected their garbage. Lists make garbage: one that the
// watch caches answer, and one of the past, which the stores do.
func (b *bench) readMemory(ctx context.Context) (footprints, error) {
	first, err := b.footprints(ctx)
	if err != nil {
		return nil, err
	}
	now := first
	for range provocations {
		for _, s := range b.sides {
			if err := s.makeGarbage(ctx); err != nil {
				return nil, fmt.Errorf("lists of %s: %w", s.name, err)
			}
		}
		if now, err = b.footprints(ctx); err != nil || now.collectedSince(first) {
			return now, err
		}
	}
	return now, nil
}

func (s *side) makeGarbage(ctx context.Context) error {
	version, err := s.resourceVersion(ctx)
	if err != nil {
		return err
	}
	if _, err := s.list(ctx, metav1.ListOptions{ResourceVersion: "0"}); err != nil {
		return err
	}
	_, err = s.list(ctx, metav1.ListOptions{ResourceVersion: version, ResourceVersionMatch: metav1.ResourceVersionMatchExact})
	return err
}

func (f footprints) collectedSince(first footprints) bool {
	for name, now := range f {
		if now.collected < first[name].collected+collections {
			return false
		}
	}
	return true
}

func (b *bench) footprints(ctx context.Context) (footprints, error) {
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
	growth, err := p.gogc()
	if err != nil {
		return f, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(data))
	if err != nil {
		return f, err
	}
	next, collected := families["go_memstats_next_gc_bytes"].GetMetric(), families["go_gc_duration_seconds"].GetMetric()
	if len(next) != 1 || len(collected) != 1 {
		return f, errors.New("it does not tell about its heap")
	}
	// The next collection is due when what the heap held has grown by GOGC.
	f.live = int64(next[0].GetGauge().GetValue() / (1 + growth/100))
	f.collected = collected[0].GetSummary().GetSampleCount()
	return f, nil
}

// gogc is the percentage by which the process's heap grows between two collections.
func (p process) gogc() (float64, error) {
	const usual = 100
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.pid))
	if err != nil {
		return 0, err
	}
	for variable := range bytes.SplitSeq(content, []byte{0}) {
		if value, found := bytes.CutPrefix(variable, []byte("GOGC=")); found {
			return strconv.ParseFloat(string(value), 64)
		}
	}
	return usual, nil
}

func unversioned(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	return config
}
