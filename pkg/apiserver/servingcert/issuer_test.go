// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	clocktesting "k8s.io/utils/clock/testing"
)

const apiServiceName = "v1alpha1.dr.ramen.io"

// hub is what the issuers of several replicas share.
type hub struct {
	kube    *fake.Clientset
	dynamic *dynamicfake.FakeDynamicClient
	clock   *clocktesting.FakeClock
}

func newHub(objects ...runtime.Object) *hub {
	return &hub{
		kube: fake.NewClientset(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "dr-system", Name: "cert", ResourceVersion: "1"}}),
		dynamic: dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
			map[schema.GroupVersionResource]string{apiServices: "APIServiceList"}, objects...),
		clock: clocktesting.NewFakeClock(start),
	}
}

func (h *hub) config() Config {
	return Config{
		Kube: h.kube, Dynamic: h.dynamic, Namespace: "dr-system", Secret: "cert",
		APIService: apiServiceName, Policy: policy, Clock: h.clock,
	}
}

func (h *hub) issuer(t *testing.T) *Issuer {
	t.Helper()
	i, err := New(t.Context(), h.config())
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func (h *hub) secret(t *testing.T) bundle {
	t.Helper()
	secret, err := h.kube.CoreV1().Secrets("dr-system").Get(t.Context(), "cert", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := parse(secret.Data)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// conflictOnce has the next update of the Secret come too late: another replica is faster.
func (h *hub) conflictOnce(t *testing.T) {
	t.Helper()
	data, err := mustNext(t, policy, bundle{}, start).data()
	if err != nil {
		t.Fatal(err)
	}
	faster := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "dr-system", Name: "cert", ResourceVersion: "2"}, Data: data}
	var once sync.Once
	h.kube.PrependReactor("update", "secrets", func(clienttesting.Action) (handled bool, obj runtime.Object, err error) {
		once.Do(func() {
			handled, err = true, apierrors.NewConflict(corev1.Resource("secrets"), "cert", nil)
			if err := h.kube.Tracker().Update(corev1.SchemeGroupVersion.WithResource("secrets"), faster, "dr-system"); err != nil {
				t.Error(err)
			}
		})
		return handled, nil, err
	})
}

func apiService() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
		"metadata": map[string]any{"name": apiServiceName},
		"spec":     map[string]any{"insecureSkipTLSVerify": true},
	}}
}

func serial(t *testing.T, i *Issuer) string {
	t.Helper()
	pair, err := tls.X509KeyPair(i.CurrentCertKeyContent())
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf.SerialNumber.String()
}

func TestReplicasServeTheSame(t *testing.T) {
	h := newHub()
	h.conflictOnce(t)
	one, other := h.issuer(t), h.issuer(t)
	if serial(t, one) != serial(t, other) || serial(t, one) != h.secret(t).serving.cert.SerialNumber.String() {
		t.Error("they serve different certificates")
	}
}

func TestASecretThatMayNotBeMadeIsAskedFor(t *testing.T) {
	h := newHub()
	h.kube = fake.NewClientset()
	h.kube.PrependReactor("create", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(corev1.Resource("secrets"), "cert", nil)
	})
	_, err := New(t.Context(), h.config())
	if err == nil || !strings.Contains(err.Error(), "create it, empty") {
		t.Error(err)
	}
}

func TestASecretThatCannotBeReadIsIssuedAnew(t *testing.T) {
	h := newHub()
	before := serial(t, h.issuer(t))
	secret, err := h.kube.CoreV1().Secrets("dr-system").Get(t.Context(), "cert", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	secret.Data["tls.key"] = []byte("x")
	if _, err := h.kube.CoreV1().Secrets("dr-system").Update(t.Context(), secret, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if serial(t, h.issuer(t)) == before {
		t.Error("it serves a certificate whose key is gone")
	}
}

func TestExpiryIsToldByTheCheck(t *testing.T) {
	h := newHub()
	i := h.issuer(t)
	if err := i.Check(nil); err != nil {
		t.Error(err)
	}
	h.clock.Step(policy.Lifetime + time.Minute)
	if err := i.Check(nil); err == nil || !strings.Contains(err.Error(), "has expired") {
		t.Error(err)
	}
}

// told is a listener that, as a real one, never has its caller wait.
type told chan struct{}

func (l told) Enqueue() {
	select {
	case l <- struct{}{}:
	default:
	}
}

func TestARunningServerRenewsAndIsTrusted(t *testing.T) {
	h := newHub(apiService())
	patched := make(chan string, 10)
	h.dynamic.PrependReactor("patch", "apiservices", func(action clienttesting.Action) (bool, runtime.Object, error) {
		patched <- string(action.(clienttesting.PatchAction).GetPatch())
		return false, nil, nil
	})
	i := h.issuer(t)
	listener := make(told, 1)
	i.AddListener(listener)
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		i.Run(ctx, 1)
	}()
	trusted := base64.StdEncoding.EncodeToString(h.secret(t).caBundle())
	if patch := <-patched; !strings.Contains(patch, trusted) || !strings.Contains(patch, `"insecureSkipTLSVerify":null`) {
		t.Errorf("the APIService got %s", patch)
	}
	before := serial(t, i)
	for !h.clock.HasWaiters() {
		<-time.After(time.Millisecond)
	}
	h.clock.SetTime(policy.wakeUp(h.secret(t)))
	<-listener
	if serial(t, i) == before || serial(t, i) != h.secret(t).serving.cert.SerialNumber.String() {
		t.Error("the certificate is not renewed")
	}
	cancel()
	<-stopped
}

func TestAnAPIServiceThatIsGoneIsNotMadeAgain(t *testing.T) {
	h := newHub()
	i := h.issuer(t)
	if err := i.trust(t.Context(), apiService()); err != nil {
		t.Error(err)
	}
	for _, action := range h.dynamic.Actions() {
		if action.GetVerb() == "create" {
			t.Error("it was created")
		}
	}
}
