// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package controllers runs the controllers that are embedded in the server.
package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/event"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/controllers/draction"
	"github.com/ramendr/dr-apiserver/pkg/controllers/drcluster"
	"github.com/ramendr/dr-apiserver/pkg/controllers/drplacementcontrol"
	"github.com/ramendr/dr-apiserver/pkg/controllers/drpolicy"
	"github.com/ramendr/dr-apiserver/pkg/controllers/fence"
	"github.com/ramendr/dr-apiserver/pkg/controllers/maintenancemode"
	"github.com/ramendr/dr-apiserver/pkg/failpoint"
	"github.com/ramendr/dr-apiserver/pkg/heartbeat"
	"github.com/ramendr/dr-apiserver/pkg/objectstore"
)

const (
	// leaseName is the Lease on the hub that the acting replica holds.
	leaseName     = "dr-apiserver-controllers"
	leaseDuration = 10 * time.Second
	renewDeadline = 6 * time.Second
	retryPeriod   = 2 * time.Second

	shutdownTimeout  = 5 * time.Second
	reconcileTimeout = time.Minute
	restartDelay     = time.Second

	// sessionLength is long enough for no two runs to have the same session.
	sessionLength = 12
)

// Config is what the controllers need.
type Config struct {
	// Loopback reaches the server the controllers are part of.
	Loopback *rest.Config
	// Hub reaches the kube-apiserver of the hub: the leader's Lease and the object stores' Secrets are there.
	Hub *rest.Config
	// Heartbeat knows which clusters are connected.
	Heartbeat *heartbeat.Tracker
	// Config knows the object stores: a config.Config, or a config.File that follows its file.
	Config objectstore.Profiles
	// Namespace is the server's own on the hub.
	Namespace string
	// AgentNamespace is where agents have their ServiceAccounts and Leases.
	AgentNamespace string
	// LeaderElection makes one of several replicas act. Caches are warm on every one.
	LeaderElection bool
	// OnSynced, if there is one, is called when the caches are filled, on every replica, and again after a restart.
	OnSynced func()
}

// Run runs the controllers until the context is done. Losing the Lease, or not reaching the server, stops them and starts
// them again; it never stops the server they are part of. They begin once the Heartbeat, which somebody else makes watch,
// has seen the Leases there are.
func Run(ctx context.Context, c Config) error {
	if c.Loopback == nil || c.Hub == nil || c.Heartbeat == nil || c.Config == nil {
		return errors.New("controllers need Loopback, Hub, Heartbeat and Config")
	}
	ctrl.SetLogger(klog.Background())
	buckets, err := newBuckets(c)
	if err != nil {
		return err
	}
	returned := newChanges()
	c.Heartbeat.OnChange(returned.note)
	// A decision before that would take every cluster for dead.
	if !toolscache.WaitForCacheSync(ctx.Done(), c.Heartbeat.HasSynced) {
		return nil
	}
	for {
		err := runOnce(ctx, c, buckets, returned)
		if ctx.Err() != nil {
			return nil
		}
		klog.ErrorS(err, "Controllers have stopped; starting them again")
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(restartDelay):
		}
	}
}

// runOnce runs the controllers until they can't go on.
func runOnce(ctx context.Context, c Config, buckets drcluster.BucketChecker, returned *changes) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer drplacementcontrol.ForgetMetrics()
	mgr, err := newManager(c)
	if err != nil {
		return fmt.Errorf("creating the manager: %w", err)
	}
	events := make(chan event.GenericEvent)
	if err := setup(ctx, mgr, c, buckets, events); err != nil {
		return err
	}
	if err := mgr.Add(onceSynced(c.OnSynced)); err != nil {
		return err
	}
	go returned.forward(ctx, events)
	return mgr.Start(ctx)
}

func setup(ctx context.Context, mgr ctrl.Manager, c Config, buckets drcluster.BucketChecker, events <-chan event.GenericEvent) error {
	now := failpoint.Clock()
	liveness := &drcluster.Liveness{
		Client: mgr.GetClient(), Heartbeats: c.Heartbeat, Changes: events, AgentNamespace: c.AgentNamespace, Clock: now,
	}
	validation := &drcluster.Validation{Client: mgr.GetClient(), Buckets: buckets, Clock: now}
	policies := &drpolicy.Reconciler{Client: mgr.GetClient(), Clock: now}
	placements := &drplacementcontrol.Reconciler{
		Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Heartbeats: c.Heartbeat, Clock: now, Session: rand.String(sessionLength),
	}
	fences := &fence.Reconciler{Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Clock: now}
	modes := &maintenancemode.Reconciler{Client: mgr.GetClient(), Live: mgr.GetAPIReader()}
	actions := &draction.Reconciler{Client: mgr.GetClient(), Clock: now}
	for name, setup := range map[string]func() error{
		"drcluster-liveness":   func() error { return liveness.SetupWithManager(mgr) },
		"drcluster-validation": func() error { return validation.SetupWithManager(mgr) },
		"fence":                func() error { return fences.SetupWithManager(mgr) },
		"maintenancemode":      func() error { return modes.SetupWithManager(mgr) },
		"drpolicy":             func() error { return policies.SetupWithManager(mgr) },
		"drplacementcontrol":   func() error { return placements.SetupWithManager(ctx, mgr) },
		"draction":             func() error { return actions.SetupWithManager(ctx, mgr) },
	} {
		if err := setup(); err != nil {
			return fmt.Errorf("setting up controller %s: %w", name, err)
		}
	}
	return nil
}

func newManager(c Config) (ctrl.Manager, error) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	metav1.AddToGroupVersion(scheme, metav1.SchemeGroupVersion)
	return ctrl.NewManager(unlimited(c.Loopback), ctrl.Options{
		Scheme:         scheme,
		MapperProvider: newMapper,
		// Nobody here reads who manages which field, and an update without it leaves it as it is.
		Cache: cache.Options{DefaultTransform: cache.TransformStripManagedFields()},
		// A controller that does not see its own writes would decide on the past and be refused with a conflict.
		Client: client.Options{Cache: &client.CacheOptions{EnableReadYourWritesConsistency: ptr.To(true)}},
		// The server serves metrics, health and readiness itself.
		Metrics:                 metricsserver.Options{BindAddress: "0"},
		HealthProbeBindAddress:  "0",
		GracefulShutdownTimeout: ptr.To(shutdownTimeout),
		// Names are taken again when the controllers are started again.
		Controller: config.Controller{SkipNameValidation: ptr.To(true), ReconciliationTimeout: reconcileTimeout},

		LeaderElection:                c.LeaderElection,
		LeaderElectionConfig:          c.Hub,
		LeaderElectionID:              leaseName,
		LeaderElectionNamespace:       c.Namespace,
		LeaderElectionReleaseOnCancel: true,
		LeaseDuration:                 ptr.To(leaseDuration),
		RenewDeadline:                 ptr.To(renewDeadline),
		RetryPeriod:                   ptr.To(retryPeriod),
	})
}

// onceSynced is called by the manager after its caches are filled, whoever is the leader.
type onceSynced func()

// Start implements manager.Runnable.
func (f onceSynced) Start(context.Context) error {
	if f != nil {
		f()
	}
	return nil
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (onceSynced) NeedLeaderElection() bool { return false }

// unlimited is the configuration without client-side rate limits, which would make applications wait for each other.
func unlimited(of *rest.Config) *rest.Config {
	c := rest.CopyConfig(of)
	c.QPS, c.Burst, c.RateLimiter = -1, 0, nil
	c.ContentType, c.AcceptContentTypes = runtime.ContentTypeJSON, runtime.ContentTypeJSON
	return rest.AddUserAgent(c, "controllers")
}
