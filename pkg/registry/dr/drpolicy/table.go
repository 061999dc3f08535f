// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drpolicy

import (
	"strings"
	"time"

	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/registry/base"
)

type column = base.Column[*dr.DRPolicy]

func newTable() rest.TableConvertor {
	return base.NewTableConvertor(
		column{Name: "Clusters", Description: "The two clusters.",
			Cell: func(p *dr.DRPolicy, _ time.Time) any { return strings.Join(p.Spec.DRClusters, ",") }},
		column{Name: "Interval", Description: "The longest time between two syncs; sync if there is none.",
			Cell: func(p *dr.DRPolicy, _ time.Time) any {
				if p.Spec.SchedulingInterval == "" {
					return "sync"
				}
				return p.Spec.SchedulingInterval
			}},
		column{Name: "Validated", Description: "True while the policy can be used.",
			Cell: func(p *dr.DRPolicy, _ time.Time) any {
				return base.ConditionStatus(p.Status.Conditions, dr.ConditionValidated)
			}},
		column{Name: "Classes", Wide: true, Description: "Storage classes whose volumes can be protected.",
			Cell: func(p *dr.DRPolicy, _ time.Time) any { return classes(p) }},
	)
}

func classes(p *dr.DRPolicy) string {
	if p.Status.Async == nil || len(p.Status.Async.PeerClasses) == 0 {
		return base.None
	}
	names := make([]string, len(p.Status.Async.PeerClasses))
	for i, class := range p.Status.Async.PeerClasses {
		names[i] = class.StorageClassName
	}
	return strings.Join(names, ",")
}
