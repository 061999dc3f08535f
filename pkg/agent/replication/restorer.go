// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package replication

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Restorer is a Backend whose copies are not the captured volumes: it puts claims in place by itself.
type Restorer interface {
	Backend
	// Restore puts a claim in place, with what its peer had last. It may be called again at any time. Promote has no more to do
	// for it then.
	Restore(ctx context.Context, r Restoration) error
	// Leave has what its peer had last of a claim that is not put in place outlive what is replicated by its name. It may be
	// called again at any time.
	Leave(ctx context.Context, r Restoration) error
}

// Restoration is a claim to put in place.
type Restoration struct {
	// Claim as it was captured.
	Claim *corev1.PersistentVolumeClaim
	// Group it is for, in the epoch of its command.
	Group types.NamespacedName
	Epoch int64
	// HandedOver is true if the peer stopped and let this cluster have everything: nothing is given up, and nothing is being
	// received any more.
	HandedOver bool
	// Without are the claims that are not put in place, of which nothing is waited for.
	Without []string
}

// ErrConflict means that something exists that a restore may not replace.
var ErrConflict = errors.New("conflict")

// Conflict is an error that says so.
func Conflict(message string) error { return fmt.Errorf("%w: %s", ErrConflict, message) }
