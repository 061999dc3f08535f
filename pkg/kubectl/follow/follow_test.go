// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package follow

import (
	"context"
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
)

func numbered(version string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "cm", ResourceVersion: version}}
}

// script is a server that answers each watch with the next scene.
type script struct {
	scenes []scene
	asked  []metav1.ListOptions
}

type scene struct {
	err    error
	events []watch.Event
}

func (s *script) watch(_ context.Context, opts metav1.ListOptions) (watch.Interface, error) {
	next := s.scenes[min(len(s.asked), len(s.scenes)-1)]
	s.asked = append(s.asked, opts)
	if next.err != nil {
		return nil, next.err
	}
	w := watch.NewFakeWithChanSize(len(next.events), false)
	for _, event := range next.events {
		w.Action(event.Type, event.Object)
	}
	w.Stop()
	return w, nil
}

func TestObject(t *testing.T) {
	errJudged := errors.New("not as wanted")
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, "cm", errors.New("no"))
	down := apierrors.NewServiceUnavailable("restarting")
	added := watch.Event{Type: watch.Added, Object: numbered("1")}
	modified := watch.Event{Type: watch.Modified, Object: numbered("2")}

	tests := map[string]struct {
		scenes   []scene
		until    string
		seeErr   error
		wantErr  error
		watches  int
		lostOnce bool
	}{
		"the present state is enough":                     {scenes: []scene{{events: []watch.Event{added}}}, until: "1", watches: 1},
		"a later state is waited for":                     {scenes: []scene{{events: []watch.Event{added, modified}}}, until: "2", watches: 1},
		"a closed watch is started anew":                  {scenes: []scene{{events: []watch.Event{added}}, {events: []watch.Event{modified}}}, until: "2", watches: 2},
		"a server that is down is asked again":            {scenes: []scene{{err: down}, {events: []watch.Event{modified}}}, until: "2", watches: 2, lostOnce: true},
		"a refusal of the first watch is final":           {scenes: []scene{{err: forbidden}}, until: "2", wantErr: forbidden, watches: 1},
		"a refusal later is not: the server may be young": {scenes: []scene{{events: []watch.Event{added}}, {err: forbidden}, {events: []watch.Event{modified}}}, until: "2", watches: 3, lostOnce: true},
		"deletion ends it":                                {scenes: []scene{{events: []watch.Event{added, {Type: watch.Deleted, Object: numbered("3")}}}}, until: "9", wantErr: ErrDeleted, watches: 1},
		"the judge's error ends it":                       {scenes: []scene{{events: []watch.Event{added}}}, seeErr: errJudged, wantErr: errJudged, watches: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server, lost := &script{scenes: tt.scenes}, 0
			err := Object(t.Context(), server.watch, "cm", func(cm *corev1.ConfigMap) (bool, error) {
				return cm.ResourceVersion == tt.until, tt.seeErr
			}, func(error) { lost++ })
			if !errors.Is(err, tt.wantErr) {
				t.Errorf("Object() = %v, want %v", err, tt.wantErr)
			}
			if len(server.asked) != tt.watches {
				t.Errorf("%d watches were started, want %d", len(server.asked), tt.watches)
			}
			if (lost > 0) != tt.lostOnce {
				t.Errorf("lost was called %d times", lost)
			}
			if got := server.asked[0].FieldSelector; got != "metadata.name=cm" {
				t.Errorf("watched with field selector %q", got)
			}
		})
	}
}

func TestObjectEndsWithTheCauseOfItsContext(t *testing.T) {
	errTired := errors.New("tired of waiting")
	ctx, cancel := context.WithCancelCause(t.Context())
	server := &script{scenes: []scene{{events: []watch.Event{{Type: watch.Added, Object: numbered("1")}}}}}
	err := Object(ctx, server.watch, "cm", func(*corev1.ConfigMap) (bool, error) {
		cancel(errTired)
		return false, nil
	}, nil)
	if !errors.Is(err, errTired) {
		t.Errorf("Object() = %v, want %v", err, errTired)
	}
}
