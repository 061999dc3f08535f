// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package restore

import "github.com/ramendr/dr-apiserver/pkg/failpoint"

var (
	claimRestored  = failpoint.New(failpoint.Agent, "restore.claim", "a claim is there; its volume is not")
	volumeRestored = failpoint.New(failpoint.Agent, "restore.volume", "a claim and its volume are there; nobody says yet that they are bound")
	objectRestored = failpoint.New(failpoint.Agent, "restore.object", "one object of the application is there")
)
