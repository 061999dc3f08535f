// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package objectstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ramendr/dr-apiserver/pkg/config"
)

func refuse(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		if r.Method != http.MethodHead {
			fmt.Fprintf(w, "<Error><Code>%s</Code><Message>refused by the test</Message></Error>", code)
		}
	}
}

// hanging is a server that takes requests and never answers.
func hanging(t *testing.T) http.HandlerFunc {
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	return func(http.ResponseWriter, *http.Request) { <-over }
}

func storeAt(t *testing.T, endpoint string, timeout time.Duration) Store {
	t.Helper()
	s, err := newStore(config.S3StoreProfile{
		S3ProfileName: "minio-dr1", S3Bucket: "ramen-metadata", S3Region: "us-east-1", S3CompatibleEndpoint: endpoint,
	}, "key", "secret", timeout)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func operations(s Store) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"check": s.CheckBucket,
		"put":   func(ctx context.Context) error { return s.Put(ctx, "k", []byte("v")) },
		"get":   func(ctx context.Context) error { _, err := s.Get(ctx, "k"); return err },
		"list":  func(ctx context.Context) error { _, err := s.List(ctx, "k"); return err },
		"delete": func(ctx context.Context) error {
			return s.Delete(ctx, "k")
		},
	}
}

func TestEveryOperationSaysWhatIsWrongWithTheStore(t *testing.T) {
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		timeout time.Duration
		want    error
		remedy  string
	}{
		"credentials refused": {refuse(http.StatusForbidden, "AccessDenied"), time.Minute, ErrForbidden, "check the keys"},
		"bucket missing":      {refuse(http.StatusNotFound, "NoSuchBucket"), time.Minute, ErrBucketMissing, "create it"},
		"store hangs": {
			hanging(t),
			50 * time.Millisecond, ErrTimeout, "check the profile's s3CompatibleEndpoint",
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(tc.handler)
			t.Cleanup(server.CloseClientConnections)
			for operation, run := range operations(storeAt(t, server.URL, tc.timeout)) {
				err := run(t.Context())
				if !errors.Is(err, tc.want) {
					t.Errorf("%s: got %v, want %v", operation, err, tc.want)
					continue
				}
				for _, word := range []string{`"minio-dr1"`, `"ramen-metadata"`, server.URL, tc.remedy} {
					if !strings.Contains(err.Error(), word) {
						t.Errorf("%s: %q does not mention %s", operation, err, word)
					}
				}
			}
		})
	}
}

func TestAPassingFailureIsTriedAgain(t *testing.T) {
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 1 {
			refuse(http.StatusServiceUnavailable, "SlowDown")(w, r)
		}
	}))
	defer server.Close()
	if err := storeAt(t, server.URL, time.Minute).CheckBucket(t.Context()); err != nil || requests.Load() != 2 {
		t.Errorf("%v after %d requests", err, requests.Load())
	}
}

func TestNoListenerIsUnreachable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	err = storeAt(t, "http://"+address, time.Minute).CheckBucket(t.Context())
	if !errors.Is(err, ErrUnreachable) {
		t.Error(err)
	}
}

func TestMissingObjectIsNotFound(t *testing.T) {
	server := httptest.NewServer(refuse(http.StatusNotFound, "NoSuchKey"))
	defer server.Close()
	if _, err := storeAt(t, server.URL, time.Minute).Get(t.Context(), "k"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

func TestACallerGivingUpIsNoFaultOfTheStore(t *testing.T) {
	server := httptest.NewServer(hanging(t))
	t.Cleanup(server.CloseClientConnections)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := storeAt(t, server.URL, time.Minute).Get(ctx, "k")
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrTimeout) {
		t.Error(err)
	}
}

func TestCertificatesMustBePEM(t *testing.T) {
	_, err := New(config.S3StoreProfile{S3ProfileName: "a", S3CompatibleEndpoint: "https://x", CACertificates: []byte("no")}, "", "")
	if err == nil || !strings.Contains(err.Error(), "no PEM certificate") {
		t.Error(err)
	}
}
