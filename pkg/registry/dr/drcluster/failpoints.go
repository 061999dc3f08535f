// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drcluster

import "github.com/ramendr/dr-apiserver/pkg/failpoint"

var (
	fenceAccept   = failpoint.New(failpoint.Server, "fence.accept", "a request for a fence, or to lift one, is about to be stored")
	fenceAccepted = failpoint.New(failpoint.Server, "fence.accepted", "the request is in the DRCluster; nobody was told to carry it out")
)
