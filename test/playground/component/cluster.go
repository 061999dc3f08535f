// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package component knows the command line of every program of a cluster, and when it is ready.
package component

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"strconv"

	"github.com/ramendr/dr-apiserver/pkg/failpoint"
	"github.com/ramendr/dr-apiserver/test/playground/layout"
	"github.com/ramendr/dr-apiserver/test/playground/network"
	"github.com/ramendr/dr-apiserver/test/playground/pki"
	"github.com/ramendr/dr-apiserver/test/playground/process"
)

// Cluster is one cluster as its programs see it.
type Cluster struct {
	Root  layout.Root
	Name  string
	Ports *network.Ports
	// CA verifies the cluster's servers.
	CA []byte
	// APIStorage is where dr-apiserver keeps its objects, embedded unless something else is said.
	APIStorage string
}

// Dir returns a path in the directory of what the cluster keeps.
func (c Cluster) Dir(elements ...string) string {
	return c.Root.Run(append([]string{c.Name}, elements...)...)
}

// PKI of the cluster.
func (c Cluster) PKI() pki.Directory {
	return pki.Directory(c.Dir("pki"))
}

// Failpoints is the directory in which failpoints of one of the cluster's programs are armed, should it be built to heed them.
func (c Cluster) Failpoints(program string) string {
	return c.Dir("failpoints", program)
}

// Kubeconfig is the path of the cluster's admin kubeconfig.
func (c Cluster) Kubeconfig() string {
	return c.Root.Kubeconfig(c.Name)
}

// APIServer is the URL of the cluster's kube-apiserver.
func (c Cluster) APIServer() string {
	return "https://" + network.Address(c.port(KubeAPIServer))
}

// PortNames are the names of the ports that a cluster's own programs listen on.
func PortNames(cluster string, managed bool) []string {
	names := []string{Etcd, etcdPeer, KubeAPIServer, KubeControllerManager}
	if managed {
		names = append(names, S3, Storage, storageSidecar, kubelet, CSIAddons, Provisioner, SnapshotController, Snapshotter, VolSync,
			Agent, agentMetrics, Kwok)
	} else {
		names = append(names, APIServer)
	}
	for i := range names {
		names[i] = cluster + "/" + names[i]
	}
	return names
}

// Programs are the names of a cluster's programs. Storage that answers at once does without CSIAddons.
func Programs(managed, instantStorage bool) []string {
	names := []string{Etcd, KubeAPIServer, KubeControllerManager}
	if !managed {
		return append(names, APIServer)
	}
	names = append(names, S3, Storage, Provisioner, SnapshotController, Snapshotter, VolSync, Agent, Kwok)
	if instantStorage {
		return names
	}
	return append(names, CSIAddons)
}

// Address a program of the cluster listens on.
func (c Cluster) Address(name string) string {
	return network.Address(c.port(name))
}

func (c Cluster) port(name string) int {
	return c.Ports.Get(c.Name + "/" + name)
}

// process fills in what all programs have in common. The ports are given by their names.
func (c Cluster) process(name, path string, args []string, ready func(context.Context) error, ports ...string) process.Spec {
	spec := process.Spec{
		Cluster: c.Name, Name: name, Path: path, Args: args,
		Log: c.Root.Log(c.Name, name), Ready: ready,
		Env: []string{failpoint.Environment + "=" + c.Failpoints(name)},
	}
	for _, port := range ports {
		spec.Ports = append(spec.Ports, c.port(port))
	}
	return spec
}

// serving is ready once the URL answers 200. It verifies the server if the URL is an https one.
func (c Cluster) serving(url string) func(context.Context) error {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(c.CA)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true,
	}}
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s", url, response.Status)
		}
		return nil
	}
}

// listening is ready once the address takes connections.
func listening(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp4", address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

func itoa(n int) string {
	return strconv.Itoa(n)
}
