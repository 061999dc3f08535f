// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package pki makes the keys and certificates of one cluster.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const validity = 10 * 365 * 24 * time.Hour

// Directory holds the keys and certificates of one cluster in files as kubeadm names them.
type Directory string

// Pair is a certificate and its key, PEM-encoded.
type Pair struct {
	Cert, Key []byte
}

// Subject of a certificate.
type Subject struct {
	User   string
	Groups []string
	// Hosts are the names and addresses of a server; none for a client.
	Hosts []string
}

type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// Path returns a file in the directory.
func (d Directory) Path(name string) string {
	return filepath.Join(string(d), name)
}

// Ensure makes what is missing: the certificate authorities of clients and servers (ca) and of the API aggregator
// (front-proxy-ca), the key that signs ServiceAccount tokens (sa), and a pair for each subject, named by the map's key.
func (d Directory) Ensure(subjects map[string]Subject) error {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return err
	}
	ca, err := d.ensureAuthority("ca")
	if err != nil {
		return err
	}
	frontProxyCA, err := d.ensureAuthority("front-proxy-ca")
	if err != nil {
		return err
	}
	if err := d.ensurePair("front-proxy-client", frontProxyCA, Subject{User: "front-proxy-client"}); err != nil {
		return err
	}
	if err := d.ensureServiceAccountKey(); err != nil {
		return err
	}
	for name, subject := range subjects {
		if err := d.ensurePair(name, ca, subject); err != nil {
			return err
		}
	}
	return nil
}

// Pair reads the certificate and key of a name.
func (d Directory) Pair(name string) (Pair, error) {
	cert, err := os.ReadFile(d.Path(name + ".crt"))
	if err != nil {
		return Pair{}, err
	}
	key, err := os.ReadFile(d.Path(name + ".key"))
	return Pair{Cert: cert, Key: key}, err
}

// CA reads the certificate that clients verify the cluster's servers with.
func (d Directory) CA() ([]byte, error) {
	return os.ReadFile(d.Path("ca.crt"))
}

func (d Directory) ensureAuthority(name string) (*authority, error) {
	if d.has(name + ".crt") {
		return d.loadAuthority(name)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template, err := newTemplate(name)
	if err != nil {
		return nil, err
	}
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", name, err)
	}
	if err := d.writePair(name, der, key); err != nil {
		return nil, err
	}
	return d.loadAuthority(name)
}

func (d Directory) loadAuthority(name string) (*authority, error) {
	pair, err := d.Pair(name)
	if err != nil {
		return nil, err
	}
	certBlock, _ := pem.Decode(pair.Cert)
	keyBlock, _ := pem.Decode(pair.Key)
	if certBlock == nil || keyBlock == nil {
		return nil, fmt.Errorf("%s is damaged", d.Path(name))
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParseECPrivateKey(keyBlock.Bytes)
	return &authority{cert: cert, key: key}, err
}

func (d Directory) ensurePair(name string, ca *authority, subject Subject) error {
	if d.has(name + ".crt") {
		return nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template, err := newTemplate(subject.User)
	if err != nil {
		return err
	}
	template.Subject.Organization = subject.Groups
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	for _, host := range subject.Hosts {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, key.Public(), ca.key)
	if err != nil {
		return fmt.Errorf("sign %s: %w", name, err)
	}
	return d.writePair(name, der, key)
}

func (d Directory) ensureServiceAccountKey() error {
	if d.has("sa.pub") {
		return nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	if err := d.writeKey("sa", key); err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	return d.write("sa.pub", "PUBLIC KEY", public)
}

// writePair writes the certificate last: a certificate that is there has its key.
func (d Directory) writePair(name string, cert []byte, key *ecdsa.PrivateKey) error {
	if err := d.writeKey(name, key); err != nil {
		return err
	}
	return d.write(name+".crt", "CERTIFICATE", cert)
}

func (d Directory) writeKey(name string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return d.write(name+".key", "EC PRIVATE KEY", der)
}

func (d Directory) write(name, kind string, der []byte) error {
	return os.WriteFile(d.Path(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

func (d Directory) has(name string) bool {
	_, err := os.Stat(d.Path(name))
	return err == nil
}

func newTemplate(name string) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(validity),
	}, nil
}
