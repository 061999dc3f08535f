// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"reflect"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/ramendr/dr-apiserver/pkg/action"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// followActions writes into the history what the records of the applications' actions say, whenever it changes.
func followActions(ctx context.Context, p *framework.Playground, apps map[string]bool, history *History, restored func(app string, a *v1alpha1.DRAction)) {
	client := p.Hub.DR.DrV1alpha1().DRActions(metav1.NamespaceAll)
	note := func(a *v1alpha1.DRAction, deleted bool) {
		if !apps[a.Namespace] {
			return
		}
		entry := describe(a)
		entry.Deleted = deleted
		history.Add(Entry{Kind: KindAction, App: a.Namespace, What: a.Name, Action: entry})
		restored(a.Namespace, a)
	}
	for ctx.Err() == nil {
		list, err := client.List(ctx, metav1.ListOptions{})
		if err != nil {
			pause(ctx, 300*time.Millisecond)
			continue
		}
		for i := range list.Items {
			note(&list.Items[i], false)
		}
		watcher, err := client.Watch(ctx, metav1.ListOptions{ResourceVersion: list.ResourceVersion})
		if err != nil {
			pause(ctx, 300*time.Millisecond)
			continue
		}
		for event := range watcher.ResultChan() {
			if a, ok := event.Object.(*v1alpha1.DRAction); ok {
				note(a, event.Type == watch.Deleted)
			}
		}
	}
}

// followGroups writes into the history what the applications' groups confirm, whenever it changes.
func followGroups(ctx context.Context, p *framework.Playground, apps map[string]bool, history *History) {
	client := p.Hub.DR.DrV1alpha1().VolumeReplicationGroups(metav1.NamespaceAll)
	last := map[string]Group{}
	note := func(g *v1alpha1.VolumeReplicationGroup, always bool) {
		if entry := describeGroup(g); apps[g.Namespace] && (always || !reflect.DeepEqual(last[entry.UID], entry)) {
			last[entry.UID] = entry
			entry.Version, _ = strconv.ParseInt(g.ResourceVersion, 10, 64)
			history.Add(Entry{Kind: KindGroup, App: g.Namespace, What: g.Name, Group: &entry})
		}
	}
	for ctx.Err() == nil {
		list, err := client.List(ctx, metav1.ListOptions{})
		if err != nil {
			pause(ctx, 300*time.Millisecond)
			continue
		}
		for i := range list.Items {
			note(&list.Items[i], true)
		}
		watcher, err := client.Watch(ctx, metav1.ListOptions{ResourceVersion: list.ResourceVersion})
		if err != nil {
			pause(ctx, 300*time.Millisecond)
			continue
		}
		for event := range watcher.ResultChan() {
			if g, ok := event.Object.(*v1alpha1.VolumeReplicationGroup); ok {
				note(g, event.Type == watch.Deleted)
			}
		}
	}
}

func describeGroup(g *v1alpha1.VolumeReplicationGroup) Group {
	entry := Group{UID: string(g.UID), Cluster: g.Spec.ClusterName, Epoch: g.Status.Epoch}
	if g.Status.Epoch == g.Spec.Epoch && g.Status.ObservedGeneration == g.Generation {
		entry.State = string(g.Status.State)
	}
	for _, row := range g.Status.ProtectedPVCs {
		if row.LastSyncTime != nil {
			if entry.Synced == nil {
				entry.Synced = map[string]time.Time{}
			}
			entry.Synced[row.Name] = row.LastSyncTime.Time
		}
	}
	return entry
}

func describe(a *v1alpha1.DRAction) *Action {
	d := &Action{
		Name: a.Name, UID: string(a.UID), Type: string(a.Spec.Type), Source: a.Spec.SourceCluster, Target: a.Spec.TargetCluster,
		AcceptedAt: moment(a.Status.AcceptedTime), CompletedAt: moment(a.Status.CompletionTime),
	}
	for _, ack := range a.Spec.Acknowledgements {
		d.Acknowledged = d.Acknowledged || ack == v1alpha1.AckSourceMayStillWrite
	}
	if window := a.Status.DataLossWindow; window != nil && !window.SyncPoint.IsZero() {
		d.SyncPoint = &window.SyncPoint.Time
	}
	record := v1alpha1.ActionRecord{Status: a.Status}
	if step := action.Step(&record, v1alpha1.StepPromote); step != nil {
		d.Promoting, d.Message = step.State == v1alpha1.StepRunning || step.State == v1alpha1.StepDone, step.Message
	}
	if c := meta.FindStatusCondition(a.Status.Conditions, v1alpha1.ConditionComplete); c != nil && c.Status == metav1.ConditionTrue {
		d.Ended, d.Message = c.Reason, c.Message
	}
	return d
}

func moment(t *metav1.MicroTime) *time.Time {
	if t == nil {
		return nil
	}
	return &t.Time
}
