// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package framework

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	kubetesting "k8s.io/client-go/testing"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/generated/clientset/versioned/fake"
)

func actionEnded(reason string) *v1alpha1.DRAction {
	action := &v1alpha1.DRAction{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "move"}}
	status := metav1.ConditionTrue
	if reason == v1alpha1.ReasonInProgress {
		status = metav1.ConditionFalse
	}
	action.Status.Conditions = []metav1.Condition{{
		Type: v1alpha1.ConditionComplete, Status: status, Reason: reason, Message: "as it is",
	}}
	return action
}

func TestAwait(t *testing.T) {
	tests := map[string]struct {
		now     *v1alpha1.DRAction
		then    []watch.Event
		getErrs int
		want    string // in the error; empty: none
	}{
		"returns at once what is as wanted":       {now: actionEnded(v1alpha1.ReasonSucceeded)},
		"returns what becomes as wanted":          {now: actionEnded(v1alpha1.ReasonInProgress), then: []watch.Event{{Type: watch.Modified, Object: actionEnded(v1alpha1.ReasonSucceeded)}}},
		"returns what is created":                 {then: []watch.Event{{Type: watch.Added, Object: actionEnded(v1alpha1.ReasonSucceeded)}}},
		"asks a server again that did not answer": {now: actionEnded(v1alpha1.ReasonSucceeded), getErrs: 2},
		"ends when it can't be reached any more":  {now: actionEnded(v1alpha1.ReasonFailed), want: "it ended as Failed: as it is"},
		"says what was seen last":                 {now: actionEnded(v1alpha1.ReasonInProgress), want: "to be Succeeded; last seen: Complete=False (InProgress: as it is)"},
		"says that there is nothing":              {want: "last seen: it does not exist"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client := fake.NewClientset()
			if test.now != nil {
				client = fake.NewClientset(test.now)
			}
			events := watch.NewFakeWithOptions(watch.FakeOptions{ChannelSize: len(test.then) + 1})
			for _, event := range test.then {
				events.Action(event.Type, event.Object)
			}
			client.PrependWatchReactor("dractions", kubetesting.DefaultWatchReactor(events, nil))
			client.PrependReactor("get", "dractions", func(kubetesting.Action) (bool, runtime.Object, error) {
				test.getErrs--
				return test.getErrs >= 0, nil, errors.New("connection refused")
			})
			_, err := Await(context.Background(), client.DrV1alpha1().DRActions("shop"), "move",
				10*retryAfter, Ended(v1alpha1.ReasonSucceeded))
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
		})
	}
}

func TestAwaitGone(t *testing.T) {
	kept := actionEnded(v1alpha1.ReasonSucceeded)
	kept.Finalizers = []string{"example.com/keep"}
	clientset := fake.NewClientset(kept)
	client := clientset.DrV1alpha1().DRActions("shop")
	err := AwaitGone(context.Background(), client, "move", 2*retryAfter)
	if err == nil || !strings.Contains(err.Error(), "example.com/keep") {
		t.Errorf("error %v, want the finalizer in it", err)
	}
	// A fake watch tells nothing of what was before it, so the object goes once it is open.
	clientset.PrependWatchReactor("dractions", func(action kubetesting.Action) (bool, watch.Interface, error) {
		events, err := clientset.Tracker().Watch(action.GetResource(), action.GetNamespace())
		go func() { _ = client.Delete(context.Background(), "move", metav1.DeleteOptions{}) }()
		return true, events, err
	})
	if err := AwaitGone(context.Background(), client, "move", time.Minute); err != nil {
		t.Error(err)
	}
}
