// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package draction

import "github.com/ramendr/dr-apiserver/pkg/failpoint"

var (
	recordCreated = failpoint.New(failpoint.Server, "record.made-up", "a record that the request did not get to write is created")
	recordUpdate  = failpoint.New(failpoint.Server, "record.update", "the placement knows more than the record")
	recordUpdated = failpoint.New(failpoint.Server, "record.updated", "the record is brought up to date")
)
