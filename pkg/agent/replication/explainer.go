// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package replication

import "k8s.io/apimachinery/pkg/types"

// Explainer is a Backend that can say why a volume that it was told to replicate has no State yet.
type Explainer interface {
	Backend
	// Awaited says what is wrong or awaited; empty if nothing is known.
	Awaited(claim types.NamespacedName) string
}
