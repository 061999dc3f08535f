// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

const (
	// settle is how long mere progress waits for more of it, and spacing the least time from one report to the next.
	settle  = 300 * time.Millisecond
	spacing = time.Second
	// refreshInterval is how long a report may go without being renewed.
	refreshInterval = 5 * time.Minute
	patchTimeout    = 10 * time.Second
	maxBackoff      = 30 * time.Second
	writers         = 32
)

// Patcher patches the status of a VolumeReplicationGroup on the hub and returns what it then is.
type Patcher interface {
	PatchStatus(ctx context.Context, key types.NamespacedName, patch []byte) (*v1alpha1.VolumeReplicationGroup, error)
}

// Writer sends reports. A change of role or of what a condition says is sent at once, mere progress after a moment, and
// nothing twice. While the hub is away the last report of each group waits.
type Writer struct {
	patcher Patcher
	clock   clock.WithTicker
	queue   workqueue.TypedRateLimitingInterface[types.NamespacedName]

	lock   sync.Mutex
	groups map[types.NamespacedName]*group
}

type group struct {
	// onHub is the status the hub has, as of version.
	onHub   v1alpha1.VolumeReplicationGroupStatus
	version string
	// given is the version that the hub gave last by itself.
	given  string
	report *Report
	sent   time.Time
	// due is when the report is to be sent; zero if there is nothing to send.
	due time.Time
}

// NewWriter returns a Writer; it sends once Run runs.
func NewWriter(patcher Patcher, c clock.WithTicker) *Writer {
	return &Writer{
		patcher: patcher, clock: c, groups: map[types.NamespacedName]*group{},
		queue: workqueue.NewTypedRateLimitingQueueWithConfig(
			workqueue.NewTypedItemExponentialFailureRateLimiter[types.NamespacedName](100*time.Millisecond, maxBackoff),
			workqueue.TypedRateLimitingQueueConfig[types.NamespacedName]{Name: "status", Clock: c}),
	}
}

// Report takes what was found of a group, as of the object the hub gave last.
func (w *Writer) Report(object *v1alpha1.VolumeReplicationGroup, r *Report) {
	key := types.NamespacedName{Namespace: object.Namespace, Name: object.Name}
	w.lock.Lock()
	defer w.lock.Unlock()
	g := w.groups[key]
	if g == nil {
		g = &group{}
		w.groups[key] = g
	}
	// A hub that gives an older version than before was restored from a backup: what it was told since, it has forgotten.
	restored := g.given != "" && newer(g.given, object.ResourceVersion)
	if restored || newer(object.ResourceVersion, g.version) {
		g.onHub, g.version = *object.Status.DeepCopy(), object.ResourceVersion
	}
	g.report, g.given = r, object.ResourceVersion
	w.schedule(key, g)
}

// schedule has the report sent, at once if it is urgent, unless the hub has it.
func (w *Writer) schedule(key types.NamespacedName, g *group) {
	now := w.clock.Now()
	wanted := g.report.Status(g.onHub, now)
	switch {
	case urgent(g.onHub, wanted, g.report.Awaited), now.Sub(g.sent) >= refreshInterval:
		g.due = now
		w.queue.Add(key)
	case g.due.IsZero() && !equality.Semantic.DeepEqual(g.onHub, wanted):
		g.due = now.Add(max(settle, spacing-now.Sub(g.sent)))
		w.queue.AddAfter(key, g.due.Sub(now))
	}
}

// Forget drops a group.
func (w *Writer) Forget(key types.NamespacedName) {
	w.lock.Lock()
	defer w.lock.Unlock()
	delete(w.groups, key)
}

func newer(version, than string) bool {
	if than == "" {
		return true
	}
	order, err := resourceversion.CompareResourceVersion(version, than)
	return err != nil || order > 0
}

// urgent tells whether somebody may be waiting for the change: the hub asked, a role is confirmed, a token issued, or a
// condition come true, be it of a role that is confirmed or the one that is awaited before.
func urgent(before, now v1alpha1.VolumeReplicationGroupStatus, awaited string) bool {
	confirmed := now.State != v1alpha1.UnknownState
	switch {
	case now.Session != before.Session:
		return true
	case confirmed && (now.State != before.State || now.Epoch != before.Epoch):
		return true
	case now.HandoverToken != nil && before.HandoverToken == nil:
		return true
	}
	return slices.ContainsFunc(now.Conditions, func(c metav1.Condition) bool {
		old := meta.FindStatusCondition(before.Conditions, c.Type)
		return (confirmed || c.Type == awaited) && c.Status == metav1.ConditionTrue &&
			(old == nil || old.Status != c.Status || old.ObservedGeneration != c.ObservedGeneration)
	})
}

// Run sends until ctx ends.
func (w *Writer) Run(ctx context.Context) {
	var wait sync.WaitGroup
	for range writers {
		wait.Go(func() {
			for w.next(ctx) {
			}
		})
	}
	<-ctx.Done()
	w.queue.ShutDown()
	wait.Wait()
}

func (w *Writer) next(ctx context.Context) bool {
	key, shutdown := w.queue.Get()
	if shutdown {
		return false
	}
	defer w.queue.Done(key)
	err := w.send(ctx, key)
	switch {
	case err == nil, apierrors.IsNotFound(err):
		w.queue.Forget(key)
	default:
		klog.FromContext(ctx).V(2).Info("A report can't be sent; trying again", "volumeReplicationGroup", key, "reason", err.Error())
		w.queue.AddRateLimited(key)
	}
	return true
}

func (w *Writer) send(ctx context.Context, key types.NamespacedName) error {
	w.lock.Lock()
	g := w.groups[key]
	if g == nil {
		w.lock.Unlock()
		return nil
	}
	now := w.clock.Now()
	if now.Before(g.due) {
		w.lock.Unlock()
		w.queue.AddAfter(key, g.due.Sub(now))
		return nil
	}
	before, status := g.onHub, g.report.Status(g.onHub, now)
	if equality.Semantic.DeepEqual(before, status) && now.Sub(g.sent) < refreshInterval {
		g.due = time.Time{}
		w.lock.Unlock()
		return nil
	}
	sending := g.report
	w.lock.Unlock()
	at := metav1.NewTime(now)
	status.LastUpdateTime = &at
	patch, err := MergePatch(before, status)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patchTimeout)
	defer cancel()
	reportSend.Hit(key.Namespace)
	object, err := w.patcher.PatchStatus(ctx, key, patch)
	if err != nil {
		return err
	}
	reportSent.Hit(key.Namespace)
	w.lock.Lock()
	defer w.lock.Unlock()
	g.sent, g.due = now, time.Time{}
	if newer(object.ResourceVersion, g.version) {
		g.onHub, g.version = object.Status, object.ResourceVersion
	}
	if g.report != sending {
		// What was found meanwhile has found this report due, and has not been queued.
		w.schedule(key, g)
	}
	return nil
}

// always are the fields that a report always speaks of.
var always = []string{
	"observedGeneration", "epoch", "session", "state", "conditions", "lastCapture", "handoverToken", "volSync",
	"lastGroupSyncTime", "lastGroupSyncDuration", "lastGroupSyncBytes",
}

// MergePatch is what is sent to the hub, which is believed to have the status before. All but the rows is said whole, also
// what has not changed or is not there: a report that arrives late, or at a hub that was restored from a backup, is then
// an old one, but not one half old and half new.
func MergePatch(before, status v1alpha1.VolumeReplicationGroupStatus) ([]byte, error) {
	data, err := json.Marshal(status)
	if err != nil {
		return nil, err
	}
	whole := map[string]json.RawMessage{"protectedPVCs": nil}
	for _, field := range always {
		whole[field] = nil
	}
	if err := json.Unmarshal(data, &whole); err != nil {
		return nil, err
	}
	if equality.Semantic.DeepEqual(before.ProtectedPVCs, status.ProtectedPVCs) {
		delete(whole, "protectedPVCs")
	}
	return json.Marshal(map[string]any{"status": whole})
}
