// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package lifetime

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/generated/clientset/versioned"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// readers is how many clients read at once. One writes.
const readers = 3

// traffic is what clients of the hub's kube-apiserver do all the while: they list, get, write, and watch.
type traffic struct {
	client  versioned.Interface
	stop    context.CancelFunc
	running sync.WaitGroup
	answers *answers

	reads, writes, events atomic.Int64
	mu                    sync.Mutex
	errs                  []error
}

// written is the annotation that the writer counts in.
const written = "lifetime/written"

// startTraffic returns when there is a DRCluster that is read and written.
func startTraffic(ctx context.Context) *traffic {
	GinkgoHelper()
	t := &traffic{answers: &answers{}}
	config := rest.CopyConfig(hub.Config)
	config.Wrap(t.answers.count)
	identity, err := framework.NewIdentity(config)
	Expect(err).NotTo(HaveOccurred())
	t.client = identity.DR
	cluster := &v1alpha1.DRCluster{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "traffic-"},
		Spec:       v1alpha1.DRClusterSpec{Region: "east", S3ProfileName: profile},
	}
	cluster, err = t.client.DrV1alpha1().DRClusters().Create(ctx, cluster, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	ctx, t.stop = context.WithCancel(context.WithoutCancel(ctx))
	for range readers {
		t.running.Go(func() { t.repeat(ctx, &t.reads, func() error { return t.read(ctx, cluster.Name) }) })
	}
	t.running.Go(func() { t.repeat(ctx, &t.writes, func() error { return t.write(ctx, cluster.Name) }) })
	t.running.Go(func() { t.watch(ctx, cluster) })
	DeferCleanup(func() {
		t.stop()
		t.running.Wait()
	})
	return t
}

func (t *traffic) repeat(ctx context.Context, done *atomic.Int64, request func() error) {
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		err := request()
		if ctx.Err() != nil {
			return
		}
		done.Add(1)
		t.note(err)
	}, pollInterval)
}

func (t *traffic) note(err error) {
	if err != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.errs = append(t.errs, err)
	}
}

func (t *traffic) read(ctx context.Context, name string) error {
	clusters := t.client.DrV1alpha1().DRClusters()
	if _, err := clusters.List(ctx, metav1.ListOptions{}); err != nil {
		return fmt.Errorf("list: %w", err)
	}
	if _, err := clusters.Get(ctx, name, metav1.GetOptions{}); err != nil {
		return fmt.Errorf("get: %w", err)
	}
	return nil
}

func (t *traffic) write(ctx context.Context, name string) error {
	patch := fmt.Sprintf(`{"metadata":{"annotations":{%q:"%d"}}}`, written, t.writes.Load()+1)
	_, err := t.client.DrV1alpha1().DRClusters().Patch(ctx, name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	if err != nil {
		return fmt.Errorf("patch: %w", err)
	}
	return nil
}

// watch sees that every version comes, in order, whatever becomes of the server.
func (t *traffic) watch(ctx context.Context, cluster *v1alpha1.DRCluster) {
	clusters := t.client.DrV1alpha1().DRClusters()
	watcher, err := watchtools.NewRetryWatcherWithContext(ctx, cluster.ResourceVersion, &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.FieldSelector = "metadata.name=" + cluster.Name
			return clusters.Watch(ctx, options)
		},
	})
	if err != nil {
		t.note(err)
		return
	}
	defer watcher.Stop()
	last := 0
	for event := range watcher.ResultChan() {
		object, ok := event.Object.(*v1alpha1.DRCluster)
		if !ok {
			t.note(fmt.Errorf("watch: %s %v", event.Type, event.Object))
			continue
		}
		n := 0
		_, _ = fmt.Sscan(object.Annotations[written], &n)
		if n != last && n != last+1 {
			t.note(fmt.Errorf("watch: write %d came after %d", n, last))
		}
		last = n
		t.events.Store(int64(n))
	}
}

// goesOn waits for some more of everything.
func (t *traffic) goesOn(ctx context.Context) {
	GinkgoHelper()
	reads, writes := t.reads.Load(), t.writes.Load()
	Eventually(ctx, func() bool {
		return t.reads.Load() > reads+5 && t.writes.Load() > writes+5 && t.events.Load() > writes
	}).Should(BeTrue(), "requests are answered")
}

// finish ends it and says what was not as if nothing had happened.
func (t *traffic) finish() error {
	last := t.writes.Load()
	t.stop()
	t.running.Wait()
	AddReportEntry("traffic", fmt.Sprintf("%d reads, %d writes, %s", t.reads.Load(), last, t.answers))
	t.mu.Lock()
	defer t.mu.Unlock()
	return errors.Join(append(t.errs, t.answers.bad()...)...)
}

// answers counts what servers answer, before a client makes the best of it.
type answers struct {
	good, tryAgain atomic.Int64
	mu             sync.Mutex
	wrong          []error
}

func (a *answers) String() string {
	return fmt.Sprintf("%d answers, %d of them try again", a.good.Load(), a.tryAgain.Load())
}

func (a *answers) bad() []error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.wrong
}

func (a *answers) count(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(request)
		switch {
		case err == nil && response.StatusCode == http.StatusTooManyRequests:
			a.tryAgain.Add(1)
		case err == nil && response.StatusCode < http.StatusInternalServerError:
			a.good.Add(1)
		case request.Context().Err() == nil:
			if err == nil {
				err = errors.New(response.Status)
			}
			a.mu.Lock()
			defer a.mu.Unlock()
			a.wrong = append(a.wrong, fmt.Errorf("%s %s: %w", request.Method, request.URL.Path, err))
		}
		return response, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }
