// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// failover fails one application over to another cluster and follows it to its end. It shows the plan and what would be lost
// first, and goes on only with -yes.
//
//	failover -n shop shop                                             # the plan, or why it would be refused
//	failover -n shop -yes -acknowledge SourceMayStillWrite shop       # the cluster is gone: do it
//	failover -n shop -yes -force -max-loss 5m shop                    # only if at most five minutes are lost
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/generated/clientset/versioned"
)

// Exit codes, so that what calls this program knows what to do next.
const (
	exitDone    = 0 // the application may run on the target; without -yes: it could be failed over
	exitError   = 1 // something went wrong before the server answered; nothing is known to have changed
	exitUsage   = 2
	exitRefused = 3 // the server, or -max-loss, stands against it; nothing was changed
	exitFailed  = 4 // it was begun and ended otherwise
	exitUnknown = 5 // it was begun and goes on; it was not followed to its end
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string) int {
	flags := flag.NewFlagSet("failover", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "kubeconfig of the hub; empty is $KUBECONFIG, or the pod's own ServiceAccount")
	namespace := flags.String("n", "default", "namespace of the DRPlacementControl")
	to := flags.String("to", "", "cluster to recover on; empty lets the server choose")
	reason := flags.String("reason", "", "why, for the record")
	requestName := flags.String("name", "", "name of the request; asked again with the same name, it is the same failover")
	force := flags.Bool("force", false, "even if the application's cluster is healthy, or the copy is stale")
	acknowledge := flags.String("acknowledge", "", "risks taken knowingly, separated by commas: "+string(v1alpha1.AckSourceMayStillWrite))
	maxLoss := flags.Duration("max-loss", 0, "do nothing if more than this would be lost; 0 is no limit")
	timeout := flags.Duration("timeout", 10*time.Minute, "how long to follow it")
	yes := flags.Bool("yes", false, "do it; otherwise only the plan is shown")
	if err := flags.Parse(args); err != nil {
		return exitUsage
	}
	if flags.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "name one DRPlacementControl")
		return exitUsage
	}
	name := flags.Arg(0)
	if *requestName == "" {
		*requestName = name + "-failover-" + rand.String(5)
	}

	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = *kubeconfig
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return fail(err)
	}
	client, err := versioned.NewForConfig(config)
	if err != nil {
		return fail(err)
	}
	f := failover{
		placements: client.DrV1alpha1().DRPlacementControls(*namespace),
		actions:    client.DrV1alpha1().DRActions(*namespace),
		placement:  name,
		request: v1alpha1.DRAction{
			ObjectMeta: metav1.ObjectMeta{Name: *requestName},
			Spec: v1alpha1.DRActionSpec{
				TargetCluster: *to, Reason: *reason, Force: *force, Acknowledgements: acknowledgements(*acknowledge),
			},
		},
	}

	ctx, cancel := context.WithTimeout(ctx, *timeout)
	defer cancel()
	plan, err := f.plan(ctx)
	if err != nil {
		return explain(os.Stderr, err)
	}
	show(os.Stdout, plan)
	if lossAbove(plan, *maxLoss) {
		fmt.Fprintf(os.Stderr, "More than %s would be lost; nothing was changed.\n", *maxLoss)
		return exitRefused
	}
	if !*yes {
		fmt.Println("Nothing was changed; add -yes to do it.")
		return exitDone
	}
	action, err := f.begin(ctx)
	if err != nil {
		return explain(os.Stderr, err)
	}
	fmt.Printf("Accepted as DRAction %s\n", action.Name)
	action, err = f.follow(ctx, action.Name, os.Stdout)
	if err != nil {
		fmt.Fprintf(os.Stderr, "The failover goes on, but could not be followed: %v\n", err)
		return exitUnknown
	}
	return conclude(os.Stdout, action)
}

func acknowledgements(list string) (all []v1alpha1.Acknowledgement) {
	for word := range strings.SplitSeq(list, ",") {
		if word != "" {
			all = append(all, v1alpha1.Acknowledgement(word))
		}
	}
	return all
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return exitError
}
