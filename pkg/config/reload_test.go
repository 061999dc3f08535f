// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestAFileIsFollowed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ramen.yaml")
	clock := time.Now()
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		clock = clock.Add(time.Second)
		if err := os.Chtimes(path, clock, clock); err != nil {
			t.Fatal(err)
		}
	}
	bucket := func(f *File) string {
		t.Helper()
		p, err := f.Profile("a")
		if err != nil {
			t.Fatal(err)
		}
		return p.S3Bucket
	}
	write("s3StoreProfiles: [{s3ProfileName: a, s3Bucket: one, s3CompatibleEndpoint: 'http://s3'}]")
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := bucket(f); got != "one" {
		t.Errorf("at first: %s", got)
	}
	write("s3StoreProfiles: [{s3ProfileName: a, s3Bucket: two, s3CompatibleEndpoint: 'http://s3'}]")
	if got := bucket(f); got != "two" {
		t.Errorf("after a change: %s", got)
	}
	write("s3StoreProfiles: {")
	if got := bucket(f); got != "two" {
		t.Errorf("after a bad change: %s", got)
	}
}
