// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var minio = S3StoreProfile{
	S3ProfileName:        "minio-s3",
	S3Bucket:             "ramen-metadata",
	S3Region:             "us-east-1",
	S3CompatibleEndpoint: "http://minio.minio-system.svc.cluster.local:9000",
	S3SecretRef:          SecretReference{Name: "ramen-s3-secret", Namespace: "ramen-system"},
}

func TestLoadAcceptsTheFormsOfRamenDR(t *testing.T) {
	bare := minio
	bare.S3Region, bare.S3SecretRef = "", SecretReference{}
	hostIP := minio
	hostIP.S3CompatibleEndpoint = "http://HOST_IP:9000"
	for file, want := range map[string]S3StoreProfile{
		"05-configmap.yaml":   minio,
		"06-fragment.yaml":    bare,
		"11-ramenconfig.yaml": hostIP,
	} {
		t.Run(file, func(t *testing.T) {
			c, err := Load(filepath.Join("../../test/ramendr/manifests", file))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]S3StoreProfile{want}, c.S3StoreProfiles); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLoadReadsAMountedConfigMap(t *testing.T) {
	dir := t.TempDir()
	content := "s3StoreProfiles:\n- {s3ProfileName: a, s3Bucket: b, s3CompatibleEndpoint: 'https://s3.example', caCertificates: UEVN}\n"
	if err := os.WriteFile(filepath.Join(dir, Key), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Profile("a")
	if err != nil {
		t.Fatal(err)
	}
	if string(p.CACertificates) != "PEM" {
		t.Errorf("caCertificates: %q", p.CACertificates)
	}
}

func TestParseRefuses(t *testing.T) {
	const good = "s3ProfileName: a, s3Bucket: b, s3CompatibleEndpoint: 'http://s3:9000'"
	for name, tc := range map[string]struct{ in, want string }{
		"the endpoint's wrong name": {
			"s3StoreProfiles: [{s3ProfileName: a, s3Bucket: b, s3Endpoint: 'http://s3:9000'}]",
			"s3StoreProfiles[0].s3Endpoint: unknown field, did you mean s3CompatibleEndpoint",
		},
		"a misspelt field": {
			"s3StoreProfiles: [{s3ProfileName: a, s3Buckt: b, s3CompatibleEndpoint: 'http://s3:9000'}]",
			"s3StoreProfiles[0].s3Buckt: unknown field, did you mean s3Bucket",
		},
		"a field in the wrong case": {
			"drclusteroperator: {}",
			"drclusteroperator: unknown field, did you mean drClusterOperator",
		},
		"a field nobody knows": {
			"drClusterOperator: {colour: blue}",
			"drClusterOperator.colour: unknown field; known here are catalogSourceName",
		},
		"an object where the list belongs": {
			"drClusterOperator: {s3StoreProfiles: {" + good + "}}",
			"drClusterOperator.s3StoreProfiles: a list is wanted, found an object",
		},
		"a list where an object belongs": {
			"drClusterOperator: []",
			"drClusterOperator: an object is wanted, found a list",
		},
		"text where a number belongs": {
			"maxConcurrentReconciles: many",
			`maxConcurrentReconciles: a whole number is wanted, found the text "many"`,
		},
		"a number where text belongs": {
			"s3StoreProfiles: [{s3ProfileName: 1, s3Bucket: b, s3CompatibleEndpoint: 'http://s3:9000'}]",
			"s3StoreProfiles[0].s3ProfileName: text is wanted, found 1",
		},
		"certificates that are not base64": {
			"s3StoreProfiles: [{" + good + ", caCertificates: '-----BEGIN'}]",
			"s3StoreProfiles[0].caCertificates: is not base64",
		},
		"a profile without a name":     {"s3StoreProfiles: [{s3Bucket: b}]", "a profile has no s3ProfileName"},
		"a profile without a bucket":   {"s3StoreProfiles: [{s3ProfileName: a}]", `profile "a" has no s3Bucket`},
		"a profile without endpoint":   {"s3StoreProfiles: [{s3ProfileName: a, s3Bucket: b}]", `profile "a" has no s3CompatibleEndpoint`},
		"an endpoint without a scheme": {"s3StoreProfiles: [{s3ProfileName: a, s3Bucket: b, s3CompatibleEndpoint: 's3:9000'}]", "is not a URL of the form"},
		"two profiles of one name": {
			"s3StoreProfiles: [{" + good + "}, {" + good + ", s3Region: x}]",
			`profile "a" is there twice`,
		},
		"a key given twice":                {"ramenControllerType: a\nramenControllerType: b", `key "ramenControllerType" already set`},
		"a ConfigMap without the key":      {"kind: ConfigMap\ndata: {other: x}", "the ConfigMap has no data." + Key},
		"a misspelling inside a ConfigMap": {"kind: ConfigMap\ndata: {" + Key + ": 's3StoreProfile: []'}", "did you mean s3StoreProfiles"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(tc.in))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want it to contain %q", err, tc.want)
			}
		})
	}
}

func TestProfileNamesWhatThereIs(t *testing.T) {
	c := &Config{S3StoreProfiles: []S3StoreProfile{minio}}
	_, err := c.Profile("other")
	if !errors.Is(err, ErrUnknownProfile) || !strings.Contains(err.Error(), "minio-s3") {
		t.Error(err)
	}
	if _, err := (&Config{}).Profile("other"); !errors.Is(err, ErrUnknownProfile) {
		t.Error(err)
	}
}
