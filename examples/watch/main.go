// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// watch prints what becomes of applications and of the actions on them, until it is interrupted. It goes on when the server
// restarts, and when it was away for so long that the server has forgotten what happened since: its informers then list
// everything again and report what is different.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"os/signal"
	"syscall"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ramendr/dr-apiserver/pkg/generated/clientset/versioned"
	"github.com/ramendr/dr-apiserver/pkg/generated/informers/externalversions"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "kubeconfig of the hub; empty is $KUBECONFIG, or the pod's own ServiceAccount")
	namespace := flag.String("n", metav1.NamespaceAll, "namespace to watch; empty is all")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *kubeconfig, *namespace, log.New(os.Stdout, "", log.Ltime)); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, kubeconfig, namespace string, out *log.Logger) error {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return err
	}
	client, err := versioned.NewForConfig(config)
	if err != nil {
		return err
	}
	factory := externalversions.NewSharedInformerFactoryWithOptions(client, 0, externalversions.WithNamespace(namespace))
	dr := factory.Dr().V1alpha1()
	if err := report(dr.DRPlacementControls().Informer(), "DRPlacementControl", describePlacement, out); err != nil {
		return err
	}
	if err := report(dr.DRActions().Informer(), "DRAction", describeAction, out); err != nil {
		return err
	}
	factory.StartWithContext(ctx)
	defer factory.Shutdown()
	if err := factory.WaitForCacheSyncWithContext(ctx).AsError(); err != nil {
		return err
	}
	out.Print("Watching")
	<-ctx.Done()
	return nil
}

// report prints a line whenever an object comes, goes, or is described in other words than before.
func report[T metav1.Object](informer cache.SharedIndexInformer, kind string, describe func(T) string, out *log.Logger) error {
	say := func(object metav1.Object, words string) {
		out.Printf("%s %s/%s: %s", kind, object.GetNamespace(), object.GetName(), words)
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) {
			say(obj.(T), describe(obj.(T)))
		},
		UpdateFunc: func(before, now any) {
			if words := describe(now.(T)); words != describe(before.(T)) {
				say(now.(T), words)
			}
		},
		DeleteFunc: func(obj any) {
			// What was deleted while there was no watch is known only as it was last seen.
			if missed, ok := obj.(cache.DeletedFinalStateUnknown); ok {
				obj = missed.Obj
			}
			say(obj.(T), "deleted")
		},
	})
	if err != nil {
		return err
	}
	return informer.SetWatchErrorHandlerWithContext(func(ctx context.Context, _ *cache.Reflector, err error) {
		if ctx.Err() == nil {
			out.Printf("%s: trying again: %v", kind, err)
		}
	})
}
