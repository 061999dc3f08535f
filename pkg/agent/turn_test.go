// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestTurnsAreTakenInOrderAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		all := newTurns()
		var ends []func()
		for range turnsAtOnce {
			end, err := all.take(ctx)
			if err != nil {
				t.Fatal(err)
			}
			ends = append(ends, end)
		}
		var order []int
		for i := range 3 {
			go func() {
				if _, err := all.take(ctx); err == nil {
					order = append(order, i)
				}
			}()
			synctest.Wait()
		}
		if len(order) != 0 {
			t.Fatalf("%v went before anybody was done", order)
		}
		ends[3]()
		ends[3]()
		synctest.Wait()
		if len(order) != 1 || order[0] != 0 {
			t.Fatalf("%v after one was done", order)
		}
		start := time.Now()
		all.idle(ctx)
		if len(order) != 3 || time.Since(start) > 3*turnPatience {
			t.Errorf("%v after %s", order, time.Since(start))
		}
	})
}

func TestWhoeverGivesUpTakesNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newTurns()
		ctx, cancel := context.WithCancel(t.Context())
		for range turnsAtOnce {
			if _, err := all.take(ctx); err != nil {
				t.Fatal(err)
			}
		}
		refused := make(chan error)
		go func() {
			_, err := all.take(ctx)
			refused <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-refused; err == nil {
			t.Error("took a turn")
		}
		synctest.Wait()
		if _, err := all.take(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
