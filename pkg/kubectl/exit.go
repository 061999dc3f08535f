// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubectl

import "errors"

// Exit codes of kubectl-drpc.
const (
	// ExitDone means that what was asked for is done, or accepted where nobody waited.
	ExitDone = 0
	// ExitFailed means that it was refused, failed or was aborted.
	ExitFailed = 1
	// ExitTimedOut means that --timeout passed first; the action goes on.
	ExitTimedOut = 2
	// ExitInterrupted means that somebody pressed Ctrl-C while watching; the action goes on.
	ExitInterrupted = 130
)

// exitError ends the program with a code. What it says has been printed already.
type exitError struct {
	code  int
	cause string
}

func (e *exitError) Error() string { return e.cause }

// ExitCode is the code to end the program with, and whether err has still to be printed.
func ExitCode(err error) (code int, unprinted bool) {
	if err == nil {
		return ExitDone, false
	}
	var exit *exitError
	if errors.As(err, &exit) {
		return exit.code, false
	}
	return ExitFailed, true
}
