// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"os"
	"slices"
	"strings"
	"time"
)

//go:embed timeline.html
var timelinePage string

// lane is a row of the timeline.
type lane struct {
	Name string
	Bars []bar
}

// bar is something that lasted, or happened, in a lane. Left and Width are in percent of the whole.
type bar struct {
	Left, Width float64
	Class       string
	Text        string
}

// timeline is what the page shows.
type timeline struct {
	Seed       uint64
	Length     string
	Again      string
	Violations []Violation
	Lanes      []lane
	Ticks      []bar
	Log        []logLine
}

type logLine struct{ Time, Kind, Who, What, Error string }

// writeTimeline writes the page of a history.
func writeTimeline(path string, o options, history []Entry, violations []Violation) error {
	page, err := template.New("timeline").Parse(timelinePage)
	if err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := page.Execute(file, newTimeline(o, history, violations)); err != nil {
		return fmt.Errorf("writing the timeline: %w", err)
	}
	return file.Close()
}

func newTimeline(o options, history []Entry, violations []Violation) timeline {
	t := timeline{
		Seed: o.seed, Length: o.length.String(), Violations: violations,
		Again: o.again(),
	}
	if len(history) == 0 {
		return t
	}
	s := scale{from: history[0].Time, to: history[len(history)-1].Time}
	t.Ticks = s.ticks()
	t.Lanes = append(appLanes(s, history), faultLanes(s, history)...)
	for _, e := range history {
		if e.Kind == KindSeen || e.Kind == KindRead || e.Kind == KindWrite && e.Answer == Accepted {
			continue
		}
		line := logLine{Time: s.clock(e.Time), Kind: e.Kind, Who: e.App, What: e.What, Error: e.Error}
		if e.Action != nil && e.Kind == KindAction {
			line.What = strings.TrimSpace(fmt.Sprintf("%s %s %s→%s %s %s", e.Action.Name, e.Action.Type, e.Action.Source, e.Action.Target, e.Action.Ended, e.Action.Message))
		}
		if g := e.Group; g != nil {
			line.What = fmt.Sprintf("%s %s in epoch %d", e.What, cmp.Or(g.State, "changing"), g.Epoch)
		}
		if e.Answer != "" {
			line.What += " — " + string(e.Answer)
		}
		t.Log = append(t.Log, line)
	}
	return t
}

// scale turns times into percent.
type scale struct{ from, to time.Time }

func (s scale) percent(t time.Time) float64 {
	whole := max(s.to.Sub(s.from), time.Second)
	return min(max(100*float64(t.Sub(s.from))/float64(whole), 0), 100)
}

func (s scale) bar(from, to time.Time, class, text string) bar {
	left := s.percent(from)
	return bar{Left: left, Width: max(s.percent(to)-left, 0.15), Class: class, Text: fmt.Sprintf("%s %s (%s)", s.clock(from), text, to.Sub(from).Round(10*time.Millisecond))}
}

func (s scale) clock(t time.Time) string { return fmt.Sprintf("%6.1fs", t.Sub(s.from).Seconds()) }

func (s scale) ticks() []bar {
	var out []bar
	for at := s.from; !at.After(s.to); at = at.Add(30 * time.Second) {
		out = append(out, bar{Left: s.percent(at), Text: fmt.Sprintf("%.0fs", at.Sub(s.from).Seconds())})
	}
	return out
}

// appLanes have, for each application, its actions from acceptance to end, and the requests.
func appLanes(s scale, history []Entry) []lane {
	lanes := map[string]*lane{}
	of := func(app string) *lane {
		if lanes[app] == nil {
			lanes[app] = &lane{Name: app}
		}
		return lanes[app]
	}
	for app, lives := range actionsOf(history) {
		for _, l := range lives {
			a := l.last()
			if l.asked.IsZero() {
				continue
			}
			end, class := s.to, "open"
			if !l.ended.IsZero() {
				end, class = l.ended, strings.ToLower(a.Ended)
			}
			of(app).Bars = append(of(app).Bars, s.bar(l.asked, end, class, fmt.Sprintf("%s %s→%s %s %s", a.Type, a.Source, a.Target, a.Ended, a.Message)))
		}
	}
	for _, e := range history {
		if e.Kind == KindRequest {
			of(e.App).Bars = append(of(e.App).Bars, s.bar(*e.Began, e.Time, "request "+string(e.Answer), e.What+" "+string(e.Answer)+" "+e.Error))
		}
	}
	return sorted(lanes)
}

// faultLanes have, for each fault and its target, the times when it was there.
func faultLanes(s scale, history []Entry) []lane {
	lanes, began := map[string]*lane{}, map[string]Entry{}
	for _, e := range history {
		if e.Kind != KindFault {
			continue
		}
		name, ended := strings.CutPrefix(e.What, "end of ")
		if lanes[name] == nil {
			lanes[name] = &lane{Name: name}
		}
		switch first, known := began[e.Event]; {
		case !ended:
			began[e.Event] = e
			lanes[name].Bars = append(lanes[name].Bars, s.bar(*e.Began, e.Time, "fault", name+" "+e.Error))
		case known:
			lanes[name].Bars = append(lanes[name].Bars, s.bar(first.Time, e.Time, "fault", name+" "+e.Error))
		}
	}
	return sorted(lanes)
}

func sorted(lanes map[string]*lane) []lane {
	out := make([]lane, 0, len(lanes))
	for _, l := range lanes {
		out = append(out, *l)
	}
	slices.SortFunc(out, func(a, b lane) int { return cmp.Compare(a.Name, b.Name) })
	return out
}
