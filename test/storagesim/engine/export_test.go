// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package engine

// Kill makes the array stop as a killed process does: nothing is written from now on.
func (e *Engine) Kill() { e.dead.Store(true) }
