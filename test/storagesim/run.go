// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"time"

	csispec "github.com/container-storage-interface/spec/lib/go/csi"
	csiaddonsv1alpha1 "github.com/csi-addons/kubernetes-csi-addons/api/csiaddons/v1alpha1"
	replicationv1alpha1 "github.com/csi-addons/kubernetes-csi-addons/api/replication.storage/v1alpha1"
	"github.com/csi-addons/spec/lib/go/identity"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/ramendr/dr-apiserver/test/storagesim/control"
	"github.com/ramendr/dr-apiserver/test/storagesim/csi"
	"github.com/ramendr/dr-apiserver/test/storagesim/csiaddons"
	"github.com/ramendr/dr-apiserver/test/storagesim/csiaddons/sidecarpb"
	"github.com/ramendr/dr-apiserver/test/storagesim/engine"
	"github.com/ramendr/dr-apiserver/test/storagesim/faults"
	"github.com/ramendr/dr-apiserver/test/storagesim/instant"
	"github.com/ramendr/dr-apiserver/test/storagesim/loadbalancer"
	"github.com/ramendr/dr-apiserver/test/storagesim/mover"
	"github.com/ramendr/dr-apiserver/test/storagesim/replication"
	"github.com/ramendr/dr-apiserver/test/storagesim/resizer"
	"github.com/ramendr/dr-apiserver/test/storagesim/scheduler"
	"github.com/ramendr/dr-apiserver/test/storagesim/shared"
	"github.com/ramendr/dr-apiserver/test/storagesim/writer"
)

const (
	// instantSettle is how long an answer waits for a snapshot where nobody shall wait.
	instantSettle = time.Second
	headerTimeout = 10 * time.Second
)

// run serves until the context ends.
func run(ctx context.Context, o options) error {
	injector := &faults.Injector{
		Die: func(point string) {
			klog.InfoS("Crashing", "point", point)
			klog.Flush()
			_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
		},
		Log: func(h faults.Happening) {
			if err := faults.Append(faults.LogFile(o.dataDir), h); err != nil {
				klog.ErrorS(err, "A fault was not written down", "point", h.Point)
			}
		},
	}
	reached, err := openShared(o)
	if err != nil {
		return err
	}
	opts := engine.Options{
		Shared:  reached,
		Cluster: o.cluster, Dir: o.dataDir, Peer: replication.NewClient(o.peer), Faults: injector, Durable: !o.instant,
	}
	var controller *instant.Controller
	if o.instant {
		opts.Timeouts.Settle = instantSettle
		opts.FirstSync = func(handle string) { controller.FirstSync(handle) }
	}
	array, err := engine.Open(opts)
	if err != nil {
		return err
	}
	defer func() { _ = array.Close() }()

	mgr, err := newManager(o)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	writers := &writer.Writers{Engine: array, AckDir: o.ackDir, Interval: o.writeInterval}
	if err := writers.Setup(ctx, mgr, o.driver); err != nil {
		return err
	}
	movers := &mover.Movers{
		Cluster: o.cluster, Driver: o.driver, Engine: array, Faults: injector, Own: o.listen, Peer: o.peer,
	}
	if err := setUpCluster(ctx, mgr, o, movers); err != nil {
		return err
	}
	if o.instant {
		controller = instant.New(mgr, array, o.driver)
		if err := controller.Setup(ctx, mgr); err != nil {
			return err
		}
	} else if err := serveAddons(ctx, group, o, array, reached, injector); err != nil {
		return err
	}
	if err := serveCSI(ctx, group, o, array); err != nil {
		return err
	}
	if err := serveHTTP(ctx, group, o, array, injector, movers); err != nil {
		return err
	}
	if err := serveKubelet(ctx, group, o, movers); err != nil {
		return err
	}
	injector.Log(faults.Happening{Time: time.Now(), Kind: faults.Start})
	group.Go(func() error { array.Run(ctx); return ctx.Err() })
	group.Go(func() error { return mgr.Start(ctx) })
	err = group.Wait()
	writers.Wait()
	movers.Wait()
	return err
}

// setUpCluster plays what else a cluster needs to move volumes: a scheduler, addresses of Services, larger volumes, and VolSync's movers.
func setUpCluster(ctx context.Context, mgr manager.Manager, o options, movers *mover.Movers) error {
	addresses, err := netip.ParsePrefix(o.loadBalancerRange)
	if err != nil {
		return err
	}
	return errors.Join(scheduler.Setup(ctx, mgr), loadbalancer.Setup(mgr, addresses), resizer.Setup(mgr, o.driver), movers.Setup(ctx, mgr))
}

// openShared opens the storage beside that of the clusters. The addresses that a cluster's Services have are its nodes' too.
func openShared(o options) (*shared.Store, error) {
	addresses, err := netip.ParsePrefix(o.loadBalancerRange)
	if err != nil {
		return nil, err
	}
	return shared.Open(filepath.Join(filepath.Dir(filepath.Dir(o.dataDir)), "shared", filepath.Base(o.dataDir)), o.cluster, addresses)
}

func restConfig(o options) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	return config, nil
}

func scheme() (*runtime.Scheme, error) {
	s := runtime.NewScheme()
	return s, errors.Join(clientgoscheme.AddToScheme(s), replicationv1alpha1.AddToScheme(s), csiaddonsv1alpha1.AddToScheme(s))
}

func newManager(o options) (manager.Manager, error) {
	config, err := restConfig(o)
	if err != nil {
		return nil, err
	}
	s, err := scheme()
	if err != nil {
		return nil, err
	}
	return ctrl.NewManager(config, manager.Options{
		Scheme: s, Metrics: metricsserver.Options{BindAddress: "0"},
		Cache: cache.Options{DefaultTransform: cache.TransformStripManagedFields()},
	})
}

// serveAddons serves the csi-addons manager and registers with it.
func serveAddons(
	ctx context.Context, group *errgroup.Group, o options, array *engine.Engine, reached *shared.Store, injector *faults.Injector,
) error {
	config, err := restConfig(o)
	if err != nil {
		return err
	}
	s, err := scheme()
	if err != nil {
		return err
	}
	direct, err := client.New(config, client.Options{Scheme: s})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", o.addonsPort))
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	identity.RegisterIdentityServer(server, &csiaddons.Identity{Driver: o.driver})
	sidecarpb.RegisterReplicationServer(server, &csiaddons.Replication{Engine: array})
	sidecarpb.RegisterVolumeGroupControllerServer(server, &csiaddons.VolumeGroups{Engine: array})
	sidecarpb.RegisterNetworkFenceServer(server, &csiaddons.Fence{Store: reached, Faults: injector})
	serveGRPC(ctx, group, server, l)
	registration := &csiaddons.Registration{Client: direct, Driver: o.driver, Port: o.addonsPort}
	group.Go(func() error { registration.Run(ctx); return ctx.Err() })
	return nil
}

func serveCSI(ctx context.Context, group *errgroup.Group, o options, array *engine.Engine) error {
	// Only one simulator has the data directory, so a socket that exists is a dead one's.
	if err := os.Remove(o.csiSocket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	l, err := net.Listen("unix", o.csiSocket)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	csispec.RegisterIdentityServer(server, &csi.Identity{Driver: o.driver})
	csispec.RegisterControllerServer(server, &csi.Controller{Engine: array})
	csispec.RegisterGroupControllerServer(server, &csi.GroupController{Engine: array})
	serveGRPC(ctx, group, server, l)
	return nil
}

func serveGRPC(ctx context.Context, group *errgroup.Group, server *grpc.Server, l net.Listener) {
	group.Go(func() error { return server.Serve(l) })
	group.Go(func() error {
		<-ctx.Done()
		server.Stop()
		return ctx.Err()
	})
}

func serveHTTP(
	ctx context.Context, group *errgroup.Group, o options, array *engine.Engine, injector *faults.Injector, movers *mover.Movers,
) error {
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	replication.Register(mux, array)
	movers.Register(mux)
	control.Register(mux, o.cluster, array, injector)
	serve(ctx, group, mux, func(server *http.Server) error { return server.Serve(l) })
	return nil
}

// serveKubelet answers the cluster's kube-apiserver in place of the nodes' kubelets.
func serveKubelet(ctx context.Context, group *errgroup.Group, o options, movers *mover.Movers) error {
	if o.kubeletListen == "" {
		return nil
	}
	l, err := net.Listen("tcp", o.kubeletListen)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	movers.RegisterLogs(mux)
	serve(ctx, group, mux, func(server *http.Server) error { return server.ServeTLS(l, o.kubeletCertFile, o.kubeletKeyFile) })
	return nil
}

func serve(ctx context.Context, group *errgroup.Group, mux *http.ServeMux, on func(*http.Server) error) {
	server := &http.Server{Handler: mux, ReadHeaderTimeout: headerTimeout}
	group.Go(func() error { return on(server) })
	group.Go(func() error {
		<-ctx.Done()
		return errors.Join(server.Close(), ctx.Err())
	})
}
