// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package failpoint names the places between two writes at which a process may die, so that a test can make it die at each
// of them. A point does nothing, and costs nothing, unless the program is built with the tag failpoints. With it, a process
// kills itself at a point that is armed. A panic would not do: the API server and the controllers recover from those.
package failpoint

import (
	"slices"
	"strings"
	"sync"
)

// Programs that have points.
const (
	// Agent is dr-agent.
	Agent = "dr-agent"
	// Server is dr-apiserver.
	Server = "dr-apiserver"
)

// Point is a place at which a process can be made to die.
type Point struct {
	// Program has the point.
	Program string
	// Name is unique among the points of all programs.
	Name string
	// What says what has been done and what has not, at the point.
	What string
}

var (
	lock   sync.Mutex
	points []*Point
)

// New returns a point of a program. It is called once for each, when the program starts.
func New(program, name, what string) *Point {
	lock.Lock()
	defer lock.Unlock()
	if slices.ContainsFunc(points, func(p *Point) bool { return p.Name == name }) {
		panic("there are two failpoints " + name)
	}
	p := &Point{Program: program, Name: name, What: what}
	points = append(points, p)
	return p
}

// All returns the points of the programs whose packages are linked in, by name.
func All() []*Point {
	lock.Lock()
	defer lock.Unlock()
	return slices.SortedFunc(slices.Values(points), func(a, b *Point) int { return strings.Compare(a.Name, b.Name) })
}
