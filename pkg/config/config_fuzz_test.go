// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"sigs.k8s.io/yaml"
)

// FuzzParse reads whatever somebody may have in a RamenConfig. What is accepted can be used, and says the same when it is
// written down again.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, seed := range []string{
		"", "null", "---\n---\n", "[]", "s3StoreProfiles: {}", "s3StoreProfiles: [{s3Endpoint: x}]", "a: &a [*a]",
		"s3StoreProfiles:\n- {s3ProfileName: a, s3Bucket: b, s3CompatibleEndpoint: 'https://c:1', caCertificates: QQ==}\n",
		"kind: ConfigMap\ndata:\n  ramen_manager_config.yaml: |\n    kind: ConfigMap\n    data: {ramen_manager_config.yaml: ''}\n",
		"maxConcurrentReconciles: 1.5", "s3StoreProfiles: [null]", "kubeObjectProtection: 1", "metadata: {a: [1]}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(data)
		if err != nil {
			return
		}
		for _, p := range c.S3StoreProfiles {
			if err := validate(p); err != nil {
				t.Errorf("accepted, but %v", err)
			}
			if found, err := c.Profile(p.S3ProfileName); err != nil || !reflect.DeepEqual(found, p) {
				t.Errorf("profile %q is not to be found: %v", p.S3ProfileName, err)
			}
		}
		written, err := yaml.Marshal(map[string]any{"s3StoreProfiles": c.S3StoreProfiles})
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(written)
		if err != nil {
			t.Fatalf("it is not accepted as it was understood: %v\n%s", err, written)
		}
		if !sameProfiles(c.S3StoreProfiles, again.S3StoreProfiles) {
			t.Errorf("it reads\n%+v, and written down\n%+v", c.S3StoreProfiles, again.S3StoreProfiles)
		}
	})
}

func sameProfiles(a, b []S3StoreProfile) bool {
	return len(a) == 0 && len(b) == 0 || reflect.DeepEqual(a, b)
}
