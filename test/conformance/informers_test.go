// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientfeatures "k8s.io/client-go/features"
	clientfeaturestesting "k8s.io/client-go/features/testing"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/ramendr/dr-apiserver/pkg/generated/clientset/versioned"
	"github.com/ramendr/dr-apiserver/pkg/generated/informers/externalversions"
)

var _ = eachStored("An informer", func(k kind) {
	for text, streaming := range map[string]bool{"that has the list streamed": true, "that lists and then watches": false} {
		It(text+" has what there is and learns what changes", func(ctx SpecContext) {
			clientfeaturestesting.SetFeatureDuringTest(GinkgoTB(), clientfeatures.WatchListClient, streaming)
			selector, made := k.some(ctx, 2)
			informer, asked := k.informer(ctx, selector)
			Eventually(informer.HasSynced).WithContext(ctx).WithTimeout(await).Should(BeTrue())
			Expect(keys(informer)).To(ConsistOf(made))
			Expect(asked.Load()).To(Equal(streaming), "that it asked for sendInitialEvents is")

			late := k.create(ctx, k.labelled(unique(), selector[len(label)+1:])).GetName()
			Eventually(func() []string { return keys(informer) }).WithContext(ctx).WithTimeout(await).Should(ConsistOf(append(made, late)))
			Expect(k.objects().Delete(ctx, late, metav1.DeleteOptions{})).To(Succeed())
			Eventually(func() []string { return keys(informer) }).WithContext(ctx).WithTimeout(await).Should(ConsistOf(made))
		}, SpecTimeout(specTimeout))
	}
})

// informer runs an informer of what the selector selects until the spec ends. It says whether it asked for the list to be
// streamed.
func (k kind) informer(ctx context.Context, selector string) (cache.SharedIndexInformer, *atomic.Bool) {
	GinkgoHelper()
	asked := &atomic.Bool{}
	config := rest.CopyConfig(hub.Config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.URL.Query().Get("sendInitialEvents") == "true" {
				asked.Store(true)
			}
			return next.RoundTrip(r)
		})
	})
	client, err := versioned.NewForConfig(config)
	Expect(err).NotTo(HaveOccurred())
	options := []externalversions.SharedInformerOption{
		externalversions.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = selector }),
	}
	if k.namespaced {
		options = append(options, externalversions.WithNamespace(namespace))
	}
	generic, err := externalversions.NewSharedInformerFactoryWithOptions(client, time.Hour, options...).ForResource(k.gvr())
	Expect(err).NotTo(HaveOccurred())
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	DeferCleanup(stop)
	go generic.Informer().RunWithContext(running)
	return generic.Informer(), asked
}

// keys are the names of the objects that an informer has.
func keys(informer cache.SharedIndexInformer) []string {
	result := []string{}
	for _, object := range informer.GetStore().List() {
		accessor, err := meta.Accessor(object.(runtime.Object))
		if err == nil {
			result = append(result, accessor.GetName())
		}
	}
	return result
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
