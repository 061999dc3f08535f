// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubectl

import (
	"bytes"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"
)

// hub is the kube-apiserver of a hub that knows how to answer join.
type hub struct {
	*httptest.Server
	// exists says that the ServiceAccount is there before.
	exists   bool
	requests []string
	seconds  int64
}

func newHub(t *testing.T) *hub {
	h := &hub{}
	h.Server = httptest.NewTLSServer(h)
	t.Cleanup(h.Close)
	return h
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.requests = append(h.requests, r.Method+" "+r.URL.Path)
	w.Header().Set("Content-Type", "application/json")
	switch {
	case !strings.HasSuffix(r.URL.Path, "/token") && h.exists:
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"AlreadyExists","code":409}`)
	case !strings.HasSuffix(r.URL.Path, "/token"):
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"kind":"ServiceAccount","apiVersion":"v1","metadata":{"name":"dr1"}}`)
	default:
		body, _ := io.ReadAll(r.Body)
		if request, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil); err == nil {
			h.seconds = *request.(*authenticationv1.TokenRequest).Spec.ExpirationSeconds
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"kind":"TokenRequest","apiVersion":"authentication.k8s.io/v1","status":{"token":"secret words"}}`)
	}
}

// kubeconfig of a person who reaches the hub.
func (h *hub) kubeconfig(t *testing.T, insecure bool) string {
	t.Helper()
	k := clientcmdapi.NewConfig()
	k.Clusters["hub"] = &clientcmdapi.Cluster{Server: h.URL, CertificateAuthorityData: h.authority()}
	if insecure {
		k.Clusters["hub"] = &clientcmdapi.Cluster{Server: h.URL, InsecureSkipTLSVerify: true}
	}
	k.AuthInfos["me"] = &clientcmdapi.AuthInfo{Token: "my own"}
	k.Contexts["hub"] = &clientcmdapi.Context{Cluster: "hub", AuthInfo: "me", Namespace: "elsewhere"}
	k.CurrentContext = "hub"
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*k, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func (h *hub) authority() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.Certificate().Raw})
}

// join runs the command and returns the Secret it prints.
func (h *hub) join(t *testing.T, insecure bool, args ...string) (corev1.Secret, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := NewCommand(genericiooptions.IOStreams{In: &bytes.Buffer{}, Out: &out, ErrOut: io.Discard})
	cmd.SetArgs(append([]string{"join", "dr1", "--kubeconfig", h.kubeconfig(t, insecure)}, args...))
	err := cmd.ExecuteContext(t.Context())
	var secret corev1.Secret
	if err == nil {
		if err := yaml.UnmarshalStrict(out.Bytes(), &secret); err != nil {
			t.Fatalf("%v in\n%s", err, out.String())
		}
	}
	return secret, err
}

func TestJoinPrintsWhatTheAgentSignsInWith(t *testing.T) {
	for name, exists := range map[string]bool{"for the first time": false, "again": true} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			h.exists = exists
			secret, err := h.join(t, false)
			if err != nil {
				t.Fatal(err)
			}
			if secret.Namespace != "dr-system" || secret.Name != "dr-hub" || string(secret.Data["cluster"]) != "dr1" ||
				string(secret.Data["token"]) != "secret words" {
				t.Errorf("the Secret is %s", secret.String())
			}
			k, err := clientcmd.Load(secret.Data["kubeconfig"])
			if err != nil {
				t.Fatal(err)
			}
			if cluster := k.Clusters["hub"]; cluster.Server != h.URL || !bytes.Equal(cluster.CertificateAuthorityData, h.authority()) {
				t.Errorf("it leads to %s", cluster.Server)
			}
			if user := k.AuthInfos["dr1"]; user.TokenFile != "token" || user.Token != "" {
				t.Error("the token is not in the file beside it, where it can be renewed")
			}
			want := "POST /api/v1/namespaces/dr-agents/serviceaccounts POST /api/v1/namespaces/dr-agents/serviceaccounts/dr1/token"
			if got := strings.Join(h.requests, " "); got != want || h.seconds != 24*60*60 {
				t.Errorf("asked the hub %s for %d s", got, h.seconds)
			}
		})
	}
}

func TestAnAgentMayReachTheHubElsewhereThanAPersonDoes(t *testing.T) {
	ca := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(ca, []byte("another authority"), 0o600); err != nil {
		t.Fatal(err)
	}
	secret, err := newHub(t).join(t, true, "--hub-server=https://hub.example:6443", "--hub-certificate-authority="+ca)
	if err != nil {
		t.Fatal(err)
	}
	k, err := clientcmd.Load(secret.Data["kubeconfig"])
	if err != nil {
		t.Fatal(err)
	}
	if cluster := k.Clusters["hub"]; cluster.Server != "https://hub.example:6443" || string(cluster.CertificateAuthorityData) != "another authority" {
		t.Errorf("it leads to %s", cluster.Server)
	}
}

func TestJoinRefusesAHubThatAnAgentCouldNotTrust(t *testing.T) {
	for name, test := range map[string]struct {
		insecure bool
		args     []string
		want     string
	}{
		"not verified": {true, nil, "--hub-certificate-authority"},
		"not https":    {false, []string{"--hub-server=http://hub.example"}, "not a URL of the form https://host:port"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			if _, err := h.join(t, test.insecure, test.args...); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the answer is %v", err)
			}
			if len(h.requests) > 0 {
				t.Errorf("and yet it asked for %v", h.requests)
			}
		})
	}
}
