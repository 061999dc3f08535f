// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for name, c := range map[string]struct {
		words string
		want  []string
		clear bool
		err   string
	}{
		"a lag":                                {words: "lag=30s", want: []string{"lag=30s"}},
		"a point without a side is before":     {words: "fail=promote", want: []string{"fail=promote.before"}},
		"a count":                              {words: "fail=ship.after:2", want: []string{"fail=ship.after:2"}},
		"several share their scope":            {words: "namespace=shop hang=commit lag=1s", want: []string{"hang=commit.before namespace=shop", "lag=1s namespace=shop"}},
		"a cluster and a volume":               {words: "crash=persist.after cluster=dr2 volume=pvc-1", want: []string{"crash=persist.after cluster=dr2 volume=pvc-1"}},
		"copies that are kept":                 {words: "keep=copies namespace=shop", want: []string{"keep=copies namespace=shop"}},
		"keeping something else":               {words: "keep=snapshots", err: "only copies"},
		"taking all back":                      {words: "clear", clear: true},
		"taking all back and putting one":      {words: "clear lag=1s", clear: true, want: []string{"lag=1s"}},
		"nothing":                              {words: "", err: "no fault given"},
		"a scope of nothing":                   {words: "namespace=shop", err: "no fault given"},
		"an unknown word":                      {words: "break", err: `"break" is no fault`},
		"an unknown fault":                     {words: "burn=ship", err: "no such fault"},
		"an unknown point":                     {words: "fail=launch", err: "unknown point; known are: enable.before"},
		"a count of a fault that has no count": {words: "hang=ship:2", err: "a positive number can be given to fail"},
		"a lag of nothing":                     {words: "lag=0s", err: "no positive duration"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Parse(strings.Fields(c.words))
			if c.err != "" || err != nil {
				if err == nil || c.err == "" || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("got error %v, want %q", err, c.err)
				}
				return
			}
			var got []string
			for _, f := range r.Faults {
				got = append(got, f.String())
			}
			if !reflect.DeepEqual(got, c.want) || r.Clear != c.clear {
				t.Errorf("got %q, clear: %v", got, r.Clear)
			}
		})
	}
}

var volume = Volume{Handle: "pvc-1", Namespace: "shop"}

func TestFailsAsOftenAsTold(t *testing.T) {
	var i Injector
	i.Add(Fault{Kind: Fail, Point: "ship.before", Count: 2})
	for n, fails := range []bool{true, true, false} {
		if err := i.At(t.Context(), "ship.before", volume); (err != nil) != fails {
			t.Errorf("time %d: %v", n+1, err)
		}
	}
	if len(i.List()) != 0 {
		t.Errorf("left: %v", i.List())
	}
}

func TestCopiesAreKeptWhileThatIsWanted(t *testing.T) {
	var i Injector
	i.Add(Fault{Kind: Keep, Point: keepCopies, Namespace: "shop"})
	if !i.Keeps(volume) || i.Keeps(Volume{Handle: "pvc-1", Namespace: "bank"}) {
		t.Error("not those of the namespace alone")
	}
	i.Clear(Fault{})
	if i.Keeps(volume) {
		t.Error("still kept")
	}
}

func TestConcernsOnlyWhatItSays(t *testing.T) {
	for name, c := range map[string]struct {
		fault Fault
		point string
		fails bool
	}{
		"another point":     {Fault{Kind: Fail, Point: "ship.after"}, "ship.before", false},
		"another namespace": {Fault{Kind: Fail, Point: "ship.before", Namespace: "bank"}, "ship.before", false},
		"another volume":    {Fault{Kind: Fail, Point: "ship.before", Volume: "pvc-2"}, "ship.before", false},
		"this one":          {Fault{Kind: Fail, Point: "ship.before", Namespace: "shop", Volume: "pvc-1"}, "ship.before", true},
	} {
		t.Run(name, func(t *testing.T) {
			var i Injector
			i.Add(c.fault)
			if err := i.At(t.Context(), c.point, volume); (err != nil) != c.fails {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestHangsUntilTakenBackOrGivenUp(t *testing.T) {
	var i Injector
	i.Add(Fault{Kind: Hang, Point: "ship.before"}, Fault{Kind: Lag, Delay: time.Hour})
	done := make(chan error, 2)
	go func() { done <- i.At(context.Background(), "ship.before", volume) }()
	go func() { done <- i.Delay(context.Background(), volume) }()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := i.At(ctx, "ship.before", volume); err == nil {
		t.Error("who gave up was not told")
	}
	if err := i.Delay(ctx, volume); err == nil {
		t.Error("who gave up was not told")
	}
	select {
	case err := <-done:
		t.Fatalf("did not hang: %v", err)
	default:
	}
	i.Clear(Fault{})
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestCrashes(t *testing.T) {
	died := ""
	i := Injector{Die: func(point string) { died = point }}
	i.Add(Fault{Kind: Crash, Point: "commit.after"})
	if err := i.At(t.Context(), "commit.after", volume); err == nil || died != "commit.after" {
		t.Errorf("died at %q, error %v", died, err)
	}
}

func TestWhatHappenedIsWrittenDownOnceAndBeforeItHappens(t *testing.T) {
	dataDir := filepath.Join(t.TempDir(), "volumes")
	log, err := FollowLog(dataDir)
	if err != nil {
		t.Fatal(err)
	}
	i := &Injector{Die: func(string) {}, Log: func(h Happening) {
		if err := Append(LogFile(dataDir), h); err != nil {
			t.Error(err)
		}
	}}
	i.Add(Fault{Kind: Note, Point: "ship.before"}, Fault{Kind: Fail, Point: "ship.before", Count: 1}, Fault{Kind: Crash, Point: "commit.before"},
		Fault{Kind: Note, Point: "ship.before", Namespace: "bank"})
	for range 2 {
		_ = i.At(t.Context(), "ship.before", volume)
	}
	_ = i.At(t.Context(), "commit.before", volume)
	all, err := log.Next()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range all {
		got = append(got, fmt.Sprintf("%s=%s %s/%s", h.Kind, h.Point, h.Namespace, h.Volume))
	}
	want := []string{"note=ship.before shop/pvc-1", "fail=ship.before shop/pvc-1", "crash=commit.before shop/pvc-1"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestALogIsFollowedLineByLine(t *testing.T) {
	dataDir := filepath.Join(t.TempDir(), "volumes")
	read := func(l *Log) (points []string) {
		t.Helper()
		all, err := l.Next()
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range all {
			points = append(points, h.Point)
		}
		return points
	}
	write := func(text string) {
		t.Helper()
		file, err := os.OpenFile(LogFile(dataDir), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteString(text); errors.Join(err, file.Close()) != nil {
			t.Fatal(err)
		}
	}
	early, err := FollowLog(dataDir)
	if err != nil {
		t.Fatal(err)
	}
	write(`{"point":"a"}` + "\n" + `{"point":"b"}` + "\n" + `{"poi`)
	if got := read(early); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("%q", got)
	}
	if got := read(early); got != nil {
		t.Errorf("%q of half a line", got)
	}
	write(`nt":"c"}` + "\n")
	late, err := FollowLog(dataDir)
	if err != nil {
		t.Fatal(err)
	}
	write(`{"point":"d"}` + "\n")
	if got := read(early); !slices.Equal(got, []string{"c", "d"}) {
		t.Errorf("%q", got)
	}
	if got := read(late); !slices.Equal(got, []string{"d"}) {
		t.Errorf("%q of what was written since", got)
	}
}

func TestWhatHangsMayHangAtTheNextPointOnceItIsLetGo(t *testing.T) {
	happened := make(chan string, 2)
	i := &Injector{Log: func(h Happening) { happened <- h.Point }}
	i.Add(Fault{Kind: Hang, Point: "ship.before", Namespace: "shop"})
	done := make(chan error)
	go func() {
		done <- errors.Join(i.At(t.Context(), "ship.before", volume), i.At(t.Context(), "ship.after", volume))
	}()
	if got := <-happened; got != "ship.before" {
		t.Fatal(got)
	}
	i.Replace(Fault{Namespace: "shop"}, Fault{Kind: Hang, Point: "ship.after", Namespace: "shop"})
	if got := <-happened; got != "ship.after" {
		t.Fatal(got)
	}
	i.Clear(Fault{})
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestClearTakesBackWhatIsNarrowedInTheSameWay(t *testing.T) {
	i := &Injector{}
	shop, stock := Volume{Handle: "a", Namespace: "shop"}, Volume{Handle: "b", Namespace: "stock"}
	for _, namespace := range []string{"shop", "stock"} {
		i.Add(Fault{Kind: Fail, Point: "demote.before", Namespace: namespace})
	}
	i.Clear(Fault{Namespace: "shop"})
	if err := i.At(t.Context(), "demote.before", shop); err != nil {
		t.Errorf("not taken back: %v", err)
	}
	if err := i.At(t.Context(), "demote.before", stock); err == nil {
		t.Error("somebody else's fault was taken back")
	}
}
