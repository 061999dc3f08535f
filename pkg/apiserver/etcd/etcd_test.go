// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// childDir, in the environment, makes the test binary a process that writes into an etcd there until it is killed.
const childDir = "DR_TEST_ETCD_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Fprintln(os.Stderr, writeForEver(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeForEver says on stdout which keys etcd has acknowledged.
func writeForEver(dir string) error {
	s, err := Start(context.Background(), dir, DefaultQuota)
	if err != nil {
		return err
	}
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{s.Endpoint()}})
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		key := fmt.Sprintf("key-%d", i)
		if _, err := client.Put(context.Background(), key, key); err != nil {
			return err
		}
		fmt.Println(key)
	}
}

// shortDir is a temporary directory whose path a socket fits into.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "etcd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestWhatWasAcknowledgedSurvivesAKill(t *testing.T) {
	dir := shortDir(t)
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	acknowledged := map[string]bool{}
	lines := bufio.NewScanner(output)
	for len(acknowledged) < 50 && lines.Scan() {
		acknowledged[lines.Text()] = true
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		acknowledged[lines.Text()] = true
	}
	child.Wait()

	s, err := Start(t.Context(), dir, DefaultQuota)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{s.Endpoint()}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	stored, err := client.Get(t.Context(), "key-", clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		t.Fatal(err)
	}
	for _, kv := range stored.Kvs {
		delete(acknowledged, string(kv.Key))
	}
	if len(acknowledged) > 0 || stored.Count < 50 {
		t.Errorf("of %d keys these are lost: %v", stored.Count, acknowledged)
	}
}

func TestDirectoryIsOneProcesss(t *testing.T) {
	dir := shortDir(t)
	s, err := Start(t.Context(), dir, DefaultQuota)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), dir, DefaultQuota); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("a second one in the same directory: %v", err)
	}
	s.Stop()
	again, err := Start(t.Context(), dir, DefaultQuota)
	if err != nil {
		t.Fatalf("after the first has stopped: %v", err)
	}
	again.Stop()
}

func TestOnlyTheOwnerReachesTheData(t *testing.T) {
	dir := filepath.Join(shortDir(t), "data")
	s, err := Start(t.Context(), dir, DefaultQuota)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory has mode %v (%v)", info.Mode(), err)
	}
}

func TestDirectoryWhoseSocketHasNoRoomIsRefused(t *testing.T) {
	_, err := Start(t.Context(), filepath.Join(shortDir(t), strings.Repeat("x", 100)), DefaultQuota)
	if err == nil || !strings.Contains(err.Error(), "choose one of at most 97 characters") {
		t.Error(err)
	}
}
