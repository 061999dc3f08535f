// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package e2e says what users can rely on, and tries it on a playground of real parts. A playground that is up is used;
// otherwise the suite boots one and, unless E2E_KEEP is set, takes it down again. Each spec has a namespace of its own.
// Specs that break what others need are Serial.
package e2e

import (
	"os"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// playground that the specs share.
var playground *framework.Playground

// booted says that this suite has booted it. Only the process that did so knows.
var booted bool

// bootTimeout is how long the playground may take to boot.
const bootTimeout = 5 * time.Minute

func TestE2E(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a playground")
	}
	RegisterFailHandler(Fail)
	RunSpecs(t, "dr.ramen.io")
}

var _ = SynchronizedBeforeSuite(func(ctx SpecContext) {
	var err error
	playground, err = framework.Find()
	Expect(err).NotTo(HaveOccurred())
	booted, err = playground.Boot(ctx)
	Expect(err).NotTo(HaveOccurred())
	Expect(playground.ClearFaults(ctx)).To(Succeed())
}, func(SpecContext) {
	var err error
	playground, err = framework.Find()
	Expect(err).NotTo(HaveOccurred())
	Expect(playground.Connect()).To(Succeed())
}, NodeTimeout(bootTimeout))

var _ = SynchronizedAfterSuite(func(SpecContext) {}, func(ctx SpecContext) {
	if booted && !keep() {
		Expect(playground.Do(ctx, "down")).To(Succeed())
	}
}, NodeTimeout(bootTimeout))

// keep says that somebody wants to look at what the specs leave.
func keep() bool {
	return os.Getenv("E2E_KEEP") != ""
}
