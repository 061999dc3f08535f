// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package status

import "github.com/ramendr/dr-apiserver/pkg/failpoint"

var (
	reportSend = failpoint.New(failpoint.Agent, "report.send", "there is something to report; the hub does not know")
	reportSent = failpoint.New(failpoint.Agent, "report.sent", "the hub has the report; the agent does not know")
)
