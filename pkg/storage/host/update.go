// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bytes"
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage"
)

// state is an object as it is, or was, kept.
type state struct {
	object  runtime.Object
	version uint64
	encoded []byte
	// stale data is to be written even if the object does not change.
	stale bool
}

// origin is the state that an update or a deletion starts from. It may be what the caller believes it to be: then what
// fails may fail because that is outdated.
type origin struct {
	*state
	read    func() (*state, error)
	current bool
}

// refresh reads the state. It tells whether it is another one than before.
func (o *origin) refresh() (changed bool, err error) {
	before := o.version
	o.state, err = o.read()
	if err != nil {
		return false, err
	}
	o.current = true
	return o.version != before, nil
}

// retry is asked after a failure. It returns the failure if it stands, and nil if it is worth another try.
func (o *origin) retry(failure error) error {
	if o.current {
		return failure
	}
	changed, err := o.refresh()
	if err == nil && !changed {
		err = failure
	}
	return err
}

// origin returns where to start from, which is the suggestion if there is one.
func (s *store) origin(ctx context.Context, key string, ignoreNotFound bool, suggestion runtime.Object) (*origin, error) {
	from := &origin{state: &state{}, read: func() (*state, error) { return s.state(ctx, key, ignoreNotFound) }}
	if suggestion == nil {
		_, err := from.refresh()
		return from, err
	}
	suggested, err := s.suggested(suggestion)
	from.state = suggested
	return from, err
}

// state reads the object.
func (s *store) state(ctx context.Context, key string, ignoreNotFound bool) (*state, error) {
	record, err := s.read(ctx, key)
	if err != nil {
		return nil, err
	}
	if record == nil {
		if !ignoreNotFound {
			return nil, storage.NewKeyNotFoundError(key, 0)
		}
		return &state{object: s.newFunc()}, nil
	}
	is := &state{object: s.newFunc()}
	if is.version, err = versionOf(record); err != nil {
		return nil, err
	}
	if is.encoded, is.stale, err = s.codec.open(ctx, key, record.Data); err != nil {
		return nil, err
	}
	return is, s.codec.into(is.encoded, is.object, is.version)
}

// suggested is the state in which the object would have been read.
func (s *store) suggested(object runtime.Object) (*state, error) {
	version, err := versioner.ObjectResourceVersion(object)
	if err != nil {
		return nil, fmt.Errorf("the resourceVersion of the object suggested: %w", err)
	}
	// The resourceVersion is not kept.
	if err := versioner.PrepareObjectForStorage(object); err != nil {
		return nil, fmt.Errorf("preparing the object suggested for storage: %w", err)
	}
	encoded, err := runtime.Encode(s.codec, object)
	if err != nil {
		return nil, err
	}
	return &state{object: object, version: version, encoded: encoded}, versioner.UpdateObject(object, version)
}

// GuaranteedUpdate changes a record if it is what the change was made from, and else makes the change anew. Objects that
// expire are never created, so an update need not keep them from it.
func (s *store) GuaranteedUpdate(ctx context.Context, key string, destination runtime.Object, ignoreNotFound bool,
	preconditions *storage.Preconditions, tryUpdate storage.UpdateFunc, suggestion runtime.Object,
) error {
	key, err := s.objectKey(key)
	if err != nil {
		return err
	}
	from, err := s.origin(ctx, key, ignoreNotFound, suggestion)
	if err != nil {
		return err
	}
	for {
		encoded, err := s.change(key, from.state, preconditions, tryUpdate)
		if err != nil {
			if err := from.retry(err); err != nil {
				return err
			}
			continue
		}
		unchanged := bytes.Equal(encoded, from.encoded) && !from.stale
		if unchanged && from.current {
			return s.codec.into(encoded, destination, from.version)
		}
		version := uint64(0)
		if !unchanged {
			version, err = s.write(ctx, key, encoded, from.version)
		}
		// That there is nothing to write is to be confirmed, if it was found from a suggestion.
		if unchanged || outdated(err) {
			if _, err := from.refresh(); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		return s.codec.into(encoded, destination, version)
	}
}

// change returns the changed object, encoded.
func (s *store) change(key string, from *state, preconditions *storage.Preconditions, tryUpdate storage.UpdateFunc) ([]byte, error) {
	if err := preconditions.Check(key, from.object); err != nil {
		return nil, err
	}
	changed, _, err := tryUpdate(from.object, storage.ResponseMeta{ResourceVersion: from.version})
	if err != nil {
		return nil, err
	}
	if err := versioner.PrepareObjectForStorage(changed); err != nil {
		return nil, fmt.Errorf("preparing %s for storage: %w", key, err)
	}
	return runtime.Encode(s.codec, changed)
}
