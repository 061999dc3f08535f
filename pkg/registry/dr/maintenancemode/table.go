// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package maintenancemode

import (
	"strings"
	"time"

	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/registry/base"
)

type column = base.Column[*dr.MaintenanceMode]

func newTable() rest.TableConvertor {
	return base.NewTableConvertor(
		column{Name: "Cluster", Description: "The cluster whose storage is asked.",
			Cell: func(m *dr.MaintenanceMode, _ time.Time) any { return m.Spec.ClusterName }},
		column{Name: "Provisioner", Description: "The storage's driver.",
			Cell: func(m *dr.MaintenanceMode, _ time.Time) any { return m.Spec.StorageProvisioner }},
		column{Name: "Target", Description: "What the storage knows it by.",
			Cell: func(m *dr.MaintenanceMode, _ time.Time) any { return base.OrNone(m.Spec.TargetID) }},
		column{Name: "State", Description: "How far the storage is.",
			Cell: func(m *dr.MaintenanceMode, _ time.Time) any { return base.OrNone(m.Status.State) }},
		column{Name: "Activated", Description: "True while copies may be promoted.",
			Cell: func(m *dr.MaintenanceMode, _ time.Time) any {
				return base.ConditionStatus(m.Status.Conditions, v1alpha1.ConditionFailoverActivated)
			}},
		column{Name: "Modes", Wide: true, Description: "What is asked for.", Cell: modes},
	)
}

func modes(m *dr.MaintenanceMode, _ time.Time) any {
	names := make([]string, 0, len(m.Spec.Modes))
	for _, mode := range m.Spec.Modes {
		names = append(names, string(mode))
	}
	return strings.Join(names, ",")
}
