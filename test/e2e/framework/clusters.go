// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package framework

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ramendr/dr-apiserver/pkg/generated/clientset/versioned"
	"github.com/ramendr/dr-apiserver/test/playground/layout"
)

// Names of the clusters and of the policy between them.
const (
	Hub    = "hub"
	DR1    = "dr1"
	DR2    = "dr2"
	Policy = "dr-policy"
)

// VolumeReplications is what csi-addons' VolumeReplications are called.
var VolumeReplications = schema.GroupVersionResource{
	Group: "replication.storage.openshift.io", Version: "v1alpha1", Resource: "volumereplications",
}

// Other is the managed cluster that an application on cluster can be moved to; dr2 if it is on neither.
func Other(cluster string) string {
	if cluster == DR2 {
		return DR1
	}
	return DR2
}

// Identity is somebody's way into a cluster: what they may do there is up to the cluster.
type Identity struct {
	Config  *rest.Config
	Kube    kubernetes.Interface
	DR      versioned.Interface
	Dynamic dynamic.Interface
}

// NewIdentity returns clients for whomever the configuration signs in as. They send as many requests as they are
// asked to.
func NewIdentity(config *rest.Config) (*Identity, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1
	config.WarningHandler = rest.NoWarnings{}
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	dr, err := versioned.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	dynamicClient, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &Identity{Config: config, Kube: kube, DR: dr, Dynamic: dynamicClient}, nil
}

// As returns the clients of another user of the same cluster, whom this one may impersonate.
func (i *Identity) As(user string, groups ...string) (*Identity, error) {
	config := rest.CopyConfig(i.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: append([]string{"system:authenticated"}, groups...)}
	return NewIdentity(config)
}

// Clusters are the clusters of a playground that is up, with the clients of their admins and of the tenant.
type Clusters struct {
	Hub     *Identity
	Managed map[string]*Identity
	Tenant  *Identity
}

// connect reads the kubeconfigs of the playground.
func connect(root layout.Root) (*Clusters, error) {
	clusters := &Clusters{Managed: map[string]*Identity{}}
	for _, name := range []string{Hub, DR1, DR2, "tenant"} {
		config, err := clientcmd.BuildConfigFromFlags("", root.Kubeconfig(name))
		if err != nil {
			return nil, fmt.Errorf("the kubeconfig of %s: %w", name, err)
		}
		identity, err := NewIdentity(config)
		if err != nil {
			return nil, fmt.Errorf("clients of %s: %w", name, err)
		}
		switch name {
		case Hub:
			clusters.Hub = identity
		case "tenant":
			clusters.Tenant = identity
		default:
			clusters.Managed[name] = identity
		}
	}
	return clusters, nil
}
