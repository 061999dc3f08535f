// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"sync"
	"time"
)

// Kinds of entries.
const (
	// KindFault is a fault that was put in place or taken back.
	KindFault = "fault"
	// KindMet is a fault of its storage that a cluster came by.
	KindMet = "met"
	// KindRequest is a request of a person and its answer.
	KindRequest = "request"
	// KindAction is a DRAction as a watcher saw it.
	KindAction = "action"
	// KindGroup is a VolumeReplicationGroup as a watcher saw it.
	KindGroup = "group"
	// KindWrite is a write of the API prober and its answer, KindRead what a read of it gave, KindSeen what its watcher saw.
	KindWrite = "write"
	KindRead  = "read"
	KindSeen  = "seen"
	// KindCapture is a capture that was restored, looked at right after.
	KindCapture = "capture"
	// KindNote is for whoever reads.
	KindNote = "note"
)

// Entry is one thing that happened.
type Entry struct {
	Time time.Time `json:"time"`
	Kind string    `json:"kind"`
	// Began is when the request was made of which this is the answer.
	Began *time.Time `json:"began,omitempty"`
	// Event is the name of the scheduled event.
	Event string `json:"event,omitempty"`
	// App is the namespace of the application.
	App string `json:"app,omitempty"`
	// What happened, and the error if it failed.
	What  string `json:"what"`
	Error string `json:"error,omitempty"`

	// Of a request: whether it was accepted, refused, or is not known to be either.
	Answer Answer `json:"answer,omitempty"`
	// Of an action.
	Action *Action `json:"action,omitempty"`
	// Of a group.
	Group *Group `json:"group,omitempty"`
	// Of the API prober: the number written or seen, and in which of its watches.
	Number  int64 `json:"number,omitempty"`
	Session int   `json:"session,omitempty"`
}

// Answer is what became of a request.
type Answer string

// The answers.
const (
	Accepted Answer = "accepted"
	Refused  Answer = "refused"
	Unknown  Answer = "unknown"
)

// Action is what a DRAction said at some time.
type Action struct {
	Name   string `json:"name"`
	UID    string `json:"uid"`
	Type   string `json:"type"`
	Source string `json:"source"`
	Target string `json:"target"`
	// Acknowledged says that the source may still write.
	Acknowledged bool       `json:"acknowledged,omitempty"`
	AcceptedAt   *time.Time `json:"acceptedAt,omitempty"`
	CompletedAt  *time.Time `json:"completedAt,omitempty"`
	SyncPoint    *time.Time `json:"syncPoint,omitempty"`
	// Promoting says that the point of no return was passed.
	Promoting bool `json:"promoting,omitempty"`
	// Ended is the reason of the condition Complete once it is True.
	Ended string `json:"ended,omitempty"`
	// Message tells how it ended, or what it waits for.
	Message string `json:"message,omitempty"`
	// Deleted says that the record was deleted.
	Deleted bool `json:"deleted,omitempty"`
}

// Group is what a VolumeReplicationGroup said at some time.
type Group struct {
	UID     string `json:"uid"`
	Cluster string `json:"cluster"`
	Epoch   int64  `json:"epoch"`
	// State that the cluster's agent confirmed in the epoch.
	State string `json:"state,omitempty"`
	// Synced is up to when the peer has the data of each claim's volume.
	Synced map[string]time.Time `json:"synced,omitempty"`
	// Version is where in the order of all writes to the server's store this was.
	Version int64 `json:"version"`
}

// History is everything that happened, kept in a file as it happens.
type History struct {
	lock    sync.Mutex
	file    *os.File
	entries []Entry
}

// NewHistory keeps it in a file, an entry a line.
func NewHistory(path string) (*History, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return &History{file: file}, nil
}

// Add appends an entry; its time is now if it has none.
func (h *History) Add(e Entry) {
	h.lock.Lock()
	defer h.lock.Unlock()
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	h.entries = append(h.entries, e)
	if line, err := json.Marshal(e); err == nil {
		_, _ = h.file.Write(append(line, '\n'))
	}
}

// Entries returns what has happened so far.
func (h *History) Entries() []Entry {
	h.lock.Lock()
	defer h.lock.Unlock()
	return append([]Entry{}, h.entries...)
}

// Close ends the file.
func (h *History) Close() error { return h.file.Close() }
