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
	// polling is how often is read what happened.
	polling = 50 * time.Millisecond
)

// injection is faults put on the volumes of an application on one cluster.
type injection struct {
	app     *application
	cluster string
	words   []string
	// injected says since when what happens counts, armed when they were put in place last.
	injected, armed time.Time
}

// injection of faults on a cluster, which are not in place yet.
func (a *application) injection(cluster string, words ...string) *injection {
	return &injection{
		app: a, cluster: cluster, injected: time.Now(),
		words: append([]string{"fault", "cluster=" + cluster, "namespace=" + a.Namespace}, words...),
	}
}

// arm puts the faults in place. A simulator that is being started, because somebody else's fault had it die, is told once it has.
func (i *injection) arm(ctx context.Context) {
	i.armed = time.Now()
	if err := playground.Do(ctx, i.words...); err != nil {
		GinkgoWriter.Println(err)
	}
}

// awaited waits until a fault of the kind happens in the middle of what began at a time, and says whether it did before that was over
// and tidied up.
func (i *injection) awaited(ctx context.Context, kind faults.Kind, began time.Time, over func(context.Context) bool) (happened bool) {
	GinkgoHelper()
	var rested time.Time
	Eventually(ctx, func(ctx context.Context) bool {
		if rested.IsZero() && over(ctx) {
			rested = time.Now()
		}
		ended := !rested.IsZero() && time.Since(rested) > tidying
		log := i.log()
		happened = slices.ContainsFunc(log, func(h faults.Happening) bool {
			return h.Kind == kind && (!h.Time.Before(began) || kind == faults.Hang) // what hung before hangs still
		})
		if !happened && slices.ContainsFunc(log, func(h faults.Happening) bool { return h.Kind == faults.Start && h.Time.After(i.armed) }) {
			i.arm(ctx)
		}
		return happened || ended
	}).WithTimeout(settling).WithPolling(polling).Should(BeTrue(), "%v: it has not happened, and what it is to happen in is not over", i.words)
	return happened
}

// log is what has happened to the application's volumes on the cluster that counts.
func (i *injection) log() []faults.Happening {
	GinkgoHelper()
	all, err := faults.ReadLog(faults.LogFile(component.Cluster{Root: playground.Root, Name: i.cluster}.Dir("volumes")))
	Expect(err).NotTo(HaveOccurred())
	return slices.DeleteFunc(all, func(h faults.Happening) bool {
		return h.Time.Before(i.injected) || h.Kind != faults.Start && h.Namespace != i.app.Namespace
	})
}
