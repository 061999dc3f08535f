// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package objectstore

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/ramendr/dr-apiserver/pkg/config"
)

// Keys of a profile's Secret.
const (
	AccessKeyID     = "AWS_ACCESS_KEY_ID"
	SecretAccessKey = "AWS_SECRET_ACCESS_KEY"
)

// Provider finds the store of a profile.
type Provider interface {
	// Store returns the store of the profile of that name, with the credentials of the profile's Secret.
	Store(ctx context.Context, profileName string) (Store, error)
}

// Profiles finds a profile by name; config.Config and config.File do.
type Profiles interface {
	Profile(name string) (config.S3StoreProfile, error)
}

// SecretGetter reads a Secret.
type SecretGetter interface {
	GetSecret(ctx context.Context, namespace, name string) (*corev1.Secret, error)
}

// SecretGetterFunc is a function that reads a Secret.
type SecretGetterFunc func(ctx context.Context, namespace, name string) (*corev1.Secret, error)

// GetSecret calls f.
func (f SecretGetterFunc) GetSecret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	return f(ctx, namespace, name)
}

// secretTTL is how long a Secret is believed unchanged.
const secretTTL = 30 * time.Second

type provider struct {
	profiles  Profiles
	secrets   SecretGetter
	namespace string
	now       func() time.Time

	lock    sync.Mutex
	entries map[string]*entry
}

// entry is what is known of one profile. Its lock makes many callers at once read the Secret once.
type entry struct {
	lock    sync.Mutex
	profile config.S3StoreProfile
	version string
	read    time.Time
	store   Store
}

// NewProvider returns a Provider. Secrets whose reference names no namespace are read in defaultNamespace. A store is
// kept until its profile changes or, looked at every half minute at most, its Secret does.
func NewProvider(profiles Profiles, secrets SecretGetter, defaultNamespace string) Provider {
	return &provider{profiles: profiles, secrets: secrets, namespace: defaultNamespace, now: time.Now, entries: map[string]*entry{}}
}

func (p *provider) Store(ctx context.Context, name string) (Store, error) {
	profile, err := p.profiles.Profile(name)
	if err != nil {
		return nil, err
	}
	e := p.entry(name)
	e.lock.Lock()
	defer e.lock.Unlock()
	same := e.store != nil && reflect.DeepEqual(e.profile, profile)
	if same && p.now().Sub(e.read) < secretTTL {
		return e.store, nil
	}
	secret, err := p.secret(ctx, profile)
	if err != nil {
		return p.keep(e, same, err)
	}
	if same && e.version == secret.ResourceVersion {
		e.read = p.now()
		return e.store, nil
	}
	s, err := New(profile, string(secret.Data[AccessKeyID]), string(secret.Data[SecretAccessKey]))
	if err != nil {
		return nil, err
	}
	e.profile, e.version, e.read, e.store = profile, secret.ResourceVersion, p.now(), s
	return s, nil
}

// keep goes on with the credentials there are when the API server can't be asked, for recovery must not wait for it;
// a Secret that was taken away is another matter.
func (p *provider) keep(e *entry, same bool, err error) (Store, error) {
	if !same || errors.Is(err, ErrCredentials) {
		return nil, err
	}
	e.read = p.now()
	return e.store, nil
}

func (p *provider) entry(name string) *entry {
	p.lock.Lock()
	defer p.lock.Unlock()
	if p.entries[name] == nil {
		p.entries[name] = &entry{}
	}
	return p.entries[name]
}

func (p *provider) secret(ctx context.Context, profile config.S3StoreProfile) (*corev1.Secret, error) {
	ref := profile.S3SecretRef
	if ref.Name == "" {
		return nil, fmt.Errorf("s3 profile %q: %w: it has no s3SecretRef; name a Secret with %s and %s",
			profile.S3ProfileName, ErrCredentials, AccessKeyID, SecretAccessKey)
	}
	if ref.Namespace == "" {
		ref.Namespace = p.namespace
	}
	secret, err := p.secrets.GetSecret(ctx, ref.Namespace, ref.Name)
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("s3 profile %q: %w: Secret %s/%s does not exist; create it with %s and %s",
			profile.S3ProfileName, ErrCredentials, ref.Namespace, ref.Name, AccessKeyID, SecretAccessKey)
	}
	if err != nil {
		return nil, fmt.Errorf("s3 profile %q: reading Secret %s/%s: %w", profile.S3ProfileName, ref.Namespace, ref.Name, err)
	}
	for _, key := range []string{AccessKeyID, SecretAccessKey} {
		if len(secret.Data[key]) == 0 {
			return nil, fmt.Errorf("s3 profile %q: %w: Secret %s/%s has no %s; add it",
				profile.S3ProfileName, ErrCredentials, ref.Namespace, ref.Name, key)
		}
	}
	return secret, nil
}
