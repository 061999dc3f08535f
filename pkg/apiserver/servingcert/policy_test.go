// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"crypto/x509"
	"testing"
	"time"
)

const host = "dr-apiserver.dr-system.svc"

var (
	policy = Policy{Hosts: []string{host}, Lifetime: 90 * 24 * time.Hour}
	start  = time.Date(2026, 3, 1, 12, 0, 0, 500, time.UTC)
)

// verify is what a client that trusts the bundle says of the certificate at that time.
func verify(trusted, served bundle, now time.Time) error {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(trusted.caBundle())
	_, err := served.serving.cert.Verify(x509.VerifyOptions{DNSName: host, Roots: pool, CurrentTime: now})
	return err
}

func mustNext(t *testing.T, p Policy, held bundle, now time.Time) bundle {
	t.Helper()
	next, err := p.next(held, now)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func TestAtAnyTimeAClientThatLearnsLateTrustsAReplicaThatRenewsLate(t *testing.T) {
	lag := policy.Lifetime/3 - time.Hour
	const step = 12 * time.Hour
	var history []bundle // by steps
	at := func(now time.Time) bundle { return history[max(0, int(now.Sub(start)/step))] }
	var held bundle
	certificates, cas := map[string]bool{}, map[string]bool{}
	for now := start; now.Before(start.Add(12 * policy.Lifetime)); now = now.Add(step) {
		held = mustNext(t, policy, held, now)
		history = append(history, held)
		certificates[held.serving.cert.SerialNumber.String()] = true
		for _, ca := range held.cas {
			cas[ca.cert.SerialNumber.String()] = true
		}
		for _, clientLag := range []time.Duration{0, lag} {
			for _, replicaLag := range []time.Duration{0, lag} {
				if err := verify(at(now.Add(-clientLag)), at(now.Add(-replicaLag)), now); err != nil {
					t.Fatalf("after %s, client late by %s, replica by %s: %v", now.Sub(start), clientLag, replicaLag, err)
				}
			}
		}
		if len(held.cas) > 2 {
			t.Fatalf("%d CAs are trusted", len(held.cas))
		}
	}
	if len(certificates) < 15 || len(cas) < 4 {
		t.Errorf("in twelve lifetimes there were %d certificates of %d CAs", len(certificates), len(cas))
	}
}

func TestAClientWhoseClockIsBehindTrustsTheFirstCertificate(t *testing.T) {
	held := mustNext(t, policy, bundle{}, start)
	if err := verify(held, held, start.Add(-59*time.Minute)); err != nil {
		t.Error(err)
	}
}

func TestNothingIsIssuedBeforeItIsTime(t *testing.T) {
	held := mustNext(t, policy, bundle{}, start)
	for range 20 {
		wakeUp := policy.wakeUp(held)
		before, after := mustNext(t, policy, held, wakeUp.Add(-time.Nanosecond)), mustNext(t, policy, held, wakeUp)
		if !same(t, held, before) {
			t.Fatalf("something was issued before %s", wakeUp)
		}
		if same(t, held, after) {
			t.Fatalf("nothing was issued at %s", wakeUp)
		}
		held = after
	}
}

func TestACertificateForOtherNamesIsReplacedAndItsCAKept(t *testing.T) {
	held := mustNext(t, Policy{Hosts: []string{"before.dr-system.svc"}, Lifetime: policy.Lifetime}, bundle{}, start)
	next := mustNext(t, policy, held, start)
	if err := verify(held, next, start); err != nil {
		t.Error(err)
	}
}

func TestAfterALongAbsenceThereIsACertificateThatIsTrusted(t *testing.T) {
	held := mustNext(t, policy, bundle{}, start)
	for _, absence := range []time.Duration{policy.Lifetime, 3 * policy.Lifetime, 10 * policy.Lifetime} {
		now := start.Add(absence)
		next := mustNext(t, policy, held, now)
		if err := verify(next, next, now); err != nil {
			t.Errorf("after %s: %v", absence, err)
		}
	}
}

func TestASecretHoldsABundleExactly(t *testing.T) {
	held := mustNext(t, policy, bundle{}, start)
	held = mustNext(t, policy, held, start.Add(3*policy.Lifetime)) // two CAs
	if len(held.cas) != 2 {
		t.Fatalf("%d CAs", len(held.cas))
	}
	data, err := held.data()
	if err != nil {
		t.Fatal(err)
	}
	again, err := parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if !same(t, held, again) {
		t.Error("what was read is not what was written")
	}
}

func TestASecretWithoutSenseIsRefused(t *testing.T) {
	one, err := mustNext(t, policy, bundle{}, start).data()
	if err != nil {
		t.Fatal(err)
	}
	other, err := mustNext(t, policy, bundle{}, start).data()
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]map[string][]byte{
		"the key of another certificate": {"ca.crt": one["ca.crt"], "ca.key": one["ca.key"], "tls.crt": one["tls.crt"], "tls.key": other["tls.key"]},
		"the key of another CA":          {"ca.crt": one["ca.crt"], "ca.key": other["ca.key"], "tls.crt": one["tls.crt"], "tls.key": one["tls.key"]},
		"a CA without a key":             {"ca.crt": one["ca.crt"], "tls.crt": one["tls.crt"], "tls.key": one["tls.key"]},
		"no CA":                          {"tls.crt": one["tls.crt"], "tls.key": one["tls.key"]},
		"no certificate":                 {"ca.crt": one["ca.crt"], "ca.key": one["ca.key"]},
		"something else":                 {"ca.crt": []byte("x"), "ca.key": []byte("y"), "tls.crt": []byte("z"), "tls.key": nil},
	} {
		if _, err := parse(data); err == nil {
			t.Errorf("%s: it is read", name)
		}
	}
}

func same(t *testing.T, a, b bundle) bool {
	t.Helper()
	one, err := a.data()
	if err != nil {
		t.Fatal(err)
	}
	other, err := b.data()
	if err != nil {
		t.Fatal(err)
	}
	return sameData(one, other)
}
