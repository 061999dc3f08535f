// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package replication

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

// Carrier is a Backend that has to know more where volumes are promoted next than their claims and PersistentVolumes tell.
type Carrier interface {
	Backend
	// Carried is what captures of these volumes hold besides.
	Carried(ctx context.Context, volumes []Volume) ([]archive.Object, error)
	// Receive puts what was captured in place, before any of the volumes is promoted. It may be called again at any time, also
	// with more handles of volumes that are not restored, and leaves what is another backend's.
	Receive(ctx context.Context, rules Rules, carried []archive.Object, without sets.Set[string]) error
}

// Carried is what captures hold besides the volumes, by the method that each is replicated by.
func (b Backends) Carried(ctx context.Context, volumes map[v1alpha1.ReplicationMethod][]Volume) ([]archive.Object, error) {
	var all []archive.Object
	for _, backend := range b {
		carrier, ok := backend.(Carrier)
		if !ok || len(volumes[backend.Method()]) == 0 {
			continue
		}
		carried, err := carrier.Carried(ctx, volumes[backend.Method()])
		if err != nil {
			return nil, err
		}
		all = append(all, carried...)
	}
	return all, nil
}

// Receive has each backend put in place what was captured for it, without the volumes of these handles.
func (b Backends) Receive(ctx context.Context, rules Rules, carried []archive.Object, without sets.Set[string]) error {
	var errs []error
	for _, backend := range b {
		if carrier, ok := backend.(Carrier); ok && len(carried) > 0 {
			errs = append(errs, carrier.Receive(ctx, rules, carried, without))
		}
	}
	return errors.Join(errs...)
}

// ErrNotYet means that nothing is wrong and a wish has to be repeated: what it needs is not there yet.
var ErrNotYet = errors.New("not yet")

// NotYet is an error that says so.
func NotYet(why string) error { return fmt.Errorf("%w: %s", ErrNotYet, why) }
