// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drcluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/config"
	"github.com/ramendr/dr-apiserver/pkg/objectstore"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

var (
	now     = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	request = reconcile.Request{NamespacedName: types.NamespacedName{Name: builder.DR1}}
)

func newClient(t *testing.T) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(builder.DRCluster(builder.DR1).New().Obj()).
		WithStatusSubresource(&v1alpha1.DRCluster{}).Build()
}

func condition(t *testing.T, c client.Client, conditionType string) metav1.Condition {
	t.Helper()
	cluster := &v1alpha1.DRCluster{}
	if err := c.Get(context.Background(), request.NamespacedName, cluster); err != nil {
		t.Fatal(err)
	}
	found := meta.FindStatusCondition(cluster.Status.Conditions, conditionType)
	if found == nil {
		t.Fatalf("no condition %s", conditionType)
	}
	return *found
}

type beats struct {
	seen    bool
	renewed time.Time
}

func (b beats) Last(string) (time.Time, time.Duration, bool) {
	return b.renewed, 40 * time.Second, b.seen
}
func (b beats) Expires(string) (time.Time, bool) { return b.renewed.Add(40 * time.Second), b.seen }

func TestLiveness(t *testing.T) {
	for name, test := range map[string]struct {
		beats   beats
		status  metav1.ConditionStatus
		reason  string
		says    string
		requeue time.Duration
	}{
		"an agent that renews its Lease is looked at again when the Lease runs out": {
			beats{true, now.Add(-10 * time.Second)}, metav1.ConditionTrue, "LeaseHeld", "", 30 * time.Second,
		},
		"a Lease that has just run out": {
			beats{true, now.Add(-40 * time.Second)}, metav1.ConditionFalse, "LeaseExpired", "2026-03-01T02:59:20Z", 0,
		},
		"a cluster without an agent": {
			beats{}, metav1.ConditionFalse, "NeverConnected", "Lease dr-agents/dr1", 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t)
			l := &Liveness{Client: c, Heartbeats: test.beats, AgentNamespace: "dr-agents", Clock: clocktesting.NewFakePassiveClock(now)}
			result, err := l.Reconcile(context.Background(), request)
			if err != nil || result.RequeueAfter != test.requeue {
				t.Errorf("requeue after %s, %v", result.RequeueAfter, err)
			}
			got := condition(t, c, v1alpha1.ConditionConnected)
			if got.Status != test.status || got.Reason != test.reason || !strings.Contains(got.Message, test.says) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestARenewalIsNotWorthAWrite(t *testing.T) {
	c := newClient(t)
	var before string
	for i := range 3 {
		at := now.Add(time.Duration(i) * 10 * time.Second)
		l := &Liveness{Client: c, Heartbeats: beats{true, at}, Clock: clocktesting.NewFakePassiveClock(at)}
		if _, err := l.Reconcile(context.Background(), request); err != nil {
			t.Fatal(err)
		}
		cluster := &v1alpha1.DRCluster{}
		if err := c.Get(context.Background(), request.NamespacedName, cluster); err != nil {
			t.Fatal(err)
		}
		if before != "" && cluster.ResourceVersion != before {
			t.Error("it was written")
		}
		before = cluster.ResourceVersion
	}
}

type bucket struct{ err error }

func (b bucket) CheckBucket(ctx context.Context, profile string) error {
	if _, bounded := ctx.Deadline(); !bounded {
		return errors.New("the look is not bounded")
	}
	if profile != "s3-dr1" {
		return fmt.Errorf("asked for profile %s", profile)
	}
	return b.err
}

func TestValidation(t *testing.T) {
	storeError := func(kind error) error {
		return &objectstore.Error{Profile: "s3-dr1", Bucket: "ramen", Endpoint: "http://s3", Doing: "checking the bucket", Kind: kind, Cause: kind}
	}
	for name, test := range map[string]struct {
		found   error
		status  metav1.ConditionStatus
		reason  string
		says    []string
		requeue time.Duration
	}{
		"a bucket that can be used": {nil, metav1.ConditionTrue, "ObjectStoreUsable", []string{"s3-dr1"}, 10 * time.Minute},
		"a missing bucket": {
			storeError(objectstore.ErrBucketMissing), metav1.ConditionFalse, "BucketMissing", []string{`"s3-dr1"`, `"ramen"`, "http://s3", "create it"}, time.Minute,
		},
		"a store that refuses": {
			storeError(objectstore.ErrForbidden), metav1.ConditionFalse, "AccessDenied", []string{`"s3-dr1"`, "check the keys"}, time.Minute,
		},
		"a store that hangs": {
			storeError(objectstore.ErrTimeout), metav1.ConditionFalse, "Timeout", []string{"s3CompatibleEndpoint"}, time.Minute,
		},
		"a store that is down": {storeError(objectstore.ErrUnreachable), metav1.ConditionFalse, "Unreachable", nil, time.Minute},
		"an unknown profile": {
			fmt.Errorf("s3 profile s3-dr1: %w", config.ErrUnknownProfile), metav1.ConditionFalse, "ProfileUnknown", []string{"s3-dr1"}, time.Minute,
		},
		"missing credentials": {
			fmt.Errorf("s3 profile s3-dr1: %w", objectstore.ErrCredentials), metav1.ConditionFalse, "NoCredentials", nil, time.Minute,
		},
		"the deadline of the look itself": {context.DeadlineExceeded, metav1.ConditionFalse, "Timeout", nil, time.Minute},
		"anything else":                   {errors.New("odd"), metav1.ConditionFalse, "ObjectStoreError", []string{"odd"}, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t)
			v := &Validation{Client: c, Buckets: bucket{test.found}, Clock: clocktesting.NewFakePassiveClock(now)}
			result, err := v.Reconcile(context.Background(), request)
			if err != nil || result.RequeueAfter != test.requeue {
				t.Errorf("requeue after %s, %v", result.RequeueAfter, err)
			}
			got := condition(t, c, v1alpha1.ConditionValidated)
			if got.Status != test.status || got.Reason != test.reason {
				t.Errorf("got %+v", got)
			}
			for _, part := range test.says {
				if !strings.Contains(got.Message, part) {
					t.Errorf("%q does not say %q", got.Message, part)
				}
			}
		})
	}
}

func TestBothControllersKeepEachOthersConditions(t *testing.T) {
	c := newClient(t)
	clock := clocktesting.NewFakePassiveClock(now)
	l := &Liveness{Client: c, Heartbeats: beats{true, now}, Clock: clock}
	v := &Validation{Client: c, Buckets: bucket{}, Clock: clock}
	for range 2 {
		if _, err := l.Reconcile(context.Background(), request); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Reconcile(context.Background(), request); err != nil {
			t.Fatal(err)
		}
	}
	if condition(t, c, v1alpha1.ConditionConnected).Status != metav1.ConditionTrue ||
		condition(t, c, v1alpha1.ConditionValidated).Status != metav1.ConditionTrue {
		t.Error("a condition was lost")
	}
}

func TestAClusterThatIsGone(t *testing.T) {
	gone := reconcile.Request{NamespacedName: types.NamespacedName{Name: "gone"}}
	c := newClient(t)
	clock := clocktesting.NewFakePassiveClock(now)
	if _, err := (&Liveness{Client: c, Heartbeats: beats{}, Clock: clock}).Reconcile(context.Background(), gone); err != nil {
		t.Error(err)
	}
	if _, err := (&Validation{Client: c, Buckets: bucket{}, Clock: clock}).Reconcile(context.Background(), gone); err != nil {
		t.Error(err)
	}
}
