// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package options

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/apiserver/servingcert"
)

// minCertLifetime is the shortest that a hub can follow: certificates know whole seconds only.
const minCertLifetime = 3 * time.Second

// ServingCertOptions say whether and for how long the server issues its own certificate.
type ServingCertOptions struct {
	// Secret has the certificate; if it is empty, the certificate comes from elsewhere.
	Secret string
	// Service is the one whose names the certificate is for.
	Service string
	// Lifetime is how long a certificate is valid.
	Lifetime time.Duration
}

// NewServingCertOptions returns the defaults.
func NewServingCertOptions() *ServingCertOptions {
	return &ServingCertOptions{Service: "dr-apiserver", Lifetime: 90 * 24 * time.Hour}
}

// AddFlags adds the flags.
func (o *ServingCertOptions) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.Secret, "serving-cert-secret", o.Secret, "Issue the serving certificate and its CA, keep both in this Secret of "+
		"--namespace, which all replicas share, renew them in time, and keep the CA in the APIService. The Secret has to exist; it may be empty.")
	fs.StringVar(&o.Service, "serving-cert-service", o.Service, "The Service in --namespace whose names the issued certificate is for.")
	fs.DurationVar(&o.Lifetime, "serving-cert-lifetime", o.Lifetime, "How long an issued certificate is valid. It is renewed when a third of that is left; its CA lives four times as long.")
}

// validate says everything that is wrong, given the name of the file that has a certificate.
func (o *ServingCertOptions) validate(certFile string) []error {
	if o.Secret == "" {
		return nil
	}
	var errs []error
	if certFile != "" {
		errs = append(errs, errors.New("--serving-cert-secret is for a certificate that the server issues and --tls-cert-file for one from elsewhere; leave one of them out"))
	}
	if o.Service == "" {
		errs = append(errs, errors.New("--serving-cert-service: name the Service that leads to the server"))
	}
	if o.Lifetime < minCertLifetime {
		errs = append(errs, fmt.Errorf("--serving-cert-lifetime=%s: choose at least %s", o.Lifetime, minCertLifetime))
	}
	return errs
}

// newIssuer returns the issuer of the certificate, which has one.
func (o *ServingCertOptions) newIssuer(ctx context.Context, hub *rest.Config, namespace string) (*servingcert.Issuer, error) {
	kube, err := kubernetes.NewForConfig(hub)
	if err != nil {
		return nil, fmt.Errorf("creating a client of the hub: %w", err)
	}
	dynamicClient, err := dynamic.NewForConfig(hub)
	if err != nil {
		return nil, fmt.Errorf("creating a client of the hub: %w", err)
	}
	name := o.Service + "." + namespace
	return servingcert.New(ctx, servingcert.Config{
		Kube:       kube,
		Dynamic:    dynamicClient,
		Namespace:  namespace,
		Secret:     o.Secret,
		APIService: v1alpha1.SchemeGroupVersion.Version + "." + v1alpha1.SchemeGroupVersion.Group,
		Policy:     servingcert.Policy{Hosts: []string{name + ".svc", name, name + ".svc.cluster.local"}, Lifetime: o.Lifetime},
		Clock:      clock.RealClock{},
	})
}

// issueServingCert has the server serve what it issues itself, if it is to.
func (o *Options) issueServingCert(ctx context.Context, c *server.RecommendedConfig) error {
	if o.ServingCert.Secret == "" {
		return nil
	}
	issuer, err := o.ServingCert.newIssuer(ctx, c.ClientConfig, o.Namespace)
	if err != nil {
		return err
	}
	o.SecureServing.ServerCert.GeneratedCert = issuer
	c.AddReadyzChecks(healthz.NamedCheck("serving-certificate", issuer.Check))
	return nil
}
