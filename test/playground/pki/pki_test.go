// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/tls"
	"crypto/x509"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

func ensure(t *testing.T, d Directory) {
	t.Helper()
	err := d.Ensure(map[string]Subject{
		"apiserver": {User: "apiserver", Hosts: []string{"127.0.0.1", "dr-apiserver.dr-system.svc"}},
		"admin":     {User: "admin", Groups: []string{"system:masters"}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func leaf(t *testing.T, d Directory, name string) *x509.Certificate {
	t.Helper()
	pair, err := d.Pair(name)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	return loaded.Leaf
}

func trust(t *testing.T, d Directory) *x509.CertPool {
	t.Helper()
	ca, err := d.CA()
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	return pool
}

func TestServersAndClientsAreTrustedInTheirCluster(t *testing.T) {
	d := Directory(t.TempDir())
	ensure(t, d)
	for _, host := range []string{"127.0.0.1", "dr-apiserver.dr-system.svc"} {
		options := x509.VerifyOptions{Roots: trust(t, d), DNSName: host, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
		if _, err := leaf(t, d, "apiserver").Verify(options); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	admin := leaf(t, d, "admin")
	options := x509.VerifyOptions{Roots: trust(t, d), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if _, err := admin.Verify(options); err != nil {
		t.Error(err)
	}
	if admin.Subject.CommonName != "admin" || len(admin.Subject.Organization) != 1 || admin.Subject.Organization[0] != "system:masters" {
		t.Errorf("the subject is %s", admin.Subject)
	}
}

func TestAClientOfOneClusterIsNotTrustedInAnother(t *testing.T) {
	one, other := Directory(t.TempDir()), Directory(t.TempDir())
	ensure(t, one)
	ensure(t, other)
	options := x509.VerifyOptions{Roots: trust(t, other), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if _, err := leaf(t, one, "admin").Verify(options); err == nil {
		t.Error("it is trusted")
	}
}

func TestWhatIsThereIsKept(t *testing.T) {
	directory := t.TempDir()
	ensure(t, Directory(directory))
	before := contents(t, directory)
	ensure(t, Directory(directory))
	if !maps.Equal(before, contents(t, directory)) {
		t.Error("keys or certificates have changed")
	}
	for name := range before {
		info, err := os.Stat(filepath.Join(directory, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s can be read by others: %s", name, info.Mode())
		}
	}
}

func contents(t *testing.T, directory string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(directory, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[entry.Name()] = string(content)
	}
	return all
}

func TestAKubeconfigLeadsToItsServer(t *testing.T) {
	d := Directory(t.TempDir())
	ensure(t, d)
	pair, err := d.Pair("admin")
	if err != nil {
		t.Fatal(err)
	}
	ca, err := d.CA()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "deep", "kubeconfig")
	err = Kubeconfig{
		Cluster: "hub", Server: "https://127.0.0.1:1", CA: ca, User: "tenant", Pair: pair, Namespace: "shop",
	}.Write(path)
	if err != nil {
		t.Fatal(err)
	}
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		&clientcmd.ClientConfigLoadingRules{ExplicitPath: path}, nil)
	config, err := loader.ClientConfig()
	if err != nil {
		t.Fatal(err)
	}
	namespace, _, err := loader.Namespace()
	if err != nil {
		t.Fatal(err)
	}
	if config.Host != "https://127.0.0.1:1" || namespace != "shop" || string(config.CertData) != string(pair.Cert) {
		t.Errorf("got %s in namespace %s", config.Host, namespace)
	}
}
