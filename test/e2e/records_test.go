// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
	"github.com/ramendr/dr-apiserver/test/storagesim/records"
)

// itStillWrites waits for further records from the cluster.
func itStillWrites(ctx context.Context, app *framework.App, cluster string) {
	GinkgoHelper()
	By("waiting for records that " + app.Namespace + " writes on " + cluster)
	Expect(app.AwaitRecords(ctx, cluster, framework.Soon)).To(Succeed())
}

// countRecords counts the records of the application.
func countRecords(app *framework.App) *records.Report {
	GinkgoHelper()
	report, err := app.Records()
	Expect(err).NotTo(HaveOccurred())
	return report
}

// nothingLostSince checks that no further record was lost, and that never two clusters wrote.
func nothingLostSince(app *framework.App, before *records.Report) {
	GinkgoHelper()
	report := countRecords(app)
	Expect(framework.NothingLostSince(report, before)).To(Succeed())
	Expect(framework.NeverTwoWriters(report)).To(Succeed())
}

// lossIsAsPlanned checks that a failover lost records only after the sync point that it named.
func lossIsAsPlanned(app *framework.App, failover *v1alpha1.DRAction) *records.Report {
	GinkgoHelper()
	report := countRecords(app)
	Expect(framework.LostOnlyAfter(report, failover.Status.DataLossWindow.SyncPoint.Time)).To(Succeed())
	return report
}

// furtherLossIsAsPlanned checks the same of a failover of an application that had lost records before.
func furtherLossIsAsPlanned(app *framework.App, before *records.Report, failover *v1alpha1.DRAction) {
	GinkgoHelper()
	further := framework.Since(countRecords(app), before)
	Expect(framework.LostOnlyAfter(further, failover.Status.DataLossWindow.SyncPoint.Time)).To(Succeed())
}

// nothingLostBefore checks what lossIsAsPlanned does, and that never two clusters wrote.
func nothingLostBefore(app *framework.App, failover *v1alpha1.DRAction) *records.Report {
	GinkgoHelper()
	report := lossIsAsPlanned(app, failover)
	Expect(framework.NeverTwoWriters(report)).To(Succeed())
	return report
}
