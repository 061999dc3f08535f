// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"testing"
)

func TestAllWhoAskDuringOneWriteShareTheNext(t *testing.T) {
	writes, proceed := make(chan uint64), make(chan struct{})
	version := uint64(0)
	p := newProgress(func(context.Context) (uint64, error) {
		version++
		writes <- version
		<-proceed
		return version, nil
	})
	first := p.join()
	<-writes
	// Each of these was asked for after the first write had begun, which may not have what was written before them.
	second, third := p.join(), p.join()
	if second == first || second != third {
		t.Fatal("who asks later does not get a later write, the same for all")
	}
	proceed <- struct{}{}
	<-first.done
	if got := <-writes; got != 2 {
		t.Fatalf("write %d follows the first", got)
	}
	proceed <- struct{}{}
	if <-second.done; second.resourceVersion != 2 || first.resourceVersion != 1 {
		t.Errorf("they are told %d and %d", first.resourceVersion, second.resourceVersion)
	}
}
