// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package component

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ramendr/dr-apiserver/test/playground/process"
)

// S3 is the name of a cluster's object store program.
const S3 = "s3"

// Profile is the name of a cluster's object store in the RamenConfig.
func Profile(cluster string) string { return "s3-" + cluster }

// Bucket is the bucket in a cluster's object store.
func Bucket(cluster string) string { return "ramen-" + cluster }

// Credentials of an object store.
type Credentials struct {
	AccessKey, SecretKey string
}

// S3Credentials returns those of the cluster's object store, made at the first call.
func (c Cluster) S3Credentials() (Credentials, error) {
	credentials := Credentials{AccessKey: Profile(c.Name)}
	path := c.Dir("s3-secret-key")
	content, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		content = []byte(hex.EncodeToString(randomBytes(20)))
		if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
			err = os.WriteFile(path, content, 0o600)
		}
	}
	if err != nil {
		return credentials, fmt.Errorf("the secret key of %s: %w", Profile(c.Name), err)
	}
	credentials.SecretKey = strings.TrimSpace(string(content))
	return credentials, nil
}

// MinIO is the cluster's object store.
func (c Cluster) MinIO(credentials Credentials) process.Spec {
	args := []string{"server", c.Dir("s3"), "--address=" + c.Address(S3), "--certs-dir=" + c.Dir("s3-certs"), "--anonymous"}
	spec := c.process(S3, c.Root.Tool("minio"), args, c.serving("http://"+c.Address(S3)+"/minio/health/cluster"), S3)
	spec.Env = []string{
		"MINIO_ROOT_USER=" + credentials.AccessKey, "MINIO_ROOT_PASSWORD=" + credentials.SecretKey,
		"MINIO_BROWSER=off", "MINIO_UPDATE=off", "MINIO_CALLHOME_ENABLE=off",
	}
	return spec
}

// randomBytes never fails: crypto/rand ends the program if the system has no randomness.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}
