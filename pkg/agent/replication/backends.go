// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package replication

import (
	"cmp"
	"fmt"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Backends are the ways in which volumes can be replicated, one backend for each method.
type Backends []Backend

// For is the backend of a method; nil if there is none.
func (b Backends) For(method v1alpha1.ReplicationMethod) Backend {
	for _, backend := range b {
		if backend.Method() == method {
			return backend
		}
	}
	return nil
}

// Choice is how a volume is replicated.
type Choice struct {
	// Method is empty if none fits.
	Method v1alpha1.ReplicationMethod
	// Class that replicates the volume, or problem why none does.
	Class   string
	Problem *Problem
	// State of its replication; nil if there is none, and awaited says what that is waiting for, if that is known.
	State   *State
	Awaited string
}

// Choose says how a volume is replicated. What it got it keeps: noted is the method that was noted on its claim, and where
// nothing is noted, a backend that replicates it already goes on. Only then it follows from the peer class of its
// StorageClass. Without any, a group that needs none has the storage replicate it.
func (b Backends) Choose(v Volume, noted v1alpha1.ReplicationMethod) (Choice, error) {
	if noted == "" {
		for _, backend := range b {
			if state, err := backend.Report(v.Key()); err != nil || state != nil {
				return chosen(backend, v, state), err
			}
		}
		peer, problem := PeerClass(v)
		if problem != nil {
			return Choice{Problem: problem}, nil
		}
		noted = v1alpha1.MethodVolumeReplication
		if peer != nil {
			noted = cmp.Or(peer.Method, noted)
		}
	}
	backend := b.For(noted)
	if backend == nil {
		return Choice{Problem: unknown(v, noted)}, nil
	}
	state, err := backend.Report(v.Key())
	return chosen(backend, v, state), err
}

func chosen(backend Backend, v Volume, state *State) Choice {
	class, problem := backend.Class(v)
	choice := Choice{Method: backend.Method(), Class: class, Problem: problem, State: state}
	if explainer, ok := backend.(Explainer); ok && state == nil {
		choice.Awaited = explainer.Awaited(v.Key())
	}
	return choice
}

func unknown(v Volume, method v1alpha1.ReplicationMethod) *Problem {
	return &Problem{Reason: ReasonUnknownMethod, Message: fmt.Sprintf(
		"PersistentVolumeClaim %s: the agent of %s can't replicate by the method %s; upgrade it", v.Key(), v.Rules.Cluster, method)}
}
