// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package drinitializer gives the server's own admission plugins what they look things up in.
package drinitializer

import (
	"context"

	"k8s.io/apiserver/pkg/admission"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/config"
)

// Objects are the objects of this server that others refer to. What there is not is answered with a NotFound.
type Objects interface {
	Policy(ctx context.Context, name string) (*dr.DRPolicy, error)
	Cluster(ctx context.Context, name string) (*dr.DRCluster, error)
	Clusters(ctx context.Context) ([]dr.DRCluster, error)
}

// Profiles finds an object store of the server's configuration by its name.
type Profiles interface {
	Profile(name string) (config.S3StoreProfile, error)
}

// WantsObjects is a plugin that looks objects up.
type WantsObjects interface {
	SetObjects(Objects)
	admission.InitializationValidator
}

// WantsProfiles is a plugin that looks object stores up.
type WantsProfiles interface {
	SetProfiles(Profiles)
	admission.InitializationValidator
}

type initializer struct {
	objects  Objects
	profiles Profiles
}

// New returns what initializes the plugins that want objects or profiles.
func New(objects Objects, profiles Profiles) admission.PluginInitializer {
	return initializer{objects: objects, profiles: profiles}
}

// Initialize gives the plugin what it wants.
func (i initializer) Initialize(plugin admission.Interface) {
	if wants, ok := plugin.(WantsObjects); ok {
		wants.SetObjects(i.objects)
	}
	if wants, ok := plugin.(WantsProfiles); ok {
		wants.SetProfiles(i.profiles)
	}
}
