// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ramendr/dr-apiserver/test/playground/component"
	"github.com/ramendr/dr-apiserver/test/storagesim/faults"
)

const (
	// held is how long a fault lasts that has to be taken back, once it has happened.
	held = 2 * time.Second
	// tidying is how long storage is given to take away what was for the moment only, once all has come to rest.
	tidying = 10 * time.Second
	// polling is how often is read what happened, asking how often the hub is asked whether all has come to rest.
	polling = 50 * time.Millisecond
	asking  = time.Second
)

// injection is faults put on the volumes of an application on one cluster.
type injection struct {
	app     *application
	cluster string
	words   []string
	// log is what happens on the cluster, seen what has happened to the application's volumes since the injection was made.
	log  *faults.Log
	seen []faults.Happening
	// armed says when the faults were put in place last.
	armed time.Time
}

// injection of faults on a cluster, which are not in place yet.
func (a *application) injection(cluster string, words ...string) *injection {
	GinkgoHelper()
	log, err := faults.FollowLog(component.Cluster{Root: playground.Root, Name: cluster}.Dir("volumes"))
	Expect(err).NotTo(HaveOccurred())
	return &injection{
		app: a, cluster: cluster, log: log,
		words: append([]string{"clear", "cluster=" + cluster, "namespace=" + a.Namespace}, words...),
	}
}

// arm puts the faults in place, and takes back in the same moment those that were there before: what hung may hang at the next point.
// A simulator that is being started, because somebody else's fault had it die, is told once it has.
func (i *injection) arm(ctx context.Context) {
	i.armed = time.Now()
	if err := playground.Fault(ctx, i.words...); err != nil {
		GinkgoWriter.Println(err)
	}
}

// awaited waits until a fault happens, and says whether it did before all was over and tidied up.
func (i *injection) awaited(ctx context.Context, kind faults.Kind, value string, over func(context.Context) bool) (happened bool) {
	GinkgoHelper()
	var rested, asked time.Time
	Eventually(ctx, func(ctx context.Context) bool {
		if rested.IsZero() && time.Since(asked) > asking {
			asked = time.Now()
			if over(ctx) {
				rested = time.Now()
			}
		}
		ended := !rested.IsZero() && time.Since(rested) > tidying
		log := i.happenings()
		happened = slices.ContainsFunc(log, func(h faults.Happening) bool {
			return h.Kind == kind && (h.Point == value || kind == faults.Lag)
		})
		if !happened && slices.ContainsFunc(log, func(h faults.Happening) bool { return h.Kind == faults.Start && h.Time.After(i.armed) }) {
			i.arm(ctx)
		}
		return happened || ended
	}).WithTimeout(settling).WithPolling(polling).Should(BeTrue(), "%v: it has not happened, and what it is to happen in is not over", i.words)
	return happened
}

// happenings are what has happened to the application's volumes on the cluster since the injection was made.
func (i *injection) happenings() []faults.Happening {
	GinkgoHelper()
	latest, err := i.log.Next()
	Expect(err).NotTo(HaveOccurred())
	for _, h := range latest {
		if h.Kind == faults.Start || h.Namespace == i.app.Namespace {
			i.seen = append(i.seen, h)
		}
	}
	return i.seen
}
