// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package audit reads from a kube-apiserver's audit log what somebody did, and compares it with what they may do.
package audit

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

// Policy has the requests of this project's programs written down, whoever else there is.
const Policy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  userGroups: ["system:serviceaccounts:dr-system", "system:serviceaccounts:dr-agents"]
- level: None
`

// Request is one that somebody made.
type Request struct {
	Received time.Time
	User     string
	Action
	Code int32
}

// Action is what a request does to which objects, in RBAC's words. The path stands for all of it where there is no object.
type Action struct {
	Verb, Group, Resource, Namespace, Name, Path string
}

func (a Action) String() string {
	if a.Path != "" {
		return a.Verb + " " + a.Path
	}
	text := a.Verb + " " + a.Resource
	if a.Group != "" {
		text += "." + a.Group
	}
	if a.Name != "" {
		text += " " + a.Name
	}
	if a.Namespace != "" {
		text += " in " + a.Namespace
	}
	return text
}

// Read reads an audit log.
func Read(path string) ([]Request, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var requests []Request
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event auditv1.Event
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		requests = append(requests, requestOf(&event))
	}
	return requests, lines.Err()
}

// requestOf takes a request of one user as another for one of the other.
func requestOf(event *auditv1.Event) Request {
	r := Request{Received: event.RequestReceivedTimestamp.Time, User: event.User.Username, Action: Action{Verb: event.Verb}}
	if event.ImpersonatedUser != nil {
		r.User = event.ImpersonatedUser.Username
	}
	if event.ResponseStatus != nil {
		r.Code = event.ResponseStatus.Code
	}
	ref := event.ObjectRef
	if ref == nil {
		r.Path, _, _ = strings.Cut(event.RequestURI, "?")
		return r
	}
	r.Group, r.Resource, r.Namespace, r.Name = ref.APIGroup, ref.Resource, ref.Namespace, ref.Name
	if ref.Subresource != "" {
		r.Resource += "/" + ref.Subresource
	}
	return r
}

// Of returns the requests of a user.
func Of(requests []Request, user string) []Request {
	return slices.DeleteFunc(slices.Clone(requests), func(r Request) bool { return r.User != user })
}

// Since returns the requests that were made from a time on.
func Since(requests []Request, began time.Time) []Request {
	return slices.DeleteFunc(slices.Clone(requests), func(r Request) bool { return r.Received.Before(began) })
}

// Denied returns what users were not allowed to do, each once.
func Denied(requests []Request) []string {
	var denied []string
	for _, r := range requests {
		if r.Code == http.StatusForbidden || r.Code == http.StatusUnauthorized {
			denied = append(denied, fmt.Sprintf("%s: %s", r.User, r.Action))
		}
	}
	slices.Sort(denied)
	return slices.Compact(denied)
}
