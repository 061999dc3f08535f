// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package workload

import "github.com/ramendr/dr-apiserver/pkg/failpoint"

var (
	workloadStopped = failpoint.New(failpoint.Agent, "workload.stopped", "one workload is scaled to zero")
	workloadStarted = failpoint.New(failpoint.Agent, "workload.started", "one workload has its scale again")
)
