// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

//go:build failpoints

package failpoint

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/utils/clock"
)

// Clock is the machine's, but that it is wrong by as much as SetClock has said.
func Clock() clock.WithTicker { return wrong{} }

// wrong is a clock that tells another time. Its timers run as any others do.
type wrong struct{ clock.RealClock }

func (wrong) Now() time.Time { return time.Now().Add(offset()) }

func (wrong) Since(t time.Time) time.Duration { return time.Now().Add(offset()).Sub(t) }

func offset() time.Duration {
	content, err := os.ReadFile(filepath.Join(os.Getenv(Environment), clockFile))
	if err != nil {
		return 0
	}
	by, _ := time.ParseDuration(strings.TrimSpace(string(content)))
	return by
}
