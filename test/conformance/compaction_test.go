// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"net/http"
	"os"
	"strconv"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	clientv3 "go.etcd.io/etcd/client/v3"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// compactedKey is where API servers tell each other up to which revision they have compacted.
const compactedKey = "compact_rev_key"

// oldPage is the first page of a list of three objects, one to a page, made before a fourth one.
type oldPage struct {
	Namespace, Selector, Continue, ResourceVersion string
}

// oldPages are those of each kind, by its name. Old revisions were compacted after they were made and before the first
// spec: whoever pages through a list meanwhile would have to begin again.
var oldPages map[string]oldPage

// makeOldPages lists objects of all kinds and has the revision of the lists forgotten.
func makeOldPages(ctx context.Context) map[string]oldPage {
	GinkgoHelper()
	pages := map[string]oldPage{}
	for _, k := range stored {
		value := unique()
		for _, name := range []string{"a-" + value, "b-" + value, "c-" + value} {
			_, err := k.objects().Create(ctx, k.labelled(name, value), metav1.CreateOptions{})
			Expect(err).NotTo(HaveOccurred())
		}
		page := k.list(ctx, metav1.ListOptions{LabelSelector: label + "=" + value, Limit: 1})
		pages[k.name] = oldPage{namespace, label + "=" + value, page.GetContinue(), page.GetResourceVersion()}
		_, err := k.objects().Create(ctx, k.labelled("d-"+value, value), metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
	}
	compact(ctx)
	return pages
}

var _ = eachStored("Whoever goes on from a revision that is compacted", func(k kind) {
	It("with a list is sent away with 410 and a way to go on with what there is now", func(ctx SpecContext) {
		page := oldPages[k.name]
		objects := k.objectsIn(page.Namespace)
		DeferCleanup(objects.DeleteCollection, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: page.Selector})
		var err error
		// A watch cache learns of it within 15 seconds.
		Eventually(func() error {
			_, err = objects.List(ctx, metav1.ListOptions{LabelSelector: page.Selector, Limit: 1, Continue: page.Continue})
			return err
		}).WithContext(ctx).WithTimeout(await).Should(refused(http.StatusGone, "continue"))
		Expect(apierrors.IsResourceExpired(err)).To(BeTrue())
		anew := err.(apierrors.APIStatus).Status().ListMeta.Continue
		rest, err := objects.List(ctx, metav1.ListOptions{LabelSelector: page.Selector, Limit: 10, Continue: anew})
		Expect(err).NotTo(HaveOccurred())
		Expect(rest.Items).To(HaveLen(3), "two more of the first three, and the fourth")

		_, err = objects.List(ctx, metav1.ListOptions{
			ResourceVersion: page.ResourceVersion, ResourceVersionMatch: metav1.ResourceVersionMatchExact,
		})
		Expect(err).To(refused(http.StatusGone))
	}, SpecTimeout(specTimeout))

	It("with a watch is sent away with 410", func(ctx SpecContext) {
		page := oldPages[k.name]
		watcher, err := k.objectsIn(page.Namespace).Watch(ctx, metav1.ListOptions{ResourceVersion: page.ResourceVersion})
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(watcher.Stop)
		var got watch.Event
		Eventually(watcher.ResultChan()).WithContext(ctx).WithTimeout(await).Should(Receive(&got))
		Expect(got.Type).To(Equal(watch.Error))
		Expect(got.Object).To(HaveField("Code", BeEquivalentTo(http.StatusGone)))
		Expect(got.Object).To(HaveField("Reason", metav1.StatusReasonExpired))
	}, SpecTimeout(specTimeout))
})

// compact has the store of dr-apiserver forget all revisions but the newest, as the server itself does every five minutes.
func compact(ctx context.Context) {
	GinkgoHelper()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{store(ctx)}})
	Expect(err).NotTo(HaveOccurred())
	defer client.Close()
	state, err := client.Get(ctx, compactedKey)
	Expect(err).NotTo(HaveOccurred())
	revision := state.Header.Revision
	_, err = client.Put(ctx, compactedKey, strconv.FormatInt(revision, 10))
	Expect(err).NotTo(HaveOccurred())
	_, err = client.Compact(ctx, revision)
	Expect(err).NotTo(HaveOccurred())
}

// store is the etcd of dr-apiserver: its own, or that of the hub.
func store(ctx context.Context) string {
	GinkgoHelper()
	own := playground.Root.Run("hub", "dr-apiserver", "etcd.sock")
	if _, err := os.Stat(own); err == nil {
		return "unix://" + own
	}
	return "http://" + address(ctx, "etcd")
}
