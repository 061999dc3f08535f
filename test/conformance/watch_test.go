// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"net/http"
	"strconv"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/ptr"
)

var _ = eachStored("Whoever watches", func(k kind) {
	It("sees what happens after the list, in order", func(ctx SpecContext) {
		value := unique()
		selector := label + "=" + value
		list := k.list(ctx, metav1.ListOptions{LabelSelector: selector})
		events := k.watch(ctx, metav1.ListOptions{LabelSelector: selector, ResourceVersion: list.GetResourceVersion()})

		created := k.create(ctx, k.labelled(unique(), value))
		added := events.next(ctx, watch.Added)
		Expect(added.uid).To(Equal(created.GetUID()))
		Expect(added.version).To(Equal(created.GetResourceVersion()))
		annotated := k.annotate(ctx, created.GetName(), "seen", "yes")
		modified := events.until(ctx, watch.Modified, func(e event) bool { return e.version == annotated })
		Expect(modified.annotations).To(HaveKeyWithValue("seen", "yes"))
		Expect(k.objects().Delete(ctx, created.GetName(), metav1.DeleteOptions{})).To(Succeed())
		deleted := events.until(ctx, watch.Deleted, func(event) bool { return true })
		Expect(deleted.uid).To(Equal(created.GetUID()))
		Expect(deleted.version).NotTo(Equal(annotated), "a deletion has a resourceVersion of its own, from which to go on")
	}, SpecTimeout(specTimeout))

	It("goes on from any event", func(ctx SpecContext) {
		value := unique()
		selector := label + "=" + value
		first := k.create(ctx, k.labelled(unique(), value))
		second := k.create(ctx, k.labelled(unique(), value))
		third := k.create(ctx, k.labelled(unique(), value))
		events := k.watch(ctx, metav1.ListOptions{LabelSelector: selector, ResourceVersion: first.GetResourceVersion()})
		isNew := func(e event) bool { return e.uid != first.GetUID() }
		Expect(events.until(ctx, watch.Added, isNew).uid).To(Equal(second.GetUID()))
		Expect(events.until(ctx, watch.Added, isNew).uid).To(Equal(third.GetUID()))
	}, SpecTimeout(specTimeout))

	It("begins with what there is if no resourceVersion is given, or 0", func(ctx SpecContext) {
		selector, _ := k.some(ctx, 1)
		object := k.list(ctx, metav1.ListOptions{LabelSelector: selector}).Items[0]
		for _, version := range []string{"", "0"} {
			events := k.watch(ctx, metav1.ListOptions{LabelSelector: selector, ResourceVersion: version})
			Expect(events.next(ctx, watch.Added).uid).To(Equal(object.GetUID()))
		}
	}, SpecTimeout(specTimeout))

	It("sees an object come and go with what is selected", func(ctx SpecContext) {
		name := unique()
		selector := label + "=" + name + ",place=here"
		events := k.watch(ctx, metav1.ListOptions{LabelSelector: selector})
		one := k.watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + name})
		k.create(ctx, k.labelled(name, name))
		k.relabel(ctx, name, "place", "here")
		events.next(ctx, watch.Added)
		k.relabel(ctx, name, "place", "there")
		gone := events.until(ctx, watch.Deleted, func(event) bool { return true })
		Expect(gone.labels).To(HaveKeyWithValue("place", "here"), "what goes is shown as it was when it was last selected")
		one.next(ctx, watch.Added)
		one.until(ctx, watch.Modified, func(e event) bool { return e.labels["place"] == "there" })
	}, SpecTimeout(specTimeout))

	It("is told how far it has seen when nothing happens to what is selected", func(ctx SpecContext) {
		events := k.watch(ctx, metav1.ListOptions{
			LabelSelector:   label + "=" + unique(),
			ResourceVersion: k.list(ctx, metav1.ListOptions{Limit: 1}).GetResourceVersion(),
			// The server sends a bookmark two seconds before the end.
			AllowWatchBookmarks: true, TimeoutSeconds: ptr.To[int64](4),
		})
		other := k.create(ctx, k.object(unique()))
		bookmark := events.next(ctx, watch.Bookmark)
		Expect(number(bookmark.version)).To(BeNumerically(">=", number(other.GetResourceVersion())))
		Expect(bookmark.uid).To(BeEmpty())
		Eventually(events.results).WithContext(ctx).WithTimeout(await).Should(BeClosed(), "after timeoutSeconds the watch ends")
	}, SpecTimeout(specTimeout))

	It("is sent the initial events, and told when they end", func(ctx SpecContext) {
		selector, made := k.some(ctx, 3)
		events := k.watch(ctx, metav1.ListOptions{
			LabelSelector: selector, SendInitialEvents: ptr.To(true), AllowWatchBookmarks: true,
			ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
		})
		var seen []string
		for range made {
			seen = append(seen, events.next(ctx, watch.Added).name)
		}
		Expect(seen).To(ConsistOf(made))
		bookmark := events.until(ctx, watch.Bookmark, func(event) bool { return true })
		Expect(bookmark.annotations).To(HaveKeyWithValue(metav1.InitialEventsAnnotationKey, "true"))
		Expect(bookmark.version).NotTo(BeEmpty())

		_, err := k.objects().Watch(ctx, metav1.ListOptions{SendInitialEvents: ptr.To(true), AllowWatchBookmarks: true})
		Expect(err).To(refused(http.StatusUnprocessableEntity, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"))
	}, SpecTimeout(specTimeout))

	It("sees metadata alone, if that is what is asked for", func(ctx SpecContext) {
		name := unique()
		watcher, err := k.metadatas().Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + name})
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(watcher.Stop)
		created := k.create(ctx, k.object(name))
		partial := &events{watcher.ResultChan()}
		Expect(partial.next(ctx, watch.Added).uid).To(Equal(created.GetUID()))
	}, SpecTimeout(specTimeout))
})

// events are those of a watch.
type events struct {
	results <-chan watch.Event
}

// event is what the specs look at of an event.
type event struct {
	eventType           watch.EventType
	name, version       string
	uid                 types.UID
	labels, annotations map[string]string
}

// watch starts a watch that ends with the spec.
func (k kind) watch(ctx context.Context, options metav1.ListOptions) *events {
	GinkgoHelper()
	watcher, err := k.objects().Watch(ctx, options)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(watcher.Stop)
	return &events{watcher.ResultChan()}
}

// next is the next event, which has to be of that type.
func (e *events) next(ctx context.Context, wanted watch.EventType) event {
	GinkgoHelper()
	got := e.receive(ctx)
	Expect(got.eventType).To(Equal(wanted))
	return got
}

// until is the next event of that type that is accepted. What controllers write in between is passed over.
func (e *events) until(ctx context.Context, wanted watch.EventType, accepted func(event) bool) event {
	GinkgoHelper()
	for {
		if got := e.receive(ctx); got.eventType == wanted && accepted(got) {
			return got
		}
	}
}

func (e *events) receive(ctx context.Context) event {
	GinkgoHelper()
	var got watch.Event
	Eventually(e.results).WithContext(ctx).WithTimeout(await).Should(Receive(&got))
	Expect(got.Type).NotTo(Equal(watch.Error), "the watch ended with %v", got.Object)
	accessor, err := meta.Accessor(got.Object)
	Expect(err).NotTo(HaveOccurred())
	return event{
		eventType: got.Type, name: accessor.GetName(), version: accessor.GetResourceVersion(), uid: accessor.GetUID(),
		labels: accessor.GetLabels(), annotations: accessor.GetAnnotations(),
	}
}

// number is a resourceVersion as a number.
func number(version string) uint64 {
	GinkgoHelper()
	result, err := strconv.ParseUint(version, 10, 64)
	Expect(err).NotTo(HaveOccurred())
	return result
}

// annotate annotates an object and returns its new resourceVersion.
func (k kind) annotate(ctx context.Context, name, key, value string) string {
	GinkgoHelper()
	return k.patch(ctx, name, `metadata: {annotations: {`+key+`: "`+value+`"}}`).GetResourceVersion()
}

// relabel sets a label of an object.
func (k kind) relabel(ctx context.Context, name, key, value string) {
	GinkgoHelper()
	k.patch(ctx, name, `metadata: {labels: {`+key+`: "`+value+`"}}`)
}
