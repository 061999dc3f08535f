// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
	"github.com/ramendr/dr-apiserver/test/storagesim/records"
)

// moment is what the storage goes wrong in the middle of. An application can go through it again where it ended.
type moment string

const (
	protection moment = "first protection"
	relocation moment = "relocate"
	failover   moment = "failover"
)

var moments = []moment{protection, relocation, failover}

// passage is one time that an application goes through a moment. What begin does returns while the storage is at work; end waits
// until all has come to rest, and holds what was lost against what may be.
type passage struct {
	begin, end func(ctx context.Context)
	// to is the cluster on which the application is to come to rest.
	to string
}

// over says that all has come to rest.
func (a *application) over(ctx context.Context, p passage) bool {
	placement, err := a.Get(ctx)
	if err != nil {
		return false
	}
	settled, _, err := framework.SettledOn(p.to).Reached(placement)
	return settled && err == nil
}

// passage brings the application to where the moment begins.
func (a *application) passage(ctx context.Context, m moment) passage {
	GinkgoHelper()
	if m == protection {
		a.unprotected(ctx)
		return passage{begin: a.protect, end: a.wellAndSound, to: a.here}
	}
	if _, err := a.Get(ctx); err != nil {
		a.protect(ctx)
		a.settled(ctx)
	}
	before, err := a.Records()
	Expect(err).NotTo(HaveOccurred())
	if m == relocation {
		return a.moving(a.Relocate, v1alpha1.DRActionSpec{}, func(_ *v1alpha1.DRAction, after *records.Report) error {
			return framework.NothingLostSince(after, before)
		})
	}
	return a.moving(a.Failover, v1alpha1.DRActionSpec{Force: true, Reason: "a drill"}, func(action *v1alpha1.DRAction, after *records.Report) error {
		return framework.LostOnlyAfter(framework.Since(after, before), action.Status.DataLossWindow.SyncPoint.Time)
	})
}

type (
	verb    func(context.Context, v1alpha1.DRActionSpec, ...framework.Option) (*v1alpha1.DRAction, error)
	verdict func(*v1alpha1.DRAction, *records.Report) error
)

// moving is an action that moves the application to the other cluster.
func (a *application) moving(ask verb, spec v1alpha1.DRActionSpec, judge verdict) passage {
	name := ""
	return passage{
		to: a.there(),
		begin: func(ctx context.Context) {
			GinkgoHelper()
			spec.TargetCluster = a.there()
			action, err := ask(ctx, spec)
			Expect(err).NotTo(HaveOccurred())
			name = action.Name
		},
		end: func(ctx context.Context) {
			GinkgoHelper()
			action := a.succeeded(ctx, name)
			a.wellAndSound(ctx)
			after, err := a.Records()
			Expect(err).NotTo(HaveOccurred())
			Expect(judge(action, after)).To(Succeed())
		},
	}
}

// wellAndSound checks what is to be true of an application in the end, whatever went wrong.
func (a *application) wellAndSound(ctx context.Context) {
	GinkgoHelper()
	a.settled(ctx)
	a.writes(ctx)
	a.sound()
}
