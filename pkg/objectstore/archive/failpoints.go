// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package archive

import "github.com/ramendr/dr-apiserver/pkg/failpoint"

var (
	filePut     = failpoint.New(failpoint.Agent, "archive.file", "a store has one file of a capture")
	manifestPut = failpoint.New(failpoint.Agent, "archive.manifest", "a store has all files of a capture; the manifest is still to come")
)
