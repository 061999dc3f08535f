// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drpolicy

import (
	"cmp"
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
		column{Name: "Classes", Wide: true, Description: "Storage classes whose volumes can be protected, and how.",
			Cell: func(p *dr.DRPolicy, _ time.Time) any { return classes(p) }},
		column{Name: "Unpaired", Wide: true, Description: "Storage classes whose volumes can't; status.unpaired says why.",
			Cell: func(p *dr.DRPolicy, _ time.Time) any { return unpaired(p) }},
	)
}

// classes are the paired storage classes, each with its method if the policy says it.
func classes(p *dr.DRPolicy) string {
	var words []string
	for _, found := range []*dr.PeerClasses{p.Status.Async, p.Status.Sync} {
		if found == nil {
			continue
		}
		for _, class := range found.PeerClasses {
			word := class.StorageClassName
			if class.Method != "" {
				word += "=" + string(class.Method)
			}
			words = append(words, word)
		}
	}
	return cmp.Or(strings.Join(words, ","), base.None)
}

func unpaired(p *dr.DRPolicy) string {
	var names []string
	for _, class := range p.Status.Unpaired {
		names = append(names, class.StorageClassName)
	}
	return cmp.Or(strings.Join(names, ","), base.None)
}
