// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// smallQuota is filled by a few dozen values.
const smallQuota = 4 << 20

var value = strings.Repeat("x", 100<<10)

// small is an etcd that is soon full. Nobody makes space but the test.
func small(t *testing.T) (*Server, *clientv3.Client) {
	t.Helper()
	s, err := Start(t.Context(), shortDir(t), smallQuota)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	s.stop()
	s.caring.Wait()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{s.Endpoint()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return s, client
}

// fill writes until it is refused.
func fill(t *testing.T, client *clientv3.Client, key func(i int) string) {
	t.Helper()
	for i := range 100 * smallQuota / len(value) {
		if err := put(t, client, key(i)); errors.Is(err, rpctypes.ErrNoSpace) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("it is never full")
}

func put(t *testing.T, client *clientv3.Client, key string) error {
	_, err := client.Put(t.Context(), key, value)
	return err
}

func TestADatabaseFullOfHistoryTakesWritesAgain(t *testing.T) {
	s, client := small(t)
	fill(t, client, func(int) string { return "key" })
	if err := put(t, client, "key"); !errors.Is(err, rpctypes.ErrNoSpace) {
		t.Fatalf("before there is space: %v", err)
	}
	if err := s.makeSpace(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := put(t, client, "key"); err != nil {
		t.Errorf("after there is space: %v", err)
	}
}

func TestADatabaseFullOfObjectsTakesWritesOnceSomeAreDeleted(t *testing.T) {
	s, client := small(t)
	fill(t, client, func(i int) string { return fmt.Sprintf("key-%d", i) })
	if err := s.makeSpace(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := put(t, client, "another"); !errors.Is(err, rpctypes.ErrNoSpace) {
		t.Fatalf("while there is no space: %v", err)
	}
	if _, err := client.Delete(t.Context(), "key-", clientv3.WithPrefix()); err != nil {
		t.Fatal(err)
	}
	if err := s.makeSpace(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := put(t, client, "another"); err != nil {
		t.Errorf("after there is space: %v", err)
	}
}

func TestADatabaseThatIsMostlyFreeIsMadeSmaller(t *testing.T) {
	s, client := small(t)
	for range 30 {
		if err := put(t, client, "key"); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.forgetHistory(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := s.space()
	if err := s.makeSpace(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := s.space(); after.size >= before.size {
		t.Errorf("it took %d bytes and takes %d", before.size, after.size)
	}
}
