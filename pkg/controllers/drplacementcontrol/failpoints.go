// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import "github.com/ramendr/dr-apiserver/pkg/failpoint"

var (
	finalizerAdded   = failpoint.New(failpoint.Server, "placement.finalizer", "a placement has the finalizer and nothing else yet")
	statusWrite      = failpoint.New(failpoint.Server, "placement.decided", "a step is decided upon; the placement does not say so")
	statusWritten    = failpoint.New(failpoint.Server, "placement.written", "the placement says which step is next; no group has been told")
	groupUpdated     = failpoint.New(failpoint.Server, "group.updated", "one group is told what to do")
	groupCreated     = failpoint.New(failpoint.Server, "group.created", "one group is created")
	groupDeleted     = failpoint.New(failpoint.Server, "group.deleted", "one group is deleted")
	groupReleased    = failpoint.New(failpoint.Server, "group.released", "a group whose agent is gone is let go of")
	finalizerRemoved = failpoint.New(failpoint.Server, "placement.released", "a deleted placement is let go of")
)
