// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/conversion"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage"
)

// pageSize is how many records are asked for at once.
const pageSize = 10000

// GetList reads records at one revision. Pages begin at a key, of which the hub knows nothing: all records of the resource
// are read for each, which costs little as long as the watch cache above serves nearly all lists.
func (s *store) GetList(ctx context.Context, key string, opts storage.ListOptions, listObj runtime.Object) error {
	prefix, err := storage.PrepareKey(s.resourcePrefix, key, opts.Recursive)
	if err != nil {
		return err
	}
	revision, continueKey, err := storage.ValidateListOptions(prefix, versioner, opts)
	if err != nil {
		return err
	}
	items, err := itemsOf(listObj)
	if err != nil {
		return err
	}
	records, version, err := s.records(ctx, prefix, opts.Recursive, revision)
	if expired(err) && continueKey != "" {
		return continueError(continueKey, prefix)
	}
	if err != nil {
		return hubError(err)
	}
	if wanted, err := versioner.ParseResourceVersion(opts.ResourceVersion); err == nil && wanted > version {
		return storage.NewTooLargeResourceVersionError(wanted, version, 0)
	}
	records = slices.DeleteFunc(records, func(r *Record) bool { return r.Key < continueKey })
	last, more, err := s.fill(ctx, items, records, opts.Predicate)
	if err != nil {
		return err
	}
	token, remaining, err := storage.PrepareContinueToken(last, prefix, int64(version), int64(len(records)), more, opts)
	if err != nil {
		return err
	}
	return versioner.UpdateList(listObj, version, token, remaining)
}

func itemsOf(listObj runtime.Object) (reflect.Value, error) {
	pointer, err := meta.GetItemsPtr(listObj)
	if err != nil {
		return reflect.Value{}, err
	}
	items, err := conversion.EnforcePtr(pointer)
	if err == nil && items.Kind() != reflect.Slice {
		err = fmt.Errorf("the items of %T are no slice", listObj)
	}
	return items, err
}

// fill appends the objects that the predicate selects, and not more than it wants. It returns the key of the last record it
// looked at, and whether there are more.
func (s *store) fill(ctx context.Context, items reflect.Value, records []*Record, pred storage.SelectionPredicate) (last string, more bool, err error) {
	selected := reflect.MakeSlice(items.Type(), 0, len(records))
	for i, record := range records {
		if pred.Limit > 0 && int64(selected.Len()) >= pred.Limit {
			more = true
			break
		}
		if err := ctx.Err(); err != nil {
			return "", false, storage.NewTimeoutError(record.Key, "the request was given up while the list was read")
		}
		object, err := s.decode(ctx, record)
		if err != nil {
			return "", false, err
		}
		if matched, err := pred.Matches(object); err == nil && matched {
			selected = reflect.Append(selected, reflect.ValueOf(object).Elem())
		}
		last, records[i] = record.Key, nil
	}
	items.Set(selected)
	return last, more, nil
}

// decode returns the object in the record.
func (s *store) decode(ctx context.Context, record *Record) (runtime.Object, error) {
	version, err := versionOf(record)
	if err != nil {
		return nil, err
	}
	encoded, _, err := s.codec.open(ctx, record.Key, record.Data)
	if err != nil {
		return nil, err
	}
	object := s.newFunc()
	return object, s.codec.into(encoded, object, version)
}

// records returns the records of that prefix, or of that key, in the order of their keys, and the revision at which it is
// so: the one asked for, or the newest if it is 0.
func (s *store) records(ctx context.Context, prefix string, recursive bool, revision int64) (records []*Record, version uint64, err error) {
	options := metav1.ListOptions{LabelSelector: s.ownLabel(), Limit: pageSize}
	if !recursive {
		options.FieldSelector = fields.OneTermEqualSelector("metadata.name", recordName(prefix)).String()
	}
	if revision > 0 {
		options.ResourceVersion, options.ResourceVersionMatch = strconv.FormatInt(revision, 10), metav1.ResourceVersionMatchExact
	}
	for {
		list, err := s.client.list(ctx, options)
		if err != nil {
			return nil, 0, err
		}
		for i := range list.Items {
			if record := &list.Items[i]; record.Key == prefix || recursive && strings.HasPrefix(record.Key, prefix) {
				records = append(records, record)
			}
		}
		if list.Continue == "" {
			slices.SortFunc(records, func(a, b *Record) int { return strings.Compare(a.Key, b.Key) })
			version, err = strconv.ParseUint(list.ResourceVersion, 10, 64)
			return records, version, err
		}
		options.Continue, options.ResourceVersion, options.ResourceVersionMatch = list.Continue, "", ""
	}
}

func (s *store) ownLabel() string {
	return ResourceLabel + "=" + s.resource
}
