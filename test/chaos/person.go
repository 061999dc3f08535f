// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

const (
	// answerTimeout is how long a person waits for an answer.
	answerTimeout = 10 * time.Second
	// attempts at a request that is not known to have been accepted or refused.
	attempts = 3
)

// person asks for things, and asks again under the same name where there was no answer.
type person struct {
	apps    []*framework.App
	history *History
}

// do does what the event says.
func (p *person) do(ctx context.Context, e Event) {
	app := p.apps[e.App]
	if e.Verb == Recreate {
		p.recreate(ctx, app, e)
		return
	}
	entry := Entry{Kind: KindRequest, Event: e.Name, App: app.Namespace, What: e.String()}
	for range attempts {
		began := time.Now()
		entry.Began, entry.Time = &began, time.Time{}
		action, err := p.ask(ctx, app, e)
		entry.Answer, entry.Error, entry.Action = answer(err), "", nil
		if err != nil {
			entry.Error = err.Error()
		}
		switch {
		case e.Verb == DryRun:
		case err == nil:
			entry.Action = &Action{Name: action.Name}
		case e.Verb != Abort:
			entry.Action = &Action{Name: e.Name}
		}
		p.history.Add(entry)
		if entry.Answer != Unknown || ctx.Err() != nil {
			return
		}
	}
}

// ask makes one request, for the cluster on which the application does not run, as far as one can see.
func (p *person) ask(ctx context.Context, app *framework.App, e Event) (*v1alpha1.DRAction, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	if e.Verb == Abort {
		return app.Abort(ctx)
	}
	placement, err := app.Get(ctx)
	if err != nil {
		return nil, err
	}
	spec := v1alpha1.DRActionSpec{TargetCluster: framework.Other(placement.Status.PrimaryCluster), Reason: "chaos"}
	if e.Verb == Relocate {
		return app.Relocate(ctx, spec, framework.Named(e.Name))
	}
	spec.Force = true
	if e.Acknowledge {
		spec.Acknowledgements = []v1alpha1.Acknowledgement{v1alpha1.AckSourceMayStillWrite}
	}
	if e.Verb == DryRun {
		return app.Failover(ctx, spec, framework.DryRun)
	}
	return app.Failover(ctx, spec, framework.Named(e.Name))
}

// answer tells what an error says: the server's no is one, everything else leaves open what has become of the request.
func answer(err error) Answer {
	var status apierrors.APIStatus
	switch {
	case err == nil:
		return Accepted
	case !errors.As(err, &status):
		return Unknown
	case status.Status().Code >= 500 || apierrors.IsTooManyRequests(err):
		return Unknown
	default:
		return Refused
	}
}

// recreate deletes the placement and creates it again once it is gone, however long that takes.
func (p *person) recreate(ctx context.Context, app *framework.App, e Event) {
	for asked := false; !asked && ctx.Err() == nil; {
		asked = p.delete(ctx, app, e)
	}
	err := framework.AwaitGone(ctx, app.Placements(), app.Name, settleTimeout)
	where := ""
	if err == nil {
		where, err = runsOn(ctx, app)
	}
	if err != nil {
		p.history.Add(Entry{Kind: KindNote, App: app.Namespace, What: "the placement was not created again", Error: err.Error()})
		return
	}
	p.create(ctx, app, where)
}

// delete asks once and tells whether it was answered: the placement is going, or gone.
func (p *person) delete(ctx context.Context, app *framework.App, e Event) bool {
	request, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	began := time.Now()
	err := app.Placements().Delete(request, app.Name, metav1.DeleteOptions{})
	entry := Entry{Kind: KindRequest, Event: e.Name, App: app.Namespace, What: e.String(), Began: &began, Answer: answer(err)}
	if err != nil {
		entry.Error = err.Error()
	}
	p.history.Add(entry)
	if entry.Answer == Unknown {
		pause(ctx, time.Second)
	}
	return entry.Answer != Unknown
}

// runsOn looks where the application runs: an action may have moved it while the placement waited for being deleted.
func runsOn(ctx context.Context, app *framework.App) (string, error) {
	for ctx.Err() == nil {
		var running []string
		for _, cluster := range clusters {
			set, err := app.Managed[cluster].Kube.AppsV1().StatefulSets(app.Namespace).Get(ctx, app.Namespace, metav1.GetOptions{})
			if err != nil && !apierrors.IsNotFound(err) {
				running = nil
				break
			}
			if err == nil && set.Spec.Replicas != nil && *set.Spec.Replicas > 0 {
				running = append(running, cluster)
			}
		}
		if len(running) == 1 {
			return running[0], nil
		}
		pause(ctx, time.Second)
	}
	return "", ctx.Err()
}

// create protects the application where it runs, asking until there is an answer.
func (p *person) create(ctx context.Context, app *framework.App, primary string) {
	for ctx.Err() == nil {
		err := app.ProtectOn(ctx, primary)
		if err == nil || apierrors.IsAlreadyExists(err) {
			p.history.Add(Entry{Kind: KindNote, App: app.Namespace, What: "protected on " + primary})
			return
		}
		pause(ctx, time.Second)
	}
}

// advice is how a condition tells what to do about a claim in the way.
var advice = regexp.MustCompile(`\(on (\S+): kubectl delete pvc -n (\S+) (\S+)\)`)

// obey does what the placement's conditions say that a person has to do, as long as ctx lasts.
func obey(ctx context.Context, app *framework.App, history *History) {
	for ; ctx.Err() == nil; pause(ctx, 2*time.Second) {
		placement, err := app.Get(ctx)
		if err != nil {
			continue
		}
		for _, c := range placement.Status.Conditions {
			for _, words := range advice.FindAllStringSubmatch(c.Message, -1) {
				cluster, namespace, claim := words[1], words[2], words[3]
				if app.Managed[cluster] == nil {
					continue
				}
				err := app.Managed[cluster].Kube.CoreV1().PersistentVolumeClaims(namespace).Delete(ctx, claim, metav1.DeleteOptions{})
				if err == nil {
					history.Add(Entry{Kind: KindNote, App: app.Namespace, What: fmt.Sprintf("deleted claim %s on %s, as condition %s said", claim, cluster, c.Type)})
				}
			}
		}
	}
}
