// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/ramendr/dr-apiserver/pkg/apiserver"
	"github.com/ramendr/dr-apiserver/pkg/apiserver/options"
)

func TestOnlyTheOneReplicaOfAnEmbeddedStoreMayBeAnAgentToo(t *testing.T) {
	for name, test := range map[string]struct {
		cluster, storage, refused string
	}{
		"hub and agent in one":        {"dr1", options.StorageEmbedded, ""},
		"a hub of several replicas":   {"", options.StorageEtcd, ""},
		"several replicas and agents": {"dr1", options.StorageEtcd, "with --storage=etcd run dr-agent besides"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options.NewOptions()
			o.Storage = test.storage
			err := (&allInOne{cluster: test.cluster}).validate(o)
			if test.refused == "" && err != nil || test.refused != "" && (err == nil || !strings.Contains(err.Error(), test.refused)) {
				t.Errorf("the answer is %v, wanted %q", err, test.refused)
			}
		})
	}
}

func TestTheAgentInTheServerIsWhoAgentsAre(t *testing.T) {
	server := apiserver.ExtraConfig{Hub: &rest.Config{Host: "https://hub.example"}}
	config := (&allInOne{cluster: "dr1"}).config(options.NewOptions(), server)
	if got := config.Hub.Impersonate.UserName; got != "system:serviceaccount:dr-agents:dr1" {
		t.Errorf("on the hub it is %s", got)
	}
	if got := config.Local.Impersonate.UserName; got != "system:serviceaccount:dr-system:dr-agent" {
		t.Errorf("on its cluster it is %s", got)
	}
	if server.Hub.Impersonate.UserName != "" {
		t.Error("the server itself is somebody else now")
	}
}
