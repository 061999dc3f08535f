// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package options

import (
	"fmt"
	"net/http"
	"time"

	"k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/healthz"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
)

// watchTermination is how long watches may take to end when the server shuts down. Without it the server would wait for
// their clients, and be killed.
const watchTermination = 10 * time.Second

func newServerRunOptions() *genericoptions.ServerRunOptions {
	o := genericoptions.NewServerRunOptions()
	// Requests that come in after the shutdown delay are answered "try again" rather than not at all.
	o.ShutdownSendRetryAfter = true
	o.ShutdownWatchTerminationGracePeriod = watchTermination
	return o
}

// applyStorage sets up the storage. It is ready while it answers; but the server is alive also while it does not: being
// restarted would not help.
func (o *Options) applyStorage(c *server.RecommendedConfig) error {
	if o.Storage == StorageHost {
		return o.applyHostStorage(c)
	}
	o.Etcd.SkipHealthEndpoints = true
	if err := o.Etcd.ApplyTo(&c.Config); err != nil {
		return err
	}
	c.RESTOptionsGetter = explainFull{c.RESTOptionsGetter}
	health, err := factory.CreateHealthCheck(o.Etcd.StorageConfig, c.DrainedNotify())
	if err != nil {
		return fmt.Errorf("checking the storage's health: %w", err)
	}
	check := healthz.NamedCheck("etcd", func(*http.Request) error { return health() })
	c.AddHealthzChecks(check)
	c.AddReadyzChecks(check)
	return nil
}
