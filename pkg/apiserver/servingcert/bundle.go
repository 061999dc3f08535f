// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

// Keys of the Secret.
const (
	// CABundleKey has the certificates of all CAs that clients are to trust, the oldest first.
	CABundleKey = "ca.crt"
	// caKeysKey has their keys, in the same order.
	caKeysKey = "ca.key"
)

// pair is a certificate and its key.
type pair struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// bundle is what the Secret holds: the CAs that are trusted, the oldest first, and the certificate that is served.
type bundle struct {
	cas     []pair
	serving *pair
}

// parse reads a Secret. One that holds nothing is an empty bundle.
func parse(data map[string][]byte) (bundle, error) {
	var b bundle
	if len(data[CABundleKey]) == 0 && len(data[corev1.TLSCertKey]) == 0 {
		return b, nil
	}
	certs, err := cert.ParseCertsPEM(data[CABundleKey])
	if err != nil {
		return b, fmt.Errorf("%s: %w", CABundleKey, err)
	}
	keys, err := parseKeys(data[caKeysKey])
	if err != nil {
		return b, fmt.Errorf("%s: %w", caKeysKey, err)
	}
	if len(keys) != len(certs) {
		return b, fmt.Errorf("%s has %d certificates and %s has %d keys", CABundleKey, len(certs), caKeysKey, len(keys))
	}
	for i := range certs {
		ca, err := newPair(certs[i], keys[i])
		if err != nil {
			return b, fmt.Errorf("%s and %s: %w", CABundleKey, caKeysKey, err)
		}
		b.cas = append(b.cas, *ca)
	}
	b.serving, err = parsePair(data[corev1.TLSCertKey], data[corev1.TLSPrivateKeyKey])
	if err != nil {
		return b, fmt.Errorf("%s and %s: %w", corev1.TLSCertKey, corev1.TLSPrivateKeyKey, err)
	}
	return b, nil
}

func parsePair(certPEM, keyPEM []byte) (*pair, error) {
	certs, err := cert.ParseCertsPEM(certPEM)
	if err != nil {
		return nil, err
	}
	keys, err := parseKeys(keyPEM)
	if err != nil {
		return nil, err
	}
	if len(certs) != 1 || len(keys) != 1 {
		return nil, fmt.Errorf("%d certificates and %d keys where one of each belongs", len(certs), len(keys))
	}
	return newPair(certs[0], keys[0])
}

// newPair refuses a key that is another certificate's.
func newPair(c *x509.Certificate, key crypto.Signer) (*pair, error) {
	public, ok := c.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(key.Public()) {
		return nil, fmt.Errorf("the key is not that of certificate %s", c.Subject)
	}
	return &pair{cert: c, key: key}, nil
}

func parseKeys(content []byte) ([]crypto.Signer, error) {
	var keys []crypto.Signer
	for {
		block, rest := pem.Decode(content)
		if block == nil {
			return keys, nil
		}
		key, err := keyutil.ParsePrivateKeyPEM(pem.EncodeToMemory(block))
		if err != nil {
			return nil, err
		}
		signer, ok := key.(crypto.Signer)
		if !ok {
			return nil, errors.New("there is a key that can't sign")
		}
		keys, content = append(keys, signer), rest
	}
}

// data is what parse reads.
func (b bundle) data() (map[string][]byte, error) {
	data := map[string][]byte{CABundleKey: b.caBundle()}
	for _, ca := range b.cas {
		key, err := keyutil.MarshalPrivateKeyToPEM(ca.key)
		if err != nil {
			return nil, err
		}
		data[caKeysKey] = append(data[caKeysKey], key...)
	}
	key, err := keyutil.MarshalPrivateKeyToPEM(b.serving.key)
	if err != nil {
		return nil, err
	}
	data[corev1.TLSCertKey], data[corev1.TLSPrivateKeyKey] = encodeCert(b.serving.cert), key
	return data, nil
}

// caBundle is what a client is to trust.
func (b bundle) caBundle() []byte {
	var all []byte
	for _, ca := range b.cas {
		all = append(all, encodeCert(ca.cert)...)
	}
	return all
}

func encodeCert(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: cert.CertificateBlockType, Bytes: c.Raw})
}

// sameData tells whether a Secret holds already what it is to hold.
func sameData(a, b map[string][]byte) bool {
	return maps.EqualFunc(a, b, bytes.Equal)
}
