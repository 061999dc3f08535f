// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package faults has the storage lag, fail, hang and die between any two of its steps, for each method of replication, while
// applications are protected, relocated and failed over, and expects that what was begun comes to its end and loses only
// what may be lost. A playground that is up is used; otherwise the suite boots one and takes it down again.
package faults

import (
	"os"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

var (
	// playground that the specs share.
	playground *framework.Playground
	// booted says that this suite has booted it. Only the process that did so knows.
	booted bool
)

// syncPolicy is the policy of applications on storage that both clusters reach.
const syncPolicy = "faults-sync"

// bootTimeout is how long the playground may take to boot.
const bootTimeout = 5 * time.Minute

func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a playground")
	}
	RegisterFailHandler(Fail)
	RunSpecs(t, "faults")
}

var _ = SynchronizedBeforeSuite(func(ctx SpecContext) {
	var err error
	playground, err = framework.Find()
	Expect(err).NotTo(HaveOccurred())
	booted, err = playground.Boot(ctx)
	Expect(err).NotTo(HaveOccurred())
	policies := playground.Hub.DR.DrV1alpha1().DRPolicies()
	_, err = policies.Create(ctx, &v1alpha1.DRPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: syncPolicy},
		Spec:       v1alpha1.DRPolicySpec{DRClusters: []string{framework.DR1, framework.DR2}},
	}, metav1.CreateOptions{})
	if !apierrors.IsAlreadyExists(err) {
		Expect(err).NotTo(HaveOccurred())
	}
	_, err = framework.Await(ctx, policies, syncPolicy, framework.Soon, framework.True[*v1alpha1.DRPolicy](v1alpha1.ConditionValidated))
	Expect(err).NotTo(HaveOccurred())
}, func(SpecContext) {
	var err error
	playground, err = framework.Find()
	Expect(err).NotTo(HaveOccurred())
	Expect(playground.Connect()).To(Succeed())
}, NodeTimeout(bootTimeout))

var _ = SynchronizedAfterSuite(func(SpecContext) {}, func(ctx SpecContext) {
	switch {
	case keep():
	case booted:
		Expect(playground.Do(ctx, "down")).To(Succeed())
	default:
		Expect(playground.Hub.DR.DrV1alpha1().DRPolicies().Delete(ctx, syncPolicy, metav1.DeleteOptions{})).To(Succeed())
	}
}, NodeTimeout(bootTimeout))

// keep says that somebody wants to look at what the specs leave.
func keep() bool {
	return os.Getenv("E2E_KEEP") != ""
}
