// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package config reads the RamenConfig file that tells the servers and agents which object stores there are.
// It takes the file as RamenDR's users have it: plain, as a RamenConfig manifest, or inside a ConfigMap.
package config

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// Key is the key of a ConfigMap's data that holds the configuration, and the file name it has when the ConfigMap
// is mounted.
const Key = "ramen_manager_config.yaml"

// Config is what the servers and agents use of a RamenConfig.
type Config struct {
	// S3StoreProfiles are the object stores, in the order of the file.
	S3StoreProfiles []S3StoreProfile
}

// S3StoreProfile is one object store.
type S3StoreProfile struct {
	// S3ProfileName is what DRClusters and VolumeReplicationGroups call it.
	S3ProfileName string `json:"s3ProfileName"`
	// S3Bucket must exist; it is never created.
	S3Bucket string `json:"s3Bucket"`
	// S3CompatibleEndpoint is its URL, with scheme: http://host:port or https://host.
	S3CompatibleEndpoint string `json:"s3CompatibleEndpoint"`
	// S3Region may be empty.
	S3Region string `json:"s3Region"`
	// S3SecretRef names the Secret that holds AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
	S3SecretRef SecretReference `json:"s3SecretRef"`
	// CACertificates, in PEM, are trusted for this endpoint besides the system's.
	CACertificates []byte `json:"caCertificates"`
}

// SecretReference names a Secret.
type SecretReference struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

// Load reads the configuration at path: a file, or a directory that a ConfigMap is mounted at. Fields it does not
// know are refused by name.
func Load(path string) (*Config, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, Key)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	c, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", path, err)
	}
	return c, nil
}

// Parse reads a configuration. A file of several documents is read as their union.
func Parse(data []byte) (*Config, error) {
	files, err := decode(data)
	if err != nil {
		return nil, err
	}
	c := &Config{}
	for _, f := range files {
		for _, p := range slices.Concat(f.S3StoreProfiles, f.DRClusterOperator.S3StoreProfiles) {
			if err := c.add(p); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

// Profile returns the object store of that name.
func (c *Config) Profile(name string) (S3StoreProfile, error) {
	names := make([]string, 0, len(c.S3StoreProfiles))
	for _, p := range c.S3StoreProfiles {
		if p.S3ProfileName == name {
			return p, nil
		}
		names = append(names, p.S3ProfileName)
	}
	if len(names) == 0 {
		return S3StoreProfile{}, fmt.Errorf("s3 profile %q: %w, it has none; add it to s3StoreProfiles", name, ErrUnknownProfile)
	}
	return S3StoreProfile{}, fmt.Errorf("s3 profile %q: %w, which has %s; add it to s3StoreProfiles or correct the name",
		name, ErrUnknownProfile, strings.Join(names, ", "))
}

// ErrUnknownProfile is what Profile's errors wrap.
var ErrUnknownProfile = errors.New("not in the configuration")

func (c *Config) add(p S3StoreProfile) error {
	if err := validate(p); err != nil {
		return err
	}
	for _, other := range c.S3StoreProfiles {
		if other.S3ProfileName != p.S3ProfileName {
			continue
		}
		if reflect.DeepEqual(other, p) {
			return nil
		}
		return fmt.Errorf("s3StoreProfiles: profile %q is there twice with different content; keep one", p.S3ProfileName)
	}
	c.S3StoreProfiles = append(c.S3StoreProfiles, p)
	return nil
}

func validate(p S3StoreProfile) error {
	if p.S3ProfileName == "" {
		return errors.New("s3StoreProfiles: a profile has no s3ProfileName; name it")
	}
	if p.S3Bucket == "" {
		return fmt.Errorf("s3StoreProfiles: profile %q has no s3Bucket; name the bucket", p.S3ProfileName)
	}
	if p.S3CompatibleEndpoint == "" {
		return fmt.Errorf("s3StoreProfiles: profile %q has no s3CompatibleEndpoint; give its URL, such as http://minio.example:9000", p.S3ProfileName)
	}
	u, err := url.Parse(p.S3CompatibleEndpoint)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return fmt.Errorf("s3StoreProfiles: profile %q: s3CompatibleEndpoint %q is not a URL of the form http://host:port or https://host",
			p.S3ProfileName, p.S3CompatibleEndpoint)
	}
	return nil
}
