// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package servingcert issues the server's certificate and the CA of it. Both are in one Secret, so that all replicas serve
// the same; they are renewed in time, and the APIService is kept to trust them, without a restart and without a request
// that fails.
package servingcert

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// Config says where the certificate is kept and who is to trust it.
type Config struct {
	Kube    kubernetes.Interface
	Dynamic dynamic.Interface
	// Namespace and Secret are where it is kept. The Secret may be empty.
	Namespace, Secret string
	// APIService is the name of the one by which the hub's kube-apiserver trusts it.
	APIService string
	Policy     Policy
	Clock      clock.WithTicker
}

// Issuer provides the certificate that is to be served now.
type Issuer struct {
	config  Config
	secrets corev1client.SecretInterface

	current atomic.Pointer[served]

	mu        sync.Mutex
	listeners []dynamiccertificates.Listener
}

var (
	_ dynamiccertificates.CertKeyContentProvider = &Issuer{}
	_ dynamiccertificates.ControllerRunner       = &Issuer{}
)

// served is what is served, and what clients are to trust.
type served struct {
	cert, key, caBundle []byte
	expires, wakeUp     time.Time
}

// New returns an Issuer once it has a certificate: the one there is or a new one.
func New(ctx context.Context, c Config) (*Issuer, error) {
	i := &Issuer{config: c, secrets: c.Kube.CoreV1().Secrets(c.Namespace)}
	if err := i.RunOnce(ctx); err != nil {
		return nil, err
	}
	return i, nil
}

// Name identifies the provider.
func (i *Issuer) Name() string { return "secret/" + i.config.Namespace + "/" + i.config.Secret }

// CurrentCertKeyContent is the certificate and its key, PEM-encoded.
func (i *Issuer) CurrentCertKeyContent() (certificate, key []byte) {
	now := i.current.Load()
	return now.cert, now.key
}

// AddListener has the listener told when there is another certificate.
func (i *Issuer) AddListener(listener dynamiccertificates.Listener) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.listeners = append(i.listeners, listener)
}

// Check fails when the certificate has expired: then it could not be renewed for long.
func (i *Issuer) Check(*http.Request) error {
	if expires := i.current.Load().expires; !i.config.Clock.Now().Before(expires) {
		return fmt.Errorf("the serving certificate has expired at %s", expires.Format(time.RFC3339))
	}
	return nil
}

// RunOnce reads the Secret, renews what it holds if it is time, and serves that. Of replicas that do so at once one
// succeeds and the others take what it has written.
func (i *Issuer) RunOnce(ctx context.Context) error {
	for {
		secret, err := i.secrets.Get(ctx, i.config.Secret, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			secret = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: i.config.Namespace, Name: i.config.Secret}}
		} else if err != nil {
			return fmt.Errorf("reading the serving certificate: %w", err)
		}
		if err = i.renew(ctx, secret); !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
}

// renew takes over what the Secret holds, and before that renews it if it is time.
func (i *Issuer) renew(ctx context.Context, secret *corev1.Secret) error {
	held, err := parse(secret.Data)
	if err != nil {
		klog.FromContext(ctx).Error(err, "The serving certificate can't be read and is issued anew", "secret", klog.KObj(secret))
		held = bundle{}
	}
	next, err := i.config.Policy.next(held, i.config.Clock.Now())
	if err != nil {
		return err
	}
	data, err := next.data()
	if err != nil {
		return err
	}
	if !sameData(secret.Data, data) {
		if err := i.write(ctx, secret, data); err != nil {
			return err
		}
	}
	i.serve(ctx, &served{
		cert: data[corev1.TLSCertKey], key: data[corev1.TLSPrivateKeyKey], caBundle: data[CABundleKey],
		expires: next.serving.cert.NotAfter, wakeUp: i.config.Policy.wakeUp(next),
	})
	return nil
}

func (i *Issuer) write(ctx context.Context, secret *corev1.Secret, data map[string][]byte) (err error) {
	secret = secret.DeepCopy()
	secret.Data = data
	if secret.ResourceVersion == "" {
		if _, err = i.secrets.Create(ctx, secret, metav1.CreateOptions{}); apierrors.IsForbidden(err) {
			return fmt.Errorf("there is no Secret %s in namespace %s, and the server may not make it; create it, empty: %w",
				secret.Name, secret.Namespace, err)
		}
	} else {
		_, err = i.secrets.Update(ctx, secret, metav1.UpdateOptions{})
	}
	if err != nil {
		return fmt.Errorf("keeping the serving certificate: %w", err)
	}
	return nil
}

func (i *Issuer) serve(ctx context.Context, next *served) {
	last := i.current.Swap(next)
	if last != nil && bytes.Equal(last.cert, next.cert) {
		return
	}
	klog.FromContext(ctx).Info("Serving another certificate", "from", i.Name(), "expires", next.expires)
	i.mu.Lock()
	listeners := i.listeners
	i.mu.Unlock()
	for _, listener := range listeners {
		listener.Enqueue()
	}
}
