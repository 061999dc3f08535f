// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import "github.com/ramendr/dr-apiserver/pkg/failpoint"

var (
	actionAccept   = failpoint.New(failpoint.Server, "action.accept", "a request for an action, or to abort one, is about to be stored")
	actionAccepted = failpoint.New(failpoint.Server, "action.accepted", "the action is in the placement; there is no record of it")
	actionRecorded = failpoint.New(failpoint.Server, "action.recorded", "the action and its record are stored; the requester has no answer")
	recordFinished = failpoint.New(failpoint.Server, "record.finished", "the last action's record is final; the next one is not accepted yet")
)
