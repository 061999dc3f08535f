// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"
)

var (
	// ErrNotFound: there is no such volume on this cluster.
	ErrNotFound = errors.New("volume not found")
	// ErrPrecondition: the volume is not in a state that allows it.
	ErrPrecondition = errors.New("refused")
	// ErrExists: there is another one of that name.
	ErrExists = errors.New("exists already")
	// ErrBusy: somebody else is at it.
	ErrBusy = errors.New("in progress")
	// ErrInvalid: the request makes no sense.
	ErrInvalid = errors.New("invalid request")
	// ErrReadOnly: the volume takes no writes now.
	ErrReadOnly = errors.New("volume is read-only")
	// ErrUnreachable: the peer did not answer.
	ErrUnreachable = errors.New("peer unreachable")
	// ErrRefused: the receiver does not take the snapshot.
	ErrRefused = errors.New("snapshot refused")

	errDiverged = fmt.Errorf("%w: the copy here holds bytes that the primary does not: resync it by force", ErrRefused)
)

func preconditionf(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrPrecondition}, args...)...)
}

func refusedf(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrRefused}, args...)...)
}

func notFound(handle string) error { return fmt.Errorf("%w: %s", ErrNotFound, handle) }
