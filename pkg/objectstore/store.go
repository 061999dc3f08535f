// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package objectstore keeps small objects in S3-compatible stores.
package objectstore

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/ramendr/dr-apiserver/pkg/config"
)

// Store is one bucket of one object store. Every request has its own deadline; errors name the profile, the bucket,
// the endpoint and the remedy, and wrap one of this package's Err values where the cause is known.
type Store interface {
	// CheckBucket finds out whether the bucket is there and may be used.
	CheckBucket(ctx context.Context) error
	// Put writes an object whole.
	Put(ctx context.Context, key string, data []byte) error
	// Get reads an object; ErrNotFound if there is none.
	Get(ctx context.Context, key string) ([]byte, error)
	// List returns the keys that begin with prefix, sorted.
	List(ctx context.Context, prefix string) ([]string, error)
	// Delete removes objects; those that are not there are no error.
	Delete(ctx context.Context, keys ...string) error
}

const (
	// requestTimeout is the longest a request may take, however dead the store.
	requestTimeout = 10 * time.Second
	dialTimeout    = 3 * time.Second
	// attempts at a request that the store answers with a passing failure, within its deadline. A store that can't be
	// reached is given up at once: there may be another one.
	attempts   = 3
	retryPause = 100 * time.Millisecond
	// idleConnections kept open, as captures and restores of many applications come at once.
	idleConnections = 128
)

type store struct {
	profile config.S3StoreProfile
	client  *minio.Core
	timeout time.Duration
}

// New returns the store of a profile. It makes no request.
func New(profile config.S3StoreProfile, accessKey, secretKey string) (Store, error) {
	return newStore(profile, accessKey, secretKey, requestTimeout)
}

func newStore(profile config.S3StoreProfile, accessKey, secretKey string, timeout time.Duration) (*store, error) {
	endpoint, err := url.Parse(profile.S3CompatibleEndpoint)
	if err != nil {
		return nil, fmt.Errorf("s3 profile %q: s3CompatibleEndpoint: %w", profile.S3ProfileName, err)
	}
	transport, err := newTransport(profile)
	if err != nil {
		return nil, err
	}
	client, err := minio.NewCore(endpoint.Host, &minio.Options{
		Creds:      credentials.NewStaticV4(accessKey, secretKey, ""),
		Secure:     endpoint.Scheme == "https",
		Region:     profile.S3Region,
		Transport:  transport,
		MaxRetries: 1,
	})
	if err != nil {
		return nil, fmt.Errorf("s3 profile %q: endpoint %s: %w", profile.S3ProfileName, profile.S3CompatibleEndpoint, err)
	}
	return &store{profile: profile, client: client, timeout: timeout}, nil
}

func newTransport(profile config.S3StoreProfile) (http.RoundTripper, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if len(profile.CACertificates) > 0 && !pool.AppendCertsFromPEM(profile.CACertificates) {
		return nil, fmt.Errorf("s3 profile %q: caCertificates holds no PEM certificate", profile.S3ProfileName)
	}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}).DialContext,
		MaxIdleConns:          idleConnections,
		MaxIdleConnsPerHost:   idleConnections,
		IdleConnTimeout:       time.Minute,
		TLSHandshakeTimeout:   dialTimeout,
		ExpectContinueTimeout: time.Second,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool},
		DisableCompression:    true,
	}, nil
}

func (s *store) CheckBucket(ctx context.Context) error {
	return s.do(ctx, "checking the bucket", "", func(ctx context.Context) error {
		exists, err := s.client.BucketExists(ctx, s.profile.S3Bucket)
		if err == nil && !exists {
			return ErrBucketMissing
		}
		return err
	})
}

func (s *store) Put(ctx context.Context, key string, data []byte) error {
	return s.do(ctx, "writing", key, func(ctx context.Context) error {
		_, err := s.client.Client.PutObject(ctx, s.profile.S3Bucket, key, bytes.NewReader(data), int64(len(data)),
			minio.PutObjectOptions{DisableMultipart: true})
		return err
	})
}

func (s *store) Get(ctx context.Context, key string) ([]byte, error) {
	var data []byte
	err := s.do(ctx, "reading", key, func(ctx context.Context) error {
		body, _, _, err := s.client.GetObject(ctx, s.profile.S3Bucket, key, minio.GetObjectOptions{})
		if err != nil {
			return err
		}
		defer body.Close()
		data, err = io.ReadAll(body)
		return err
	})
	return data, err
}

func (s *store) List(ctx context.Context, prefix string) ([]string, error) {
	var keys []string
	err := s.do(ctx, "listing", prefix, func(ctx context.Context) error {
		for object := range s.client.ListObjectsIter(ctx, s.profile.S3Bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
			if object.Err != nil {
				return object.Err
			}
			keys = append(keys, object.Key)
		}
		return ctx.Err()
	})
	slices.Sort(keys)
	return keys, err
}

func (s *store) Delete(ctx context.Context, keys ...string) error {
	if len(keys) == 0 {
		return nil
	}
	return s.do(ctx, "deleting", keys[0], func(ctx context.Context) error {
		objects := func(yield func(minio.ObjectInfo) bool) {
			for _, key := range keys {
				if !yield(minio.ObjectInfo{Key: key}) {
					return
				}
			}
		}
		results, err := s.client.RemoveObjectsWithIter(ctx, s.profile.S3Bucket, objects, minio.RemoveObjectsOptions{})
		if err != nil {
			return err
		}
		for result := range results {
			if result.Err != nil && err == nil {
				err = result.Err
			}
		}
		return err
	})
}

// do gives one request its deadline and its error the words.
func (s *store) do(ctx context.Context, doing, key string, request func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var err error
	for attempt := range attempts {
		if attempt > 0 {
			pause(limited, retryPause<<attempt)
		}
		if err = request(limited); err == nil || !passing(err) {
			break
		}
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("s3 profile %q: %s: %w", s.profile.S3ProfileName, doing, context.Cause(ctx))
	default:
		return s.explain(doing, key, err)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
