// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	drclient "github.com/ramendr/dr-apiserver/pkg/generated/clientset/versioned/typed/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

const (
	// probed is a DRPolicy that nobody uses; the prober counts up in its annotation.
	probed     = "chaos"
	annotation = "chaos/number"
	probePause = 200 * time.Millisecond
)

// prober finds out whether the API keeps what it acknowledges and tells its watchers of it.
type prober struct {
	policies drclient.DRPolicyInterface
	history  *History
}

func newProber(ctx context.Context, p *framework.Playground, history *History) (*prober, error) {
	policy := &v1alpha1.DRPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: probed, Annotations: map[string]string{annotation: "0"}},
		Spec:       v1alpha1.DRPolicySpec{DRClusters: []string{framework.DR1, framework.DR2}, SchedulingInterval: "1h"},
	}
	policies := p.Hub.DR.DrV1alpha1().DRPolicies()
	_, err := policies.Create(ctx, policy, metav1.CreateOptions{})
	return &prober{policies: policies, history: history}, err
}

// write counts up. It writes only over what it has read, so that a request of which nothing was heard in time can't take
// effect after a later one.
func (p *prober) write(ctx context.Context) {
	for number := int64(1); ctx.Err() == nil; number++ {
		request, cancel := context.WithTimeout(ctx, answerTimeout)
		if policy := p.read(request); policy != nil {
			number = max(number, numberOf(policy)+1)
			patch := fmt.Appendf(nil, `{"metadata":{"resourceVersion":%q,"annotations":{%q:"%d"}}}`, policy.ResourceVersion, annotation, number)
			began := time.Now()
			_, err := p.policies.Patch(request, probed, types.MergePatchType, patch, metav1.PatchOptions{})
			entry := Entry{Kind: KindWrite, Began: &began, What: "write", Number: number, Answer: answer(err)}
			if err != nil {
				entry.Error = err.Error()
			}
			p.history.Add(entry)
		}
		cancel()
		pause(ctx, probePause)
	}
}

func (p *prober) read(ctx context.Context) *v1alpha1.DRPolicy {
	began := time.Now()
	policy, err := p.policies.Get(ctx, probed, metav1.GetOptions{})
	if err != nil {
		return nil
	}
	p.history.Add(Entry{Kind: KindRead, Began: &began, What: "read", Number: numberOf(policy)})
	return policy
}

// follow watches; a watch that ends is resumed where it ended, which makes of both one.
func (p *prober) follow(ctx context.Context) {
	for session := 0; ctx.Err() == nil; session++ {
		policy, err := p.policies.Get(ctx, probed, metav1.GetOptions{})
		if err != nil {
			pause(ctx, probePause)
			continue
		}
		p.resume(ctx, policy.ResourceVersion, session)
	}
}

// resume watches from a version on until that is too old.
func (p *prober) resume(ctx context.Context, version string, session int) {
	only := fields.OneTermEqualSelector("metadata.name", probed).String()
	for ctx.Err() == nil {
		watcher, err := p.policies.Watch(ctx, metav1.ListOptions{
			ResourceVersion: version, FieldSelector: only, AllowWatchBookmarks: true,
		})
		if err != nil {
			if answer(err) == Refused {
				return
			}
			pause(ctx, probePause)
			continue
		}
		for event := range watcher.ResultChan() {
			policy, ok := event.Object.(*v1alpha1.DRPolicy)
			if !ok {
				watcher.Stop()
				return
			}
			version = policy.ResourceVersion
			if event.Type == watch.Modified {
				p.history.Add(Entry{Kind: KindSeen, What: "seen", Number: numberOf(policy), Session: session})
			}
		}
	}
}

func numberOf(policy *v1alpha1.DRPolicy) int64 {
	number, _ := strconv.ParseInt(policy.Annotations[annotation], 10, 64)
	return number
}
