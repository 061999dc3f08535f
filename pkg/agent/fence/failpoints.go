// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package fence

import "github.com/ramendr/dr-apiserver/pkg/failpoint"

var (
	networkFenceWritten = failpoint.New(failpoint.Agent, "networkfence.written", "a NetworkFence was created, changed or deleted; the hub knows nothing of it yet")
	fenceReport         = failpoint.New(failpoint.Agent, "fence.report", "what became of a fence is known; the hub is about to be told")
)
