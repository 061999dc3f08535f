// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package lease

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestALeaseIsKeptWhileTheClusterAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var broken, kept atomic.Bool
		healthy := func(context.Context) error {
			if broken.Load() {
				return errors.New("no answer")
			}
			return nil
		}
		keep := func(ctx context.Context) {
			kept.Store(true)
			<-ctx.Done()
			kept.Store(false)
		}
		done := make(chan struct{})
		go func() {
			RunWhile(ctx, time.Second, healthy, keep)
			close(done)
		}()
		after := func(d time.Duration, want bool, when string) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if kept.Load() != want {
				t.Errorf("%s: kept is %t", when, kept.Load())
			}
		}
		after(0, true, "at first")
		broken.Store(true)
		after((failuresInARow-1)*time.Second, true, "after few failures")
		broken.Store(false)
		after(time.Second, true, "after it answered again")
		broken.Store(true)
		after((failuresInARow+1)*time.Second, false, "after many failures")
		broken.Store(false)
		after(time.Second, true, "when it is back")
		cancel()
		<-done
		if kept.Load() {
			t.Error("kept on after the end")
		}
	})
}
