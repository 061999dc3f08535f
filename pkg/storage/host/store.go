// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package host keeps API objects in custom resources of another kube-apiserver: there is no database to run, what is
// kept is backed up and encrypted with that cluster, and any number of replicas can share it.
//
// Each object is in one Record, and has the Record's resourceVersion. Lists, watches, conflicts, and what is forgotten with
// time are therefore those of the etcd below the hub's kube-apiserver.
package host

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/value"
	"k8s.io/apiserver/pkg/storage/value/encrypt/identity"
)

// Config of a store.
type Config struct {
	// Client reaches the records.
	Client *Client
	// GroupResource is what the store has objects of. No two stores of a client may have the same.
	GroupResource schema.GroupResource
	// ResourcePrefix is what every key begins with.
	ResourcePrefix string
	// Codec encodes the objects.
	Codec runtime.Codec
	// Transformer encrypts what is kept. Without one it is kept as it is.
	Transformer value.Transformer
	// NewFunc returns an empty object.
	NewFunc func() runtime.Object
}

// store is a storage.Interface. Objects that expire by themselves are not supported.
type store struct {
	client         *Client
	codec          *codec
	resource       string
	resourcePrefix string
	newFunc        func() runtime.Object

	// keys lists the keys there are, as the watch cache above knows them.
	keys atomic.Pointer[storage.KeysFunc]
}

var (
	_ storage.Interface = &store{}

	versioner = storage.APIObjectVersioner{}
)

// New returns a store of the objects of one resource.
func New(config Config) (storage.Interface, error) {
	if !strings.HasPrefix(config.ResourcePrefix, "/") || config.ResourcePrefix == "/" {
		return nil, fmt.Errorf("the resource prefix %q has to begin with a slash and be longer", config.ResourcePrefix)
	}
	if config.Transformer == nil {
		config.Transformer = identity.NewEncryptCheckTransformer()
	}
	return newStore(config), nil
}

func newStore(config Config) *store {
	return &store{
		client:         config.Client,
		codec:          &codec{Codec: config.Codec, transformer: config.Transformer},
		resource:       config.GroupResource.String(),
		resourcePrefix: config.ResourcePrefix,
		newFunc:        config.NewFunc,
	}
}

// Versioner returns the one of all API objects.
func (s *store) Versioner() storage.Versioner { return versioner }

// ReadinessCheck never fails: whether the hub answers is not the matter of each of many stores. See Client.Ready.
func (s *store) ReadinessCheck() error { return nil }

// Get reads from the hub's etcd, not from a cache.
func (s *store) Get(ctx context.Context, key string, opts storage.GetOptions, out runtime.Object) error {
	key, err := s.objectKey(key)
	if err != nil {
		return err
	}
	record, err := s.read(ctx, key)
	if err != nil {
		return err
	}
	wanted, err := versioner.ParseResourceVersion(opts.ResourceVersion)
	if err != nil {
		return err
	}
	if err := s.atLeast(ctx, wanted, record); err != nil {
		return err
	}
	if record == nil {
		if opts.IgnoreNotFound {
			return runtime.SetZeroValue(out)
		}
		return storage.NewKeyNotFoundError(key, 0)
	}
	encoded, _, err := s.codec.open(ctx, key, record.Data)
	if err != nil {
		return err
	}
	version, err := versionOf(record)
	if err != nil {
		return err
	}
	return s.codec.into(encoded, out, version)
}

// atLeast fails if what was read can't be known to be as new as the resourceVersion wanted.
func (s *store) atLeast(ctx context.Context, wanted uint64, read *Record) error {
	if wanted == 0 {
		return nil
	}
	if read != nil {
		if version, err := versionOf(read); err != nil || version >= wanted {
			return err
		}
	}
	current, err := s.client.currentVersion(ctx)
	if err != nil {
		return hubError(err)
	}
	if current < wanted {
		return storage.NewTooLargeResourceVersionError(wanted, current, 0)
	}
	return nil
}

// read returns nil if there is no record of that key.
func (s *store) read(ctx context.Context, key string) (*Record, error) {
	record, err := s.client.get(ctx, recordName(key))
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, hubError(err)
	}
	if record.Key != key {
		return nil, storage.NewInternalError(fmt.Errorf("the record %s is of %q, not of %q", record.Name, record.Key, key))
	}
	return record, nil
}

// Create makes a record.
func (s *store) Create(ctx context.Context, key string, obj, out runtime.Object, ttl uint64) error {
	key, err := s.objectKey(key)
	if err != nil {
		return err
	}
	if ttl != 0 {
		return storage.NewInternalError(fmt.Errorf("%s: objects that expire can't be kept on the hub", key))
	}
	if version, err := versioner.ObjectResourceVersion(obj); err == nil && version != 0 {
		return storage.ErrResourceVersionSetOnCreate
	}
	if err := versioner.PrepareObjectForStorage(obj); err != nil {
		return fmt.Errorf("preparing %s for storage: %w", key, err)
	}
	encoded, err := runtime.Encode(s.codec, obj)
	if err != nil {
		return err
	}
	version, err := s.write(ctx, key, encoded, 0)
	if apierrors.IsAlreadyExists(err) {
		return storage.NewKeyExistsError(key, 0)
	}
	if err != nil || out == nil {
		return err
	}
	return s.codec.into(encoded, out, version)
}

// write makes the record if the version it replaces is 0, and else changes it if it still has that version. It returns the
// new version.
func (s *store) write(ctx context.Context, key string, encoded []byte, replaces uint64) (uint64, error) {
	data, err := s.codec.seal(ctx, key, encoded)
	if err != nil {
		return 0, err
	}
	record := &Record{
		TypeMeta:   metav1.TypeMeta{APIVersion: GroupVersion.String(), Kind: kind},
		ObjectMeta: metav1.ObjectMeta{Name: recordName(key), Labels: map[string]string{ResourceLabel: s.resource}},
		Key:        key,
		Data:       data,
	}
	send := s.client.create
	if replaces != 0 {
		record.ResourceVersion = strconv.FormatUint(replaces, 10)
		send = s.client.update
	}
	version, err := send(ctx, record)
	if outdated(err) {
		return 0, err
	}
	if err != nil {
		return 0, hubError(err)
	}
	return strconv.ParseUint(version, 10, 64)
}

func (s *store) objectKey(key string) (string, error) {
	return storage.PrepareKey(s.resourcePrefix, key, false)
}

func versionOf(record metav1.Object) (uint64, error) {
	version, err := strconv.ParseUint(record.GetResourceVersion(), 10, 64)
	if err != nil {
		return 0, storage.NewInternalError(fmt.Errorf("the resourceVersion of the record %s: %w", record.GetName(), err))
	}
	return version, nil
}
