// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package lifetime says what users can rely on while dr-apiserver starts, stops, is replaced, renews its certificates, and
// loses what it depends on. Each process of the suite has a hub of its own, made of the playground's parts, with as many
// servers as a spec wants; so specs may break whatever they like.
package lifetime

import (
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// hub that the specs of this process use, one after the other.
var hub *testHub

const (
	bootTimeout = 5 * time.Minute
	specTimeout = 3 * time.Minute
	// soon is far beyond what anything here takes on an idle machine.
	soon = time.Minute
	// pollInterval is how often is looked at what can't be watched.
	pollInterval = 20 * time.Millisecond
)

func TestLifetime(t *testing.T) {
	if testing.Short() {
		t.Skip("needs the playground's programs")
	}
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(soon)
	SetDefaultEventuallyPollingInterval(pollInterval)
	RunSpecs(t, "The lifetime of dr-apiserver")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	var err error
	hub, err = newHub()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { hub.remove() })
	Expect(hub.boot(ctx)).To(Succeed())
}, NodeTimeout(bootTimeout))
