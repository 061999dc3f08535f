// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubectl

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

const (
	// systemNamespace is the agent's on its own cluster, agentNamespace that of the agents' accounts on the hub.
	systemNamespace = "dr-system"
	agentNamespace  = "dr-agents"
	// hubSecret is what the agent's Deployment mounts.
	hubSecret = "dr-hub"
)

// joinCommand is kubectl drpc join.
type joinCommand struct {
	*options
	cluster  string
	server   string
	caFile   string
	lifetime time.Duration
}

func newJoinCommand(o *options) *cobra.Command {
	j := &joinCommand{options: o}
	cmd := &cobra.Command{
		Use:   "join CLUSTER",
		Short: "Give the agent of a cluster its identity on the hub",
		Long: `Give the agent of a cluster its identity on the hub.

Run against the hub, it creates the ServiceAccount of the cluster's name in namespace dr-agents, unless it exists, and prints the
Secret dr-hub that the agent signs in with, to be applied to the cluster. The agent replaces the token in it at once and renews it
every day. To lock an agent out, delete its ServiceAccount.`,
		Example: `  kubectl drpc join dr1 --context hub | kubectl apply --context dr1 -f -`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			j.cluster = args[0]
			return j.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&j.server, "hub-server", "", "URL at which the agent reaches the hub's kube-apiserver; by default the one you reach it at")
	cmd.Flags().StringVar(&j.caFile, "hub-certificate-authority", "", "file with the certificates that the agent verifies --hub-server with; by default those you verify it with")
	cmd.Flags().DurationVar(&j.lifetime, "token-lifetime", 24*time.Hour, "time within which the agent has to start")
	return cmd
}

func (j *joinCommand) run(ctx context.Context) error {
	config, err := j.config.ToRESTConfig()
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	kubeconfig, err := j.kubeconfig(config)
	if err != nil {
		return err
	}
	token, err := j.token(ctx, client)
	if err != nil {
		return err
	}
	return (&printers.YAMLPrinter{}).PrintObj(&corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: hubSecret},
		Data:       map[string][]byte{"cluster": []byte(j.cluster), "kubeconfig": kubeconfig, "token": []byte(token)},
	}, j.Out)
}

// kubeconfig leads to the hub, with the token in the file beside it.
func (j *joinCommand) kubeconfig(config *rest.Config) ([]byte, error) {
	server, ca, err := j.hub(config)
	if err != nil {
		return nil, err
	}
	k := clientcmdapi.NewConfig()
	k.Clusters["hub"] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: ca, TLSServerName: j.serverName(config)}
	k.AuthInfos[j.cluster] = &clientcmdapi.AuthInfo{TokenFile: "token"}
	k.Contexts["hub"] = &clientcmdapi.Context{Cluster: "hub", AuthInfo: j.cluster}
	k.CurrentContext = "hub"
	return clientcmd.Write(*k)
}

// hub returns where the hub is for the agent and how to verify it.
func (j *joinCommand) hub(config *rest.Config) (server string, ca []byte, err error) {
	if config.Insecure && j.caFile == "" {
		return "", nil, errors.New("you don't verify the hub's certificate, and an agent has to: name its authority with --hub-certificate-authority")
	}
	server, ca = config.Host, config.CAData
	if j.server != "" {
		server = j.server
	}
	if u, err := url.Parse(server); err != nil || u.Scheme != "https" || u.Host == "" {
		return "", nil, fmt.Errorf("--hub-server: %q is not a URL of the form https://host:port", server)
	}
	switch {
	case j.caFile != "":
		ca, err = os.ReadFile(j.caFile)
	case len(ca) == 0 && config.CAFile != "":
		ca, err = os.ReadFile(config.CAFile)
	}
	return server, ca, err
}

// serverName is the name that the hub's certificate is for where it is not that of its URL.
func (j *joinCommand) serverName(config *rest.Config) string {
	if j.server != "" {
		return ""
	}
	return config.ServerName
}

// token makes sure that the agent has an account, and asks for a token of it.
func (j *joinCommand) token(ctx context.Context, client kubernetes.Interface) (string, error) {
	accounts := client.CoreV1().ServiceAccounts(agentNamespace)
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: j.cluster}}
	if _, err := accounts.Create(ctx, account, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return "", fmt.Errorf("creating ServiceAccount %s in namespace %s of the hub: %w", j.cluster, agentNamespace, err)
	}
	seconds := int64(j.lifetime.Seconds())
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	issued, err := accounts.CreateToken(ctx, j.cluster, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("asking for a token of ServiceAccount %s in namespace %s: %w", j.cluster, agentNamespace, err)
	}
	return issued.Status.Token, nil
}
