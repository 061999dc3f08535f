// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package objectstore

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/config"
)

type secrets struct {
	secret *corev1.Secret
	err    error
	reads  int
}

func (s *secrets) GetSecret(_ context.Context, namespace, name string) (*corev1.Secret, error) {
	s.reads++
	if s.err != nil {
		return nil, s.err
	}
	if s.secret == nil || s.secret.Namespace != namespace || s.secret.Name != name {
		return nil, apierrors.NewNotFound(corev1.Resource("secrets"), name)
	}
	return s.secret, nil
}

func secret(version string, keys ...string) *corev1.Secret {
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "dr-system", Name: "s3", ResourceVersion: version}, Data: map[string][]byte{}}
	for _, key := range keys {
		s.Data[key] = []byte("x")
	}
	return s
}

func profiles() *config.Config {
	return &config.Config{S3StoreProfiles: []config.S3StoreProfile{{
		S3ProfileName: "a", S3Bucket: "b", S3CompatibleEndpoint: "http://127.0.0.1:1", S3SecretRef: config.SecretReference{Name: "s3"},
	}}}
}

func TestProviderKeepsAStoreUntilItsSecretOrProfileChanges(t *testing.T) {
	source := &secrets{secret: secret("1", AccessKeyID, SecretAccessKey)}
	configuration := profiles()
	now := time.Now()
	p := NewProvider(configuration, source, "dr-system").(*provider)
	p.now = func() time.Time { return now }
	get := func() Store {
		t.Helper()
		s, err := p.Store(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := get()
	if get() != first || source.reads != 1 {
		t.Errorf("%d reads of the Secret for two questions at once", source.reads)
	}
	now = now.Add(secretTTL)
	if get() != first || source.reads != 2 {
		t.Errorf("an unchanged Secret made another store, or was not looked at (%d reads)", source.reads)
	}
	source.secret.ResourceVersion = "2"
	now = now.Add(secretTTL)
	second := get()
	if second == first {
		t.Error("the changed Secret was not used")
	}
	source.err = errors.New("API server down")
	now = now.Add(secretTTL)
	if get() != second {
		t.Error("the credentials there are were not used while the API server is down")
	}
	source.err = nil
	configuration.S3StoreProfiles[0].S3Bucket = "other"
	if get() == second {
		t.Error("the changed profile was not used")
	}
	source.secret = nil
	now = now.Add(secretTTL)
	if _, err := p.Store(t.Context(), "a"); !errors.Is(err, ErrCredentials) {
		t.Errorf("a deleted Secret: %v", err)
	}
}

func TestProviderSaysWhatIsMissing(t *testing.T) {
	for name, tc := range map[string]struct {
		profile string
		edit    func(*config.S3StoreProfile)
		secret  *corev1.Secret
		kind    error
		want    string
	}{
		"profile":    {profile: "z", kind: config.ErrUnknownProfile, want: `"z"`},
		"reference":  {edit: func(p *config.S3StoreProfile) { p.S3SecretRef.Name = "" }, kind: ErrCredentials, want: "no s3SecretRef"},
		"Secret":     {kind: ErrCredentials, want: "Secret dr-system/s3 does not exist; create it"},
		"access key": {secret: secret("1", SecretAccessKey), kind: ErrCredentials, want: "has no " + AccessKeyID},
		"secret key": {secret: secret("1", AccessKeyID), kind: ErrCredentials, want: "has no " + SecretAccessKey},
	} {
		t.Run(name, func(t *testing.T) {
			configuration := profiles()
			if tc.edit != nil {
				tc.edit(&configuration.S3StoreProfiles[0])
			}
			if tc.profile == "" {
				tc.profile = "a"
			}
			_, err := NewProvider(configuration, &secrets{secret: tc.secret}, "dr-system").Store(t.Context(), tc.profile)
			if !errors.Is(err, tc.kind) || !strings.Contains(err.Error(), tc.want) {
				t.Error(err)
			}
		})
	}
}
