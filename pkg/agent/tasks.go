// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"time"

	"k8s.io/klog/v2"

	"github.com/ramendr/dr-apiserver/pkg/agent/capture"
)

// startTasks begins what takes longer than a look at a group should: what waits for object stores or makes many
// requests. What became of it is remembered and the group looked at again.
func (a *Agent) startTasks(f *Facts, m *memory, d *Decision) {
	m.lock.Lock()
	defer m.lock.Unlock()
	if d.Wait && !m.queued {
		m.queued = true
		go a.takeTurn(m.ctx, f, m)
	}
	switch {
	case d.RestoreVolumes && !m.restore.Running:
		m.restore.Running = true
		go a.restoreVolumes(m.ctx, f, m)
	case d.RestoreObjects && !m.restore.Running:
		m.restore.Running = true
		go a.restoreObjects(m.ctx, f, m)
	}
	if d.Remember && !m.listing {
		m.listing = true
		go a.remember(m.ctx, f, m)
	}
	if d.Capture && !m.capture.Running {
		m.capture.Running = true
		go a.takeCapture(m.ctx, f, m, d.Quiesced)
	}
	if d.Clear && !m.clearing {
		m.clearing = true
		go a.clearCaptures(f, m)
	}
}

func (a *Agent) takeTurn(ctx context.Context, f *Facts, m *memory) {
	end, err := a.roles.take(ctx)
	if err != nil {
		return
	}
	m.lock.Lock()
	if ctx.Err() == nil {
		m.turn, m.endTurn = true, end
	}
	m.lock.Unlock()
	a.enqueue(f.Key)
}

// remember lists the application's objects on a cluster that ceases to be primary.
func (a *Agent) remember(ctx context.Context, f *Facts, m *memory) {
	collected, err := a.collect(ctx, f)
	m.lock.Lock()
	m.listing = false
	if err == nil && ctx.Err() == nil {
		m.stop.Listed, m.stop.Remembered = true, collected.UIDs
	}
	m.lock.Unlock()
	if err != nil {
		klog.FromContext(ctx).Info("The application's objects can't be listed; trying again", "volumeReplicationGroup", f.Key, "reason", err.Error())
		a.queue.AddAfter(f.Key, 10*time.Second)
		return
	}
	a.enqueue(f.Key)
}

func (a *Agent) collect(ctx context.Context, f *Facts) (*capture.Collected, error) {
	selector, err := objectSelector(f)
	if err != nil {
		return nil, err
	}
	return a.collector.Collect(ctx, f.Key.Namespace, selector)
}
