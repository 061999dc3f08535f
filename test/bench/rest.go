// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"
)

// standing is what was used in a time in which nothing happened but that volumes were replicated.
type standing struct {
	during time.Duration
	spent
}

// stand measures an application that is protected and left alone.
func (b *bench) stand(ctx context.Context, c *course) error {
	if b.stands == 0 {
		return nil
	}
	b.say("measuring for %s what it costs to keep %d volumes protected", b.stands, c.volumes)
	before, err := b.read(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(b.stands):
	}
	after, err := b.read(ctx)
	c.standing = standing{during: time.Since(began), spent: after.since(before)}
	return err
}

// perMinute is a minute's part of what was counted.
func (s standing) perMinute(counted float64) float64 { return counted / s.during.Minutes() }

const kept = `
Applications that are protected and left alone, for %s, in which their volumes are replicated at the policy's interval; what is used
a minute. A write creates, changes or deletes an object; Secrets are counted among them.

`

// reportStanding prints what it costs to keep applications protected that differ in how many volumes they have.
func reportStanding(out io.Writer, courses []course, verbose bool) {
	courses = slices.DeleteFunc(slices.Clone(courses), func(c course) bool { return c.standing.during == 0 })
	if len(courses) == 0 {
		return
	}
	fmt.Fprintf(out, kept, courses[0].standing.during.Round(time.Second))
	head := []string{"volumes", "a minute", "requests", "writes", "of Secrets"}
	for _, program := range programs {
		head = append(head, "CPU s: "+string(program))
	}
	t := table{head}
	row := func(volumes, what string, of func(func(standing) float64) float64) {
		cells := []string{volumes, what, decimal(of(standing.all)), decimal(of(standing.writes)), decimal(of(standing.secrets))}
		for _, program := range programs {
			cells = append(cells, fmt.Sprintf("%.3f", of(func(s standing) float64 { return s.perMinute(s.usage[program].Seconds()) })))
		}
		t.add(cells...)
	}
	least := courses[0]
	for _, c := range courses {
		row(strconv.Itoa(c.volumes), "the application", func(count func(standing) float64) float64 { return count(c.standing) })
		if more := c.volumes - least.volumes; more > 0 {
			row("", "each further volume", func(count func(standing) float64) float64 {
				return (count(c.standing) - count(least.standing)) / float64(more)
			})
		}
	}
	t.print(out)
	if verbose {
		reportStandingKinds(out, courses)
	}
}

func reportStandingKinds(out io.Writer, courses []course) {
	for _, c := range courses {
		t := table{{fmt.Sprintf("requests a minute, %d volumes", c.volumes), "resource", "a minute"}}
		for _, kind := range c.standing.requests.kinds() {
			t.add(kind.server+" "+kind.verb, kind.name(), decimal(c.standing.perMinute(c.standing.requests[kind])))
		}
		t.print(out)
	}
}

func (s standing) all() float64 {
	counted, _ := s.requests.total("")
	return s.perMinute(counted)
}

func (s standing) writes() float64 { return s.perMinute(s.requests.written("")) }

func (s standing) secrets() float64 { return s.perMinute(s.requests.written("secrets")) }
