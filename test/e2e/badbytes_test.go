// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/objectstore"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// The application has moved once, so that there are two captures: what the source handed over with, and the target's own.
var _ = DescribeTable("A failover restores the capture before one that is damaged in every store, and the record names what was passed over",
	func(ctx SpecContext, damage func(content map[string][]byte, file func(name string) string)) {
		app := protected(ctx)
		relocated(ctx, app, toDR2)
		settled(ctx, app, framework.DR2)
		stores, err := playground.Stores(ctx)
		Expect(err).NotTo(HaveOccurred())
		var damaged []string
		for _, store := range stores {
			damaged = append(damaged, damageLast(ctx, app, store, damage)...)
		}
		Expect(damaged).NotTo(BeEmpty())

		request := forced
		request.TargetCluster = framework.DR1
		failover := failedOver(ctx, app, request)
		itStillWrites(ctx, app, framework.DR1)
		objectsOf(ctx, app, framework.DR1)
		nothingLostBefore(app, failover)
		record, err := app.AwaitAction(ctx, failover.Name, framework.Soon, framework.Ended(v1alpha1.ReasonSucceeded))
		Expect(err).NotTo(HaveOccurred())
		message := action.Step(&v1alpha1.ActionRecord{Status: record.Status}, v1alpha1.StepPromote).Message
		Expect(slices.ContainsFunc(damaged, func(key string) bool { return strings.Contains(message, key) })).To(BeTrue(),
			"%q names none of %q", message, damaged)
		settled(ctx, app, framework.DR1)
	},
	Entry("truncated", SpecTimeout(specTimeout), func(content map[string][]byte, file func(string) string) {
		content[file("volumes.json.gz")] = content[file("volumes.json.gz")][:20]
	}),
	Entry("with a bit flipped", SpecTimeout(specTimeout), func(content map[string][]byte, file func(string) string) {
		content[file("manifest.json")][50] ^= 4
	}),
	Entry("with its files swapped", SpecTimeout(specTimeout), func(content map[string][]byte, file func(string) string) {
		volumes, objects := file("volumes.json.gz"), file("objects.json.gz")
		content[volumes], content[objects] = content[objects], content[volumes]
	}),
)

// damageLast damages the newest capture in a store and returns the keys of its objects.
func damageLast(ctx context.Context, app *framework.App, store objectstore.Store,
	damage func(content map[string][]byte, file func(name string) string),
) []string {
	GinkgoHelper()
	keys, err := app.LastCapture(ctx, store)
	Expect(err).NotTo(HaveOccurred())
	Expect(keys).To(HaveLen(3))
	content := map[string][]byte{}
	for _, key := range keys {
		content[key], err = store.Get(ctx, key)
		Expect(err).NotTo(HaveOccurred())
	}
	damage(content, func(name string) string {
		i := slices.IndexFunc(keys, func(key string) bool { return strings.HasSuffix(key, "/"+name) })
		Expect(i).To(BeNumerically(">=", 0), name)
		return keys[i]
	})
	for _, key := range keys {
		Expect(store.Put(ctx, key, content[key])).To(Succeed())
	}
	return keys
}
