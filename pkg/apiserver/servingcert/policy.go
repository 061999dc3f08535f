// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"slices"
	"time"
)

const (
	// backdate lets clients trust what was just issued although their clocks are behind.
	backdate = time.Hour
	// caLifetimes is how many times as long as a certificate its CA is valid.
	caLifetimes = 4
)

// Policy says what is issued and for how long. Everything follows from it, from what was issued before, and from the time;
// replicas that share a Secret need no leader.
type Policy struct {
	// Hosts are the names the certificate is for.
	Hosts []string
	// Lifetime is how long a certificate is valid. It is renewed when a third of that is left. A CA is valid four times as
	// long; its successor is in the bundle for a third of a lifetime before it signs anything, and it stays in the bundle
	// until it expires, so that at any time the bundle trusts whatever any replica serves.
	Lifetime time.Duration
}

// next is what is to be held instead of what is held, which it may be already.
func (p Policy) next(held bundle, now time.Time) (bundle, error) {
	next := bundle{cas: slices.DeleteFunc(slices.Clone(held.cas), func(ca pair) bool { return !now.Before(ca.cert.NotAfter) })}
	if len(next.cas) == 0 || !now.Before(renewal(next.cas[len(next.cas)-1].cert)) {
		ca, err := p.issueCA(now)
		if err != nil {
			return held, fmt.Errorf("issuing a CA: %w", err)
		}
		next.cas = append(next.cas, *ca)
	}
	signer := p.signer(next.cas, now)
	if p.good(held.serving, signer, now) {
		next.serving = held.serving
		return next, nil
	}
	serving, err := p.issueServing(signer, now)
	if err != nil {
		return held, fmt.Errorf("issuing a serving certificate: %w", err)
	}
	next.serving = serving
	return next, nil
}

// wakeUp is when next will have something to do.
func (p Policy) wakeUp(held bundle) time.Time {
	newest := held.cas[len(held.cas)-1].cert
	times := []time.Time{renewal(held.serving.cert), renewal(newest), held.cas[0].cert.NotAfter}
	if held.serving.cert.CheckSignatureFrom(newest) != nil {
		times = append(times, p.known(newest))
	}
	return slices.MinFunc(times, time.Time.Compare)
}

// signer is the newest CA that every client knows by now; the very first is known to none, and all there is.
func (p Policy) signer(cas []pair, now time.Time) pair {
	for _, ca := range slices.Backward(cas) {
		if !now.Before(p.known(ca.cert)) {
			return ca
		}
	}
	return cas[0]
}

// known is when every client has had time to learn of a CA.
func (p Policy) known(ca *x509.Certificate) time.Time { return issued(ca).Add(p.Lifetime / 3) }

// good tells whether a certificate can go on being served.
func (p Policy) good(serving *pair, signer pair, now time.Time) bool {
	if serving == nil || serving.cert.CheckSignatureFrom(signer.cert) != nil || !now.Before(renewal(serving.cert)) {
		return false
	}
	for _, host := range p.Hosts {
		if serving.cert.VerifyHostname(host) != nil {
			return false
		}
	}
	return true
}

// issued is when a certificate was issued.
func issued(c *x509.Certificate) time.Time { return c.NotBefore.Add(backdate) }

// renewal is when a third of a certificate's lifetime is left.
func renewal(c *x509.Certificate) time.Time {
	return issued(c).Add(c.NotAfter.Sub(issued(c)) * 2 / 3)
}

func (p Policy) issueCA(now time.Time) (*pair, error) {
	template := &x509.Certificate{
		// Certificates name their CA. Two of the same name would have to be told apart by trying both.
		Subject:               pkix.Name{CommonName: fmt.Sprintf("dr-apiserver-ca@%d", now.UnixNano())},
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	return issue(template, nil, now, caLifetimes*p.Lifetime)
}

func (p Policy) issueServing(ca pair, now time.Time) (*pair, error) {
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: p.Hosts[0]},
		DNSNames:    p.Hosts,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	return issue(template, &ca, now, p.Lifetime)
}

// issue signs a certificate for a new key; without a CA it signs itself. Certificates know whole seconds only: it is taken
// to be issued at the next one, so that nobody trusts it too late.
func issue(template *x509.Certificate, ca *pair, now time.Time, lifetime time.Duration) (*pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
		return nil, err
	}
	second := now.Truncate(time.Second).Add(time.Second)
	template.NotBefore, template.NotAfter = second.Add(-backdate), second.Add(lifetime)
	parent, signer := template, crypto.Signer(key)
	if ca != nil {
		parent, signer = ca.cert, ca.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, err
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &pair{cert: c, key: key}, nil
}
