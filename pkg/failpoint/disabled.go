// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

//go:build !failpoints

package failpoint

import "k8s.io/utils/clock"

// Hit does nothing in a program that is not built for being tested in this way.
func (*Point) Hit(string) {}

// Clock is the machine's.
func Clock() clock.WithTicker { return clock.RealClock{} }
