// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"errors"
	"testing"

	"github.com/ramendr/dr-apiserver/test/storagesim/engine"
)

// bring writes the blocks of one volume into another, the last ones first, and says what it has yet to hold.
func (a *array) bring(from, to string, blocks int) engine.Content {
	a.t.Helper()
	content, err := a.Content(from)
	a.must(err)
	for n := range blocks {
		offset := int64(len(content.Blocks)-1-n) * engine.BlockSize
		raw, err := a.ReadContent(from, offset, min(engine.BlockSize, content.Size-offset))
		a.must(err)
		a.must(a.WriteContent(a.t.Context(), to, offset, raw))
	}
	return content
}

func TestVolumeThatIsBeingFilledIsNeitherTheOldNorTheNewOne(t *testing.T) {
	t.Parallel()
	a := newArray(t)
	a.create("from", "to")
	a.write(40, "to") // what it held before, of other numbers
	a.write(200, "from")
	content := a.bring("from", "to", 2)
	if err := a.FinishContent(t.Context(), "to", "dr2", content); !errors.Is(err, engine.ErrPrecondition) {
		t.Fatalf("it passes for whole: %v", err)
	}
	a.reopen()
	half := a.volume("to")
	if !half.Incoming || half.Size != content.Size {
		t.Fatalf("%+v", half)
	}
	if n := len(a.records("to")); n == 40 || n == 200 {
		t.Errorf("it holds %d records half way", n)
	}
}

func TestFilledVolumeHoldsTheSameAndGoesOnFromIt(t *testing.T) {
	t.Parallel()
	a := newArray(t)
	a.create("from", "to")
	a.write(400, "to")
	a.write(200, "from")
	content := a.bring("from", "to", 0)
	content = a.bring("from", "to", len(content.Blocks))
	a.must(a.FinishContent(t.Context(), "to", "dr2", content))
	if filled := a.volume("to"); filled.Records != 200 || filled.Origin != "from" || filled.Generation != 2 || !filled.Incoming {
		t.Errorf("%+v", filled)
	}
	a.must(a.Claim(t.Context(), "to", claim))
	a.write(1, "to")
	if held := a.records("to"); len(held) != 201 || held[200].Seq != 201 || held[200].Generation != 2 || a.volume("to").Incoming {
		t.Errorf("%d records, the last is %+v", len(held), held[len(held)-1])
	}
	again, err := a.Content("to")
	a.must(err)
	a.write(1, "from")
	if a.must(a.FinishContent(t.Context(), "to", "dr2", again)); a.volume("to").Records != 201 {
		t.Error("finishing what is the same has changed it")
	}
}

func TestFilledVolumeIsNeverWrittenAgainInAGenerationThatItHad(t *testing.T) {
	t.Parallel()
	a := newArray(t)
	a.create("from", "to")
	a.write(200, "from")
	for round := range int64(3) {
		content := a.bring("from", "to", 0)
		content = a.bring("from", "to", len(content.Blocks))
		a.must(a.FinishContent(t.Context(), "to", "dr2", content))
		a.must(a.Claim(t.Context(), "to", claim))
		a.write(1, "to")
		if held := a.records("to"); held[200].Generation != round+2 {
			t.Errorf("filled %d times, it is written in generation %d", round+1, held[200].Generation)
		}
	}
}

func TestCopiesOfMirroredVolumesAreNotFilled(t *testing.T) {
	t.Parallel()
	_, b, _ := protected(t, interval)
	if err := b.WriteContent(t.Context(), handle, 0, []byte("x")); !errors.Is(err, engine.ErrReadOnly) {
		t.Errorf("a copy was written: %v", err)
	}
}
