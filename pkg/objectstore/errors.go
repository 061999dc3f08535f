// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package objectstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/minio/minio-go/v7"
)

// What went wrong with an object store, to be told apart with errors.Is.
var (
	// ErrBucketMissing means that the store answers but has no such bucket.
	ErrBucketMissing = errors.New("the bucket does not exist")
	// ErrForbidden means that the store refused the credentials or what was done with them.
	ErrForbidden = errors.New("access denied")
	// ErrTimeout means that the store did not answer in time.
	ErrTimeout = errors.New("no answer in time")
	// ErrUnreachable means that no connection to the store could be made.
	ErrUnreachable = errors.New("unreachable")
	// ErrNotFound means that there is no object of that key.
	ErrNotFound = errors.New("no such object")
	// ErrCredentials means that the profile's Secret is missing or incomplete.
	ErrCredentials = errors.New("no credentials")
)

// Error is what every failed request returns.
type Error struct {
	// Profile, Bucket and Endpoint say which store.
	Profile, Bucket, Endpoint string
	// Doing and Key say what was tried.
	Doing, Key string
	// Kind is one of this package's Err values, or nil if the cause is something else.
	Kind error
	// Cause is the error of the client.
	Cause error
}

func (e *Error) Error() string {
	text := fmt.Sprintf("s3 profile %q (bucket %q at %s): %s", e.Profile, e.Bucket, e.Endpoint, e.Doing)
	if e.Key != "" {
		text += " " + e.Key
	}
	switch e.Kind {
	case nil:
		return text + ": " + e.Cause.Error()
	case ErrBucketMissing:
		return text + ": the bucket does not exist; create it or correct the profile's s3Bucket"
	case ErrForbidden:
		return text + ": access denied (" + e.Cause.Error() + "); check the keys in the profile's Secret and the bucket's policy"
	case ErrTimeout:
		return text + ": no answer in time; check the profile's s3CompatibleEndpoint, the network and the store"
	case ErrUnreachable:
		return text + ": unreachable (" + e.Cause.Error() + "); check the profile's s3CompatibleEndpoint, the network and the store"
	default:
		return text + ": " + e.Kind.Error()
	}
}

// Unwrap makes errors.Is and errors.As see both kind and cause.
func (e *Error) Unwrap() []error {
	if e.Kind == nil {
		return []error{e.Cause}
	}
	return []error{e.Kind, e.Cause}
}

func (s *store) explain(doing, key string, cause error) error {
	return &Error{
		Profile: s.profile.S3ProfileName, Bucket: s.profile.S3Bucket, Endpoint: s.profile.S3CompatibleEndpoint,
		Doing: doing, Key: key, Kind: classify(cause), Cause: cause,
	}
}

func classify(err error) error {
	if errors.Is(err, ErrBucketMissing) {
		return ErrBucketMissing
	}
	response := minio.ToErrorResponse(err)
	switch {
	case response.Code == minio.NoSuchBucket:
		return ErrBucketMissing
	case response.Code == minio.NoSuchKey:
		return ErrNotFound
	case response.StatusCode == http.StatusForbidden || response.StatusCode == http.StatusUnauthorized:
		return ErrForbidden
	case errors.Is(err, context.DeadlineExceeded):
		return ErrTimeout
	}
	var network net.Error
	if errors.As(err, &network) {
		if network.Timeout() {
			return ErrTimeout
		}
		return ErrUnreachable
	}
	return nil
}

// passing tells failures that a store answers with while it is busy or starting.
func passing(err error) bool {
	status := minio.ToErrorResponse(err).StatusCode
	return status == http.StatusTooManyRequests || status >= http.StatusInternalServerError
}
