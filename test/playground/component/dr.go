// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package component

import (
	"cmp"

	"github.com/ramendr/dr-apiserver/test/playground/pki"
	"github.com/ramendr/dr-apiserver/test/playground/process"
)

// Names of this project's own programs.
const (
	APIServer = "dr-apiserver"
	Agent     = "dr-agent"

	// AuditLog is the log of who asked the server for what.
	AuditLog = APIServer + "-audit"

	agentMetrics = "dr-agent-metrics"
)

// Where dr-apiserver may keep its objects.
const (
	APIStorageEmbedded = "embedded"
	APIStorageHost     = "host"
)

// Namespaces that this project's programs use.
const (
	SystemNamespace = "dr-system"
	AgentNamespace  = "dr-agents"
)

// DRAPIServerCertificate is the one that the aggregator verifies: it calls the server by its Service's name.
func DRAPIServerCertificate() pki.Subject {
	service := APIServer + "." + SystemNamespace
	return pki.Subject{User: APIServer, Hosts: []string{service + ".svc", service, "localhost", "127.0.0.1"}}
}

// DRAPIServer serves dr.ramen.io behind the hub's kube-apiserver.
func (c Cluster) DRAPIServer() process.Spec {
	kubeconfig := c.ProgramKubeconfig(APIServer)
	args := []string{
		"--storage=" + cmp.Or(c.APIStorage, APIStorageEmbedded), "--data-dir=" + c.Dir(APIServer),
		"--kubeconfig=" + kubeconfig,
		"--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig,
		"--config=" + c.RamenConfig(),
		"--namespace=" + SystemNamespace, "--agent-namespace=" + AgentNamespace,
		"--bind-address=127.0.0.1", "--secure-port=" + itoa(c.port(APIServer)),
		"--tls-cert-file=" + c.PKI().Path(APIServer+".crt"), "--tls-private-key-file=" + c.PKI().Path(APIServer+".key"),
		"--audit-policy-file=" + c.Root.Path("artifacts", "hub", "audit", "policy.yaml"), "--audit-log-path=" + c.Root.Log(c.Name, AuditLog),
	}
	return c.process(APIServer, c.Root.Program(APIServer), args, c.serving("https://"+c.Address(APIServer)+"/readyz"), APIServer)
}

// DRAgent acts on the cluster for the hub. Its Lease is short, so that tests learn soon that it is gone.
func (c Cluster) DRAgent() process.Spec {
	args := []string{
		"--cluster-name=" + c.Name,
		"--hub-kubeconfig=" + c.ProgramKubeconfig("hub"),
		"--kubeconfig=" + c.ProgramKubeconfig(Agent),
		"--config=" + c.RamenConfig(),
		"--namespace=" + SystemNamespace, "--agent-namespace=" + AgentNamespace,
		"--lease-duration=8s",
		"--health-probe-bind-address=" + c.Address(Agent), "--metrics-bind-address=" + c.Address(agentMetrics),
	}
	return c.process(Agent, c.Root.Program(Agent), args, c.serving("http://"+c.Address(Agent)+"/healthz"), Agent, agentMetrics)
}

// ProgramKubeconfig is the path of the kubeconfig of one of the cluster's programs.
func (c Cluster) ProgramKubeconfig(name string) string {
	return c.Dir("kubeconfig", name)
}

// RamenConfig is the path of the RamenConfig that the cluster's programs read.
func (c Cluster) RamenConfig() string {
	return c.Dir("ramen_manager_config.yaml")
}
