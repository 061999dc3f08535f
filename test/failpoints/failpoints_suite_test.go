// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package failpoints has the programs die at every place between two writes, one by one, and expects that what was begun
// comes to its end without anything lost. It boots a playground of its own whose programs are built to heed failpoints.
package failpoints

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

// bootTimeout is how long the playground may take to boot.
const bootTimeout = 5 * time.Minute

func TestFailpoints(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a playground")
	}
	RegisterFailHandler(Fail)
	RunSpecs(t, "failpoints")
}

var _ = SynchronizedBeforeSuite(func(ctx SpecContext) {
	var err error
	playground, err = framework.Find()
	Expect(err).NotTo(HaveOccurred())
	Expect(os.Setenv("PLAYGROUND_PROGRAMS", playground.Root.Path("bin", "failpoints"))).To(Succeed())
	booted, err := playground.Boot(ctx)
	Expect(err).NotTo(HaveOccurred())
	Expect(booted).To(BeTrue(), "a playground is up whose programs may not heed failpoints: make down")
}, func(SpecContext) {
	var err error
	playground, err = framework.Find()
	Expect(err).NotTo(HaveOccurred())
	Expect(playground.Connect()).To(Succeed())
}, NodeTimeout(bootTimeout))

var _ = SynchronizedAfterSuite(func(SpecContext) {}, func(ctx SpecContext) {
	if !keep() {
		Expect(playground.Do(ctx, "down")).To(Succeed())
	}
}, NodeTimeout(bootTimeout))

// keep says that somebody wants to look at what the specs leave.
func keep() bool {
	return os.Getenv("E2E_KEEP") != ""
}
