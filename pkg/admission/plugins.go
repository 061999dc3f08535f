// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package admission has the admission plugins that judge what is written against the server's other objects, its
// configuration and what the writer may do besides.
package admission

import (
	"k8s.io/apiserver/pkg/admission"

	"github.com/ramendr/dr-apiserver/pkg/admission/plugin/clusterreference"
	"github.com/ramendr/dr-apiserver/pkg/admission/plugin/policyuse"
	"github.com/ramendr/dr-apiserver/pkg/admission/plugin/protectednamespaces"
	"github.com/ramendr/dr-apiserver/pkg/admission/plugin/s3profiles"
)

// Names are the plugins' names in the order in which they are asked.
var Names = []string{
	clusterreference.PluginName,
	s3profiles.PluginName,
	policyuse.PluginName,
	protectednamespaces.PluginName,
}

// Register makes the plugins known.
func Register(plugins *admission.Plugins) {
	clusterreference.Register(plugins)
	s3profiles.Register(plugins)
	policyuse.Register(plugins)
	protectednamespaces.Register(plugins)
}
