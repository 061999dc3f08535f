// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"os"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Kubeconfig is a person's or a program's way into a cluster.
type Kubeconfig struct {
	// Cluster is its name and Server its URL.
	Cluster, Server string
	CA              []byte
	// User is its name, who signs in with a certificate or with a token.
	User  string
	Pair  Pair
	Token string
	// Namespace that is meant where none is given.
	Namespace string
}

// Write writes the kubeconfig to a file that only its owner can read. A reader never sees half of it.
func (k Kubeconfig) Write(path string) error {
	config := clientcmdapi.NewConfig()
	config.Clusters[k.Cluster] = &clientcmdapi.Cluster{Server: k.Server, CertificateAuthorityData: k.CA}
	config.AuthInfos[k.User] = &clientcmdapi.AuthInfo{
		ClientCertificateData: k.Pair.Cert, ClientKeyData: k.Pair.Key, Token: k.Token,
	}
	name := k.User + "@" + k.Cluster
	config.Contexts[name] = &clientcmdapi.Context{Cluster: k.Cluster, AuthInfo: k.User, Namespace: k.Namespace}
	config.CurrentContext = name
	content, err := clientcmd.Write(*config)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	temporary := path + ".new"
	if err := os.WriteFile(temporary, content, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
