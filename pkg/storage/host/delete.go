// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/utils/ptr"
)

// deletionSeconds is how long to wait for the hub to tell which resourceVersion a deletion had.
const deletionSeconds = 5

// Delete removes a record if it is what preconditions and validation were checked against, and else checks them anew.
func (s *store) Delete(ctx context.Context, key string, out runtime.Object, preconditions *storage.Preconditions,
	validateDeletion storage.ValidateObjectFunc, suggestion runtime.Object, _ storage.DeleteOptions,
) error {
	key, err := s.objectKey(key)
	if err != nil {
		return err
	}
	from, err := s.origin(ctx, key, false, suggestion)
	if err != nil {
		return err
	}
	for {
		err := preconditions.Check(key, from.object)
		if err == nil {
			err = validateDeletion(ctx, from.object)
		}
		if err != nil {
			if err := from.retry(err); err != nil {
				return err
			}
			continue
		}
		err = s.client.delete(ctx, recordName(key), strconv.FormatUint(from.version, 10))
		if outdated(err) {
			if _, err := from.refresh(); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return hubError(err)
		}
		version, err := s.deletedAt(ctx, key, from.version)
		if err != nil {
			return err
		}
		return s.codec.into(from.encoded, out, version)
	}
}

// deletedAt returns the resourceVersion of the deletion that followed the version. The hub does not answer a deletion with
// it, but tells it to who watches.
func (s *store) deletedAt(ctx context.Context, key string, version uint64) (uint64, error) {
	w, err := s.client.watch(ctx, metav1.ListOptions{
		FieldSelector:   fields.OneTermEqualSelector("metadata.name", recordName(key)).String(),
		ResourceVersion: strconv.FormatUint(version, 10),
		TimeoutSeconds:  ptr.To[int64](deletionSeconds),
	})
	if err == nil {
		defer w.Stop()
		for event := range w.ResultChan() {
			if record, ok := event.Object.(*Record); ok {
				return versionOf(record)
			}
			break
		}
	}
	// It is deleted all the same, at a version no newer than this.
	current, err := s.client.currentVersion(ctx)
	return current, hubError(err)
}
