// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import "github.com/ramendr/dr-apiserver/pkg/failpoint"

var (
	checkpointSave  = failpoint.New(failpoint.Agent, "checkpoint.save", "a command is decided upon; the checkpoint does not have it yet")
	checkpointSaved = failpoint.New(failpoint.Agent, "checkpoint.saved", "the checkpoint is written; nothing is done about it yet")
	claimMarked     = failpoint.New(failpoint.Agent, "claim.marked", "a claim is the group's; its volume is not kept yet")
	volumePromoted  = failpoint.New(failpoint.Agent, "volume.promote", "one volume is told to be primary")
	volumeDemoted   = failpoint.New(failpoint.Agent, "volume.demote", "one volume is told to be secondary")
	volumeReleased  = failpoint.New(failpoint.Agent, "volume.released", "a volume's replication has ended; the claim is still marked")
	groupForgotten  = failpoint.New(failpoint.Agent, "group.forgotten", "the checkpoint of a deleted group is gone; its finalizer is still there")
	captureSealed   = failpoint.New(failpoint.Agent, "capture.sealed", "a capture is collected; no store has anything of it")
	capturePut      = failpoint.New(failpoint.Agent, "capture.put", "one store has the capture; the checkpoint does not say so")
)
