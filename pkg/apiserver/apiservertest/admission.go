// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package apiservertest

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/server"

	dradmission "github.com/ramendr/dr-apiserver/pkg/admission"
	"github.com/ramendr/dr-apiserver/pkg/admission/drinitializer"
)

// Option changes how the API is run.
type Option func(*server.RecommendedConfig, *drinitializer.Storages) error

// WithAdmission has what is written judged by the server's own admission plugins: by the object stores there are and by what
// the authorizer says that the writer may do besides. The plugins that need a hub are not there.
func WithAdmission(profiles drinitializer.Profiles, writers authorizer.Authorizer) Option {
	return func(config *server.RecommendedConfig, objects *drinitializer.Storages) error {
		plugins := admission.NewPlugins()
		dradmission.Register(plugins)
		configuration, err := admission.ReadAdmissionConfiguration(dradmission.Names, "", runtime.NewScheme())
		if err != nil {
			return err
		}
		config.AdmissionControl, err = plugins.NewFromPlugins(dradmission.Names, configuration, admission.PluginInitializers{
			initializer.New(nil, nil, nil, writers, nil, nil, nil, nil),
			drinitializer.New(objects, profiles),
		}, nil)
		return err
	}
}
