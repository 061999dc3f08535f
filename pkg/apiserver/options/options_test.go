// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package options

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestCommandLines(t *testing.T) {
	const config = "--config=ramen.yaml"
	tests := map[string]struct {
		args    []string
		refused string
	}{
		"as in the hub":               {args: []string{config}},
		"with an etcd that exists":    {args: []string{config, "--storage=etcd", "--etcd-servers=http://127.0.0.1:2379"}},
		"without a configuration":     {args: nil, refused: "--config: name the RamenConfig file"},
		"with a storage there is not": {args: []string{config, "--storage=sqlite"}, refused: "choose embedded, etcd or host"},
		"with the hub as storage":     {args: []string{config, "--storage=host", "--data-dir="}},
		"with the hub and an etcd": {
			args: []string{config, "--storage=host", "--etcd-servers=http://127.0.0.1:2379"}, refused: "--etcd-servers goes with --storage=etcd",
		},
		"with the hub and encryption of one's own": {
			args: []string{config, "--storage=host", "--encryption-provider-config=x"}, refused: "have the hub encrypt",
		},
		"with an etcd that is nowhere": {
			args: []string{config, "--storage=etcd"}, refused: "--etcd-servers must be specified",
		},
		"with both an etcd of its own and another": {
			args: []string{config, "--etcd-servers=http://127.0.0.1:2379"}, refused: "--etcd-servers goes with --storage=etcd",
		},
		"with a certificate of its own": {args: []string{config, "--serving-cert-secret=cert"}},
		"with a certificate of its own and another": {
			args: []string{config, "--serving-cert-secret=cert", "--tls-cert-file=x", "--tls-private-key-file=y"}, refused: "leave one of them out",
		},
		"with a certificate that lasts no time": {
			args: []string{config, "--serving-cert-secret=cert", "--serving-cert-lifetime=1s"}, refused: "choose at least 3s",
		},
		"with a certificate for no Service": {
			args: []string{config, "--serving-cert-secret=cert", "--serving-cert-service="}, refused: "name the Service",
		},
		"without a directory": {args: []string{config, "--data-dir="}, refused: "--data-dir"},
		"without a namespace": {args: []string{config, "--agent-namespace="}, refused: "--agent-namespace"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o := parse(t, test.args)
			err := o.Validate()
			if test.refused == "" && err != nil || test.refused != "" && (err == nil || !strings.Contains(err.Error(), test.refused)) {
				t.Errorf("the answer is %v, wanted %q", err, test.refused)
			}
		})
	}
}

func TestOneKubeconfigIsForAllThatHasToDoWithTheHub(t *testing.T) {
	o := parse(t, []string{"--kubeconfig=hub", "--authorization-kubeconfig=other", "--tls-cert-file=x", "--tls-private-key-file=x"})
	if err := o.Complete(); err != nil {
		t.Fatal(err)
	}
	if o.Authentication.RemoteKubeConfigFile != "hub" || o.Authorization.RemoteKubeConfigFile != "other" || o.CoreAPI.CoreAPIKubeconfigPath != "hub" {
		t.Errorf("authentication by %q, authorization by %q, the rest by %q",
			o.Authentication.RemoteKubeConfigFile, o.Authorization.RemoteKubeConfigFile, o.CoreAPI.CoreAPIKubeconfigPath)
	}
}

func parse(t *testing.T, args []string) *Options {
	t.Helper()
	o := NewOptions()
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, section := range o.Flags().FlagSets {
		flags.AddFlagSet(section)
	}
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return o
}
