// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package options turns the server's command line into its configuration.
package options

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/component-base/logs"
	logsapi "k8s.io/component-base/logs/api/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/apiserver"
	"github.com/ramendr/dr-apiserver/pkg/apiserver/agents"
	"github.com/ramendr/dr-apiserver/pkg/apiserver/etcd"
)

// etcdPrefix is where the server's keys are, in an etcd that others may use too.
const etcdPrefix = "/registry/" + v1alpha1.GroupName

// Options is the command line.
type Options struct {
	ServerRun      *genericoptions.ServerRunOptions
	Etcd           *genericoptions.EtcdOptions
	SecureServing  *genericoptions.SecureServingOptionsWithLoopback
	ServingCert    *ServingCertOptions
	Authentication *genericoptions.DelegatingAuthenticationOptions
	Authorization  *genericoptions.DelegatingAuthorizationOptions
	Audit          *genericoptions.AuditOptions
	Features       *genericoptions.FeatureOptions
	CoreAPI        *genericoptions.CoreAPIOptions
	Admission      *genericoptions.AdmissionOptions
	Logs           *logs.Options

	// Storage is embedded, etcd or host.
	Storage string
	// DataDir is where the embedded etcd keeps its data.
	DataDir string
	// QuotaBackendBytes is how large the embedded etcd may become.
	QuotaBackendBytes int64
	// ConfigFile is the RamenConfig.
	ConfigFile string
	// Namespace is the server's own on the hub.
	Namespace string
	// AgentNamespace is where agents have their ServiceAccounts and Leases on the hub.
	AgentNamespace string
	// EnableControllers runs the controllers in this process.
	EnableControllers bool
}

// NewOptions returns the defaults.
func NewOptions() *Options {
	serving := genericoptions.NewSecureServingOptions()
	serving.BindPort = 8443
	// The hub's kube-apiserver puts the requests of all its users on a few connections.
	serving.HTTP2MaxStreamsPerConnection = 1000

	backend := storagebackend.NewDefaultConfig(etcdPrefix, apiserver.Codecs.LegacyCodec(v1alpha1.SchemeGroupVersion))
	backend.EncodeVersioner = v1alpha1.SchemeGroupVersion

	o := &Options{
		ServerRun:         newServerRunOptions(),
		Etcd:              genericoptions.NewEtcdOptions(backend),
		SecureServing:     serving.WithLoopback(),
		ServingCert:       NewServingCertOptions(),
		Authentication:    genericoptions.NewDelegatingAuthenticationOptions(),
		Authorization:     genericoptions.NewDelegatingAuthorizationOptions(),
		Audit:             genericoptions.NewAuditOptions(),
		Features:          genericoptions.NewFeatureOptions(),
		CoreAPI:           genericoptions.NewCoreAPIOptions(),
		Logs:              logs.NewOptions(),
		Storage:           StorageEmbedded,
		DataDir:           "/var/lib/dr-apiserver",
		QuotaBackendBytes: etcd.DefaultQuota,
		Namespace:         "dr-system",
		AgentNamespace:    "dr-agents",
		EnableControllers: true,
	}
	o.Admission = newAdmissionOptions(func() agents.Identity { return agents.Identity{Namespace: o.AgentNamespace} })
	return o
}

// Flags returns the command line's flags by section.
func (o *Options) Flags() (fss cliflag.NamedFlagSets) {
	o.addOwnFlags(fss.FlagSet("dr-apiserver"))
	o.ServerRun.AddUniversalFlags(fss.FlagSet("generic"))
	o.Etcd.AddFlags(fss.FlagSet("etcd"))
	o.SecureServing.AddFlags(fss.FlagSet("secure serving"))
	o.ServingCert.AddFlags(fss.FlagSet("secure serving"))
	o.Authentication.AddFlags(fss.FlagSet("authentication"))
	o.Authorization.AddFlags(fss.FlagSet("authorization"))
	o.Audit.AddFlags(fss.FlagSet("auditing"))
	o.Features.AddFlags(fss.FlagSet("features"))
	o.CoreAPI.AddFlags(fss.FlagSet("hub"))
	o.Admission.AddFlags(fss.FlagSet("admission"))
	logsapi.AddFlags(o.Logs, fss.FlagSet("logs"))
	return fss
}

func (o *Options) addOwnFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.Storage, "storage", o.Storage, "Where objects are kept: "+StorageEmbedded+
		" is an etcd inside this process, with its data in --data-dir; "+StorageEtcd+" is one that exists, at --etcd-servers; "+
		StorageHost+" is the hub's kube-apiserver, in custom resources in --namespace. The latter two can be shared by replicas.")
	fs.StringVar(&o.DataDir, "data-dir", o.DataDir, "Directory of the embedded etcd.")
	fs.Int64Var(&o.QuotaBackendBytes, "quota-backend-bytes", o.QuotaBackendBytes, "How large the embedded etcd may become. One that is full refuses writes until something is deleted.")
	fs.StringVar(&o.ConfigFile, "config", o.ConfigFile, "The RamenConfig file, or the directory its ConfigMap is mounted at. It tells which object stores there are.")
	fs.StringVar(&o.Namespace, "namespace", o.Namespace, "The server's own namespace on the hub: the controllers' Lease and the object stores' Secrets are there.")
	fs.StringVar(&o.AgentNamespace, "agent-namespace", o.AgentNamespace, "The namespace on the hub in which the agent of each cluster has a ServiceAccount and a Lease of the cluster's name.")
	fs.BoolVar(&o.EnableControllers, "enable-controllers", o.EnableControllers, "Run the controllers in this process. Of several replicas one acts.")
}

// Complete fills in what follows from other flags: --kubeconfig is for everything that has to do with the hub.
func (o *Options) Complete() error {
	if o.Authentication.RemoteKubeConfigFile == "" {
		o.Authentication.RemoteKubeConfigFile = o.CoreAPI.CoreAPIKubeconfigPath
	}
	if o.Authorization.RemoteKubeConfigFile == "" {
		o.Authorization.RemoteKubeConfigFile = o.CoreAPI.CoreAPIKubeconfigPath
	}
	if o.ServingCert.Secret == "" {
		hosts := []string{"dr-apiserver." + o.Namespace + ".svc"}
		if err := o.SecureServing.MaybeDefaultWithSelfSignedCerts("localhost", hosts, nil); err != nil {
			return fmt.Errorf("making a serving certificate: %w", err)
		}
	}
	return o.ServerRun.Complete()
}

// Validate says everything that is wrong with the command line.
func (o *Options) Validate() error {
	errs := o.validateStorage()
	if o.ConfigFile == "" {
		errs = append(errs, errors.New("--config: name the RamenConfig file"))
	}
	if o.Namespace == "" || o.AgentNamespace == "" {
		errs = append(errs, errors.New("--namespace and --agent-namespace: name the namespaces on the hub"))
	}
	errs = append(errs, o.ServingCert.validate(o.SecureServing.ServerCert.CertKey.CertFile)...)
	for _, validate := range []func() []error{
		o.ServerRun.Validate, o.SecureServing.Validate, o.Authentication.Validate, o.Authorization.Validate,
		o.Audit.Validate, o.Features.Validate, o.CoreAPI.Validate, o.Admission.Validate,
	} {
		errs = append(errs, validate()...)
	}
	return utilerrors.NewAggregate(errs)
}
