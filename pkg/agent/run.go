// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	networkfence "github.com/csi-addons/kubernetes-csi-addons/api/csiaddons/v1alpha1"
	csiaddons "github.com/csi-addons/kubernetes-csi-addons/api/replication.storage/v1alpha1"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/ramendr/dr-apiserver/pkg/agent/capture"
	"github.com/ramendr/dr-apiserver/pkg/agent/checkpoint"
	"github.com/ramendr/dr-apiserver/pkg/agent/fence"
	"github.com/ramendr/dr-apiserver/pkg/agent/hubtoken"
	"github.com/ramendr/dr-apiserver/pkg/agent/inventory"
	"github.com/ramendr/dr-apiserver/pkg/agent/lease"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication/shared"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication/volsync"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication/volumegroupreplication"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication/volumereplication"
	"github.com/ramendr/dr-apiserver/pkg/agent/restore"
	"github.com/ramendr/dr-apiserver/pkg/agent/served"
	"github.com/ramendr/dr-apiserver/pkg/agent/status"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/failpoint"
	"github.com/ramendr/dr-apiserver/pkg/generated/clientset/versioned"
	"github.com/ramendr/dr-apiserver/pkg/objectstore"
)

const (
	// DefaultLeaseDuration is how long the hub takes an agent for connected unless told otherwise.
	DefaultLeaseDuration = 40 * time.Second
	// DefaultWorkers look at groups at the same time unless told otherwise.
	DefaultWorkers = 64
)

// Config is what an agent is run with.
type Config struct {
	// Cluster is the name of its DRCluster.
	Cluster string
	// Hub and Local are where the hub's and the own cluster's API servers are.
	Hub, Local *rest.Config
	// Profiles are the object stores.
	Profiles objectstore.Profiles
	// Namespace holds checkpoints on the own cluster, AgentNamespace the Lease on the hub.
	Namespace, AgentNamespace string
	// LeaseDuration is how long the hub takes the agent for connected after it was last heard of.
	LeaseDuration time.Duration
	// Workers look at groups at the same time.
	Workers int
	// HubSecret is a Secret in Namespace on the own cluster that holds the token for the hub, which the agent then renews. Empty:
	// that is somebody else's task.
	HubSecret string
	// MetricsAddress and HealthAddress are served if they are not "0".
	MetricsAddress, HealthAddress string
}

// Run runs an agent until ctx ends.
func Run(ctx context.Context, c Config) error {
	scheme, err := newScheme()
	if err != nil {
		return err
	}
	// Many applications recover at once: nothing is to wait for a limit in the client.
	hubConfig, localConfig := unlimited(c.Hub), unlimited(c.Local)
	mgr, err := ctrl.NewManager(localConfig, ctrl.Options{
		Scheme:                 scheme,
		Cache:                  cacheOptions(),
		Client:                 client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.Secret{}, &corev1.ConfigMap{}}}},
		Metrics:                metricsserver.Options{BindAddress: c.MetricsAddress},
		HealthProbeBindAddress: c.HealthAddress,
	})
	if err != nil {
		return fmt.Errorf("the cluster %s can't be used: %w", c.Cluster, err)
	}
	a, err := newAgent(ctx, c, mgr, hubConfig, localConfig)
	if err != nil {
		return err
	}
	hubWriter, err := client.New(hubConfig, client.Options{Scheme: scheme, Mapper: hubMapper()})
	if err != nil {
		return err
	}
	report := &inventory.Reconciler{Cluster: c.Cluster, Hub: hubWriter, Local: mgr.GetClient(), Kinds: a.kinds, Clock: failpoint.Clock()}
	fences, err := fence.New(c.Cluster, a.hub.client, a.kinds, mgr.GetClient())
	if err != nil {
		return err
	}
	if err := errors.Join(
		a.watch(ctx, mgr.GetCache()),
		a.watchVolSync(),
		a.watchAttachments(),
		a.watchVolumeGroups(),
		report.SetupWithManager(mgr),
		mgr.AddHealthzCheck("ping", healthz.Ping),
		mgr.AddReadyzCheck("groups", a.hub.known),
		mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
			a.kinds.Run(ctx)
			return nil
		})),
		mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
			fences.Run(ctx)
			return nil
		})),
		mgr.Add(manager.RunnableFunc(a.run)),
		mgr.Add(manager.RunnableFunc(func(ctx context.Context) error { return keepLease(ctx, c, hubConfig, localConfig) })),
		mgr.Add(manager.RunnableFunc(func(ctx context.Context) error { return keepToken(ctx, c, hubConfig, localConfig) })),
	); err != nil {
		return err
	}
	return mgr.Start(ctx)
}

func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	return scheme, errors.Join(clientgoscheme.AddToScheme(scheme), csiaddons.AddToScheme(scheme), networkfence.AddToScheme(scheme),
		volsyncv1alpha1.AddToScheme(scheme), snapshotv1.AddToScheme(scheme), v1alpha1.AddToScheme(scheme))
}

func unlimited(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.QPS = -1
	config.UserAgent = rest.DefaultKubernetesUserAgent()
	return config
}

// hubMapper knows the only kind written through it, so that an agent starts while the hub is away.
func hubMapper() meta.RESTMapper {
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(v1alpha1.SchemeGroupVersion.WithKind("DRClusterConfig"), meta.RESTScopeRoot)
	return mapper
}

func newAgent(ctx context.Context, c Config, mgr manager.Manager, hubConfig, localConfig *rest.Config) (*Agent, error) {
	hubClient, errHub := versioned.NewForConfig(hubConfig)
	objects, errDynamic := dynamic.NewForConfig(localConfig)
	kinds, errDiscovery := discovery.NewDiscoveryClientForConfig(localConfig)
	names, errMetadata := metadata.NewForConfig(localConfig)
	if err := errors.Join(errHub, errDynamic, errDiscovery, errMetadata); err != nil {
		return nil, err
	}
	checkpoints, err := checkpoint.Load(ctx, mgr.GetClient(), c.Namespace)
	if err != nil {
		return nil, err
	}
	secrets := objectstore.SecretGetterFunc(func(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
		secret := &corev1.Secret{}
		return secret, mgr.GetAPIReader().Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, secret)
	})
	optional := served.NewKinds(mgr.GetCache(), mgr.GetAPIReader(), mgr.GetScheme())
	h, index := newHub(hubClient, c.Cluster), capture.NewIndex(capture.NewKinds(kinds), names)
	copier := &volsync.Backend{
		Reader: optional, Live: mgr.GetAPIReader(), Client: mgr.GetClient(), Key: h.replicationKey, Clock: failpoint.Clock(),
	}
	a := &Agent{
		cluster: c.Cluster, workers: c.Workers, hub: h, local: mgr.GetClient(), clock: failpoint.Clock(),
		backends: replication.Backends{
			&volumereplication.Backend{Reader: optional, Client: mgr.GetClient()},
			&volumegroupreplication.Backend{Reader: optional, Client: mgr.GetClient(), Clock: failpoint.Clock()},
			copier,
			&volsync.GroupBackend{Backend: copier},
			&shared.Backend{Reader: optional, Client: mgr.GetClient()},
		},
		volsync:     copier,
		collector:   &capture.Collector{Resources: index, Client: objects, Namespaces: mgr.GetClient()},
		restorer:    &restore.Restorer{Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Dynamic: objects, Exists: index.Exists, Served: index.Served},
		stores:      objectstore.NewProvider(c.Profiles, secrets, c.Namespace),
		index:       index,
		kinds:       optional,
		checkpoints: checkpoints,
		writer:      status.NewWriter(h, failpoint.Clock()),
	}
	a.restorer.AwaitBound = func(ctx context.Context, volume string, claim types.UID) error {
		return a.bindings.await(ctx, mgr.GetClient(), volume, claim)
	}
	a.prepare(ctx)
	return a, nil
}

// run works with the cluster's caches filled. The hub may be away: groups are known from their checkpoints too.
func (a *Agent) run(ctx context.Context) error {
	var wait sync.WaitGroup
	wait.Go(func() { a.hub.informer.RunWithContext(ctx) })
	wait.Go(func() { a.index.Run(ctx) })
	wait.Go(func() { a.writer.Run(ctx) })
	if !a.kinds.WaitForSync(ctx) {
		wait.Wait()
		return nil
	}
	for _, key := range a.checkpoints.Keys() {
		a.enqueue(key)
	}
	a.work(ctx)
	wait.Wait()
	return nil
}

// keepToken renews the token for the hub, if that is the agent's task.
func keepToken(ctx context.Context, c Config, hubConfig, localConfig *rest.Config) error {
	if c.HubSecret == "" {
		return nil
	}
	hubClient, errHub := kubernetes.NewForConfig(hubConfig)
	local, errLocal := kubernetes.NewForConfig(localConfig)
	if err := errors.Join(errHub, errLocal); err != nil {
		return err
	}
	keeper := &hubtoken.Keeper{
		Hub: hubClient, Account: types.NamespacedName{Namespace: c.AgentNamespace, Name: c.Cluster},
		Local: local, Secret: types.NamespacedName{Namespace: c.Namespace, Name: c.HubSecret},
		Clock: failpoint.Clock(),
	}
	keeper.Run(ctx)
	return nil
}

// keepLease renews the Lease while the agent can reach its own cluster: one that can't is of no use to the hub.
func keepLease(ctx context.Context, c Config, hubConfig, localConfig *rest.Config) error {
	patience := c.LeaseDuration / 4
	hubConfig, localConfig = rest.CopyConfig(hubConfig), rest.CopyConfig(localConfig)
	hubConfig.Timeout, localConfig.Timeout = patience, patience
	hubClient, errHub := kubernetes.NewForConfig(hubConfig)
	local, errLocal := kubernetes.NewForConfig(localConfig)
	if err := errors.Join(errHub, errLocal); err != nil {
		return err
	}
	lease.RunWhile(ctx, patience, func(ctx context.Context) error {
		return local.CoreV1().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	}, func(ctx context.Context) {
		klog.FromContext(ctx).Info("Keeping the Lease", "lease", klog.KRef(c.AgentNamespace, c.Cluster))
		lease.Run(ctx, hubClient, c.Cluster, c.AgentNamespace, c.LeaseDuration)
	})
	return nil
}
