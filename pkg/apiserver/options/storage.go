// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package options

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/healthz"
	genericoptions "k8s.io/apiserver/pkg/server/options"

	"github.com/ramendr/dr-apiserver/pkg/storage/host"
)

// Values of --storage.
const (
	// StorageEmbedded keeps everything in an etcd inside the process.
	StorageEmbedded = "embedded"
	// StorageEtcd keeps everything in an etcd that exists.
	StorageEtcd = "etcd"
	// StorageHost keeps everything in custom resources of the hub's kube-apiserver.
	StorageHost = "host"
)

// validateStorage says what is wrong with --storage and the flags that go with it.
func (o *Options) validateStorage() []error {
	elsewhere := len(o.Etcd.StorageConfig.Transport.ServerList) > 0
	switch {
	case o.Storage == StorageEtcd:
		return o.Etcd.Validate()
	case o.Storage != StorageEmbedded && o.Storage != StorageHost:
		return []error{fmt.Errorf("--storage=%s: choose %s, %s or %s", o.Storage, StorageEmbedded, StorageEtcd, StorageHost)}
	case elsewhere:
		return []error{errors.New("--etcd-servers goes with --storage=etcd; leave one of them out")}
	case o.Storage == StorageEmbedded && o.DataDir == "":
		return []error{errors.New("--data-dir: name the directory of the embedded etcd")}
	case o.Storage == StorageHost && o.Etcd.EncryptionProviderConfigFilepath != "":
		return []error{errors.New("--encryption-provider-config goes with an etcd; have the hub encrypt records.storage.dr.ramen.io")}
	}
	return nil
}

// applyHostStorage sets up the storage in the hub's kube-apiserver.
func (o *Options) applyHostStorage(c *server.RecommendedConfig) error {
	client, err := host.NewClient(c.ClientConfig, o.Namespace)
	if err != nil {
		return err
	}
	storage := o.Etcd.StorageConfig
	storage.StorageObjectCountTracker = c.StorageObjectCountTracker
	c.RESTOptionsGetter = host.NewRESTOptionsGetter(client,
		o.Etcd.CreateRESTOptionsGetter(&genericoptions.SimpleStorageFactory{StorageConfig: storage}, nil))
	check := healthz.NamedCheck("hub-records", func(r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), storage.ReadycheckTimeout)
		defer cancel()
		return client.Ready(ctx)
	})
	c.AddHealthzChecks(check)
	c.AddReadyzChecks(check)
	return nil
}
