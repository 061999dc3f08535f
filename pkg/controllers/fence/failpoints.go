// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package fence

import "github.com/ramendr/dr-apiserver/pkg/failpoint"

var (
	fenceOrdered = failpoint.New(failpoint.Server, "fence.ordered", "the peer's agent is told to fence a cluster off, or to let it back")
	fenceSettled = failpoint.New(failpoint.Server, "fence.settled", "the DRCluster says what became of its fence")
)
