// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic/dynamicinformer"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
)

var apiServices = schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}

const (
	// While the hub does not answer the certificate in use goes on being served; it is tried again after these times.
	firstRetry = 100 * time.Millisecond
	lastRetry  = 10 * time.Second
)

// Run follows the Secret and the APIService until the context is done: it renews what is due, serves what another replica
// has renewed, and puts the CAs into the APIService again if somebody takes them out.
func (i *Issuer) Run(ctx context.Context, _ int) {
	ctx = klog.NewContext(ctx, klog.FromContext(ctx).WithName("serving-certificate"))
	queue := workqueue.NewTypedRateLimitingQueueWithConfig(
		workqueue.NewTypedItemExponentialFailureRateLimiter[string](firstRetry, lastRetry),
		workqueue.TypedRateLimitingQueueConfig[string]{Name: "serving-certificate", Clock: i.config.Clock})
	defer queue.ShutDown()
	named := func(name string) func(*metav1.ListOptions) {
		return func(o *metav1.ListOptions) {
			o.FieldSelector = fields.OneTermEqualSelector("metadata.name", name).String()
		}
	}
	secret := coreinformers.NewFilteredSecretInformer(i.config.Kube, i.config.Namespace, 0, cache.Indexers{}, named(i.config.Secret))
	apiService := dynamicinformer.NewFilteredDynamicInformer(i.config.Dynamic, apiServices, "", 0, cache.Indexers{}, named(i.config.APIService)).Informer()
	for _, informer := range []cache.SharedIndexInformer{secret, apiService} {
		changed := func(any) { queue.Add(i.config.Secret) }
		if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: changed, UpdateFunc: func(_, obj any) { changed(obj) }, DeleteFunc: changed,
		}); err != nil {
			klog.FromContext(ctx).Error(err, "The serving certificate can't be followed")
			return
		}
		go informer.RunWithContext(ctx)
	}
	if !cache.WaitForCacheSync(ctx.Done(), secret.HasSynced, apiService.HasSynced) {
		return
	}
	queue.Add(i.config.Secret)
	go func() {
		<-ctx.Done()
		queue.ShutDown()
	}()
	for i.work(ctx, queue, apiService.GetStore()) {
	}
}

func (i *Issuer) work(ctx context.Context, queue workqueue.TypedRateLimitingInterface[string], apiServices cache.Store) bool {
	item, shutDown := queue.Get()
	if shutDown {
		return false
	}
	defer queue.Done(item)
	if err := i.sync(ctx, apiServices); err != nil && ctx.Err() == nil {
		klog.FromContext(ctx).Error(err, "The serving certificate is not renewed or not trusted yet; trying again")
		queue.AddRateLimited(item)
		return true
	}
	queue.Forget(item)
	queue.AddAfter(item, i.current.Load().wakeUp.Sub(i.config.Clock.Now()))
	return true
}

// sync reads the Secret from the hub: what the informer knows may be older than what this server has just written, and to
// renew that would replace a certificate nobody has used yet.
func (i *Issuer) sync(ctx context.Context, apiServices cache.Store) error {
	if err := i.RunOnce(ctx); err != nil {
		return err
	}
	obj, found, err := apiServices.GetByKey(i.config.APIService)
	if err != nil || !found {
		return err
	}
	return i.trust(ctx, obj.(*unstructured.Unstructured))
}

// trust has the hub's kube-apiserver trust the CAs. An APIService that is gone is not made again.
func (i *Issuer) trust(ctx context.Context, apiService *unstructured.Unstructured) error {
	bundle := i.current.Load().caBundle
	wanted := base64.StdEncoding.EncodeToString(bundle)
	if held, _, _ := unstructured.NestedString(apiService.Object, "spec", "caBundle"); held == wanted {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"caBundle": wanted, "insecureSkipTLSVerify": nil}})
	if err != nil {
		return err
	}
	_, err = i.config.Dynamic.Resource(apiServices).Patch(ctx, i.config.APIService, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("having the APIService trust the serving certificate: %w", err)
	}
	return nil
}
