// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package access holds docs/access.md against the hub of a playground: it tries every verb on every resource as everybody,
// expects what the page's tables say, and applies the manifests that the page recommends. The hub of a playground that is
// up is used; otherwise the suite boots one, alone, and takes it down again.
package access

import (
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ramendr/dr-apiserver/test/access/document"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// playground that the specs share.
var playground *framework.Playground

// booted says that this suite has booted it. Only the process that did so knows.
var booted bool

// page is what users are told.
var page = must(document.Read("../../docs/access.md"))

const (
	// bootTimeout is how long the hub may take to boot.
	bootTimeout = 5 * time.Minute
	// specTimeout bounds every spec.
	specTimeout = 3 * time.Minute
	// soon is far beyond how long the hub takes to pass on a change to those who watch it.
	soon = time.Minute
)

func TestAccess(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a playground")
	}
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(soon)
	SetDefaultEventuallyPollingInterval(20 * time.Millisecond)
	RunSpecs(t, "Access to dr.ramen.io")
}

var _ = SynchronizedBeforeSuite(func(ctx SpecContext) {
	var err error
	playground, err = framework.Find()
	Expect(err).NotTo(HaveOccurred())
	booted, err = playground.Boot(ctx, "--hub-only")
	Expect(err).NotTo(HaveOccurred())
}, func(SpecContext) {
	var err error
	playground, err = framework.Find()
	Expect(err).NotTo(HaveOccurred())
	Expect(playground.Connect()).To(Succeed())
}, NodeTimeout(bootTimeout))

var _ = SynchronizedAfterSuite(func(SpecContext) {}, func(ctx SpecContext) {
	if booted {
		Expect(playground.Do(ctx, "down")).To(Succeed())
	}
}, NodeTimeout(bootTimeout))

// must is for what makes up the tree of specs, before any of them can fail.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
