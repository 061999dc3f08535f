// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package parallel runs steps that do not wait for each other.
package parallel

import (
	"errors"
	"sync"
)

// Run runs all steps at once, however many fail, and joins what went wrong, in the order of the steps.
func Run(steps []func() error) error {
	errs := make([]error, len(steps))
	var wait sync.WaitGroup
	for i, step := range steps {
		wait.Go(func() { errs[i] = step() })
	}
	wait.Wait()
	return errors.Join(errs...)
}
