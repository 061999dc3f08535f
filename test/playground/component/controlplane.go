// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package component

import (
	"os"
	"strings"

	"github.com/ramendr/dr-apiserver/test/playground/pki"
	"github.com/ramendr/dr-apiserver/test/playground/process"
)

// Names of the programs of a control plane.
const (
	Etcd                  = "etcd"
	etcdPeer              = "etcd-peer"
	KubeAPIServer         = "kube-apiserver"
	KubeControllerManager = "kube-controller-manager"
)

// Certificates lists who needs a certificate of the cluster.
func (c Cluster) Certificates() map[string]pki.Subject {
	return map[string]pki.Subject{
		"admin": {User: "admin", Groups: []string{"system:masters"}},
		"apiserver": {User: KubeAPIServer, Hosts: []string{
			"127.0.0.1", "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "10.96.0.1",
		}},
		"controller-manager": {User: KubeControllerManager, Hosts: []string{"127.0.0.1", "localhost"}},
		kubelet:              {User: "system:nodes", Hosts: []string{"127.0.0.1"}},
	}
}

// Etcd is the store under the kube-apiserver. It does not wait for the disk: what a killed process has written is
// not lost, and a machine that goes down takes the whole playground with it.
func (c Cluster) Etcd() process.Spec {
	client, peer := "http://"+c.Address(Etcd), "http://"+c.Address(etcdPeer)
	args := []string{
		"--name=" + c.Name,
		"--data-dir=" + c.Dir("etcd"),
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=" + c.Name + "=" + peer,
		"--unsafe-no-fsync",
		"--log-level=warn",
	}
	return c.process(Etcd, c.Root.Tool(Etcd), args, c.serving(client+"/readyz"), Etcd, etcdPeer)
}

// KubeAPIServer has authentication, authorization, admission and aggregation as kubeadm sets them up. It writes an audit log if
// there is a policy for one.
func (c Cluster) KubeAPIServer() process.Spec {
	pki := c.PKI()
	args := []string{
		"--etcd-servers=http://" + c.Address(Etcd),
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none",
		"--secure-port=" + itoa(c.port(KubeAPIServer)),
		"--tls-cert-file=" + pki.Path("apiserver.crt"), "--tls-private-key-file=" + pki.Path("apiserver.key"),
		"--client-ca-file=" + pki.Path("ca.crt"),
		"--kubelet-certificate-authority=" + pki.Path("ca.crt"), "--kubelet-preferred-address-types=InternalIP",
		"--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + pki.Path("sa.pub"),
		"--service-account-signing-key-file=" + pki.Path("sa.key"),
		"--service-cluster-ip-range=10.96.0.0/16",
		"--requestheader-client-ca-file=" + pki.Path("front-proxy-ca.crt"),
		"--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-uid-headers=X-Remote-Uid",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + pki.Path("front-proxy-client.crt"),
		"--proxy-client-key-file=" + pki.Path("front-proxy-client.key"),
		"--profiling=false",
	}
	if _, err := os.Stat(c.AuditPolicy()); err == nil {
		args = append(args, "--audit-policy-file="+c.AuditPolicy(), "--audit-log-path="+c.AuditLog())
	}
	spec := c.process(KubeAPIServer, c.Root.Tool(KubeAPIServer), args, c.serving(c.APIServer()+"/readyz"), KubeAPIServer)
	// A fifth less work for some memory more: most of it is garbage of the first seconds.
	spec.Env = []string{"GOGC=200"}
	return spec
}

// AuditPolicy is the path of the file by which the kube-apiserver writes its audit log; none if there is no such file when it
// starts.
func (c Cluster) AuditPolicy() string { return c.Dir("audit-policy.yaml") }

// AuditLog is the path of the kube-apiserver's audit log.
func (c Cluster) AuditLog() string { return c.Root.Log(c.Name, "audit") }

// hubControllers are what any API server needs around it.
var hubControllers = []string{
	"namespace-controller", "garbage-collector-controller", "serviceaccount-controller", "serviceaccount-token-controller",
	"root-ca-certificate-publisher-controller", "clusterrole-aggregation-controller", "resourcequota-controller",
	"deployment-controller", "replicaset-controller", "persistentvolumeclaim-protection-controller",
}

// workloadControllers are what applications need besides.
var workloadControllers = []string{
	"statefulset-controller", "job-controller",
	"persistentvolume-binder-controller", "persistentvolume-protection-controller", "endpointslice-controller",
}

// KubeControllerManager runs the controllers. Many applications move at once here, so it works at many at once.
func (c Cluster) KubeControllerManager(managed bool) process.Spec {
	controllers := hubControllers
	if managed {
		controllers = append(append([]string{}, hubControllers...), workloadControllers...)
	}
	pki := c.PKI()
	args := []string{
		"--kubeconfig=" + c.Kubeconfig(),
		"--authentication-kubeconfig=" + c.Kubeconfig(), "--authorization-kubeconfig=" + c.Kubeconfig(),
		"--authorization-always-allow-paths=/healthz",
		"--controllers=" + strings.Join(controllers, ","),
		"--leader-elect=false",
		"--bind-address=127.0.0.1", "--secure-port=" + itoa(c.port(KubeControllerManager)),
		"--tls-cert-file=" + pki.Path("controller-manager.crt"),
		"--tls-private-key-file=" + pki.Path("controller-manager.key"),
		"--root-ca-file=" + pki.Path("ca.crt"),
		"--service-account-private-key-file=" + pki.Path("sa.key"),
		"--kube-api-qps=1000", "--kube-api-burst=2000",
		"--concurrent-statefulset-syncs=20", "--concurrent-deployment-syncs=20", "--concurrent-replicaset-syncs=20",
		"--concurrent-job-syncs=20",
		"--profiling=false",
	}
	ready := c.serving("https://" + c.Address(KubeControllerManager) + "/healthz")
	return c.process(KubeControllerManager, c.Root.Tool(KubeControllerManager), args, ready, KubeControllerManager)
}
