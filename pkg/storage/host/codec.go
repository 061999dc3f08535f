// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/value"
)

// codec turns objects into the data of records and back. Objects are encrypted, if so configured, and compressed, because
// what a record may hold is limited and because the hub's kube-apiserver keeps all of it in memory.
type codec struct {
	runtime.Codec
	transformer value.Transformer
}

// seal makes a record's data of an encoded object.
func (c *codec) seal(ctx context.Context, key string, encoded []byte) ([]byte, error) {
	data, err := c.transformer.TransformToStorage(ctx, encoded, value.DefaultContext(key))
	if err != nil {
		return nil, storage.NewInternalError(err)
	}
	return compress(data), nil
}

// open returns the encoded object in a record's data. It is stale if it should be written anew.
func (c *codec) open(ctx context.Context, key string, data []byte) (encoded []byte, stale bool, err error) {
	data, err = decompress(data)
	if err != nil {
		return nil, false, storage.NewInternalError(fmt.Errorf("the record of %s is damaged: %w", key, err))
	}
	encoded, stale, err = c.transformer.TransformFromStorage(ctx, data, value.DefaultContext(key))
	if err != nil {
		return nil, false, storage.NewInternalError(err)
	}
	return encoded, stale, nil
}

// into decodes an object and gives it its resourceVersion.
func (c *codec) into(encoded []byte, out runtime.Object, resourceVersion uint64) error {
	if _, _, err := c.Decode(encoded, nil, out); err != nil {
		return err
	}
	return storage.APIObjectVersioner{}.UpdateObject(out, resourceVersion)
}

var (
	writers = sync.Pool{New: func() any {
		// The level is valid.
		w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed)
		return w
	}}
	readers = sync.Pool{New: func() any { return &gzip.Reader{} }}
)

// compress can't fail: a buffer takes everything.
func compress(data []byte) []byte {
	buffer := &bytes.Buffer{}
	w := writers.Get().(*gzip.Writer)
	defer writers.Put(w)
	w.Reset(buffer)
	_, _ = w.Write(data)
	_ = w.Close()
	return buffer.Bytes()
}

func decompress(data []byte) ([]byte, error) {
	r := readers.Get().(*gzip.Reader)
	defer readers.Put(r)
	if err := r.Reset(bytes.NewReader(data)); err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}
