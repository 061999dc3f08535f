// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package hubtoken keeps the token with which an agent signs in to the hub from running out.
package hubtoken

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
)

// Key of the Secret that holds the token. The kubeconfig beside it names it as its tokenFile.
const Key = "token"

const (
	// lifetime is how long a cluster may be away and still sign in to the hub when it returns, to be told that it is not
	// the primary any more. The hub admits no longer one; its kube-apiserver may give a shorter one.
	lifetime = 30 * 24 * time.Hour
	// interval is the longest time between two renewals.
	interval = 24 * time.Hour
	// patience is the time until a renewal that failed is tried again.
	patience = 30 * time.Second
)

// Keeper renews a token. The Secret that holds it is mounted where the agent reads it.
type Keeper struct {
	// Hub signs in with the token.
	Hub kubernetes.Interface
	// Account is the ServiceAccount on the hub.
	Account types.NamespacedName
	// Local is the agent's own cluster, and Secret is there.
	Local  kubernetes.Interface
	Secret types.NamespacedName
	Clock  clock.Clock
}

// Run renews the token at once and then again and again until ctx ends. The token that was issued when the cluster joined, which
// people have handled, is so out of use soon.
func (k *Keeper) Run(ctx context.Context) {
	logger := klog.FromContext(ctx)
	for {
		lasts, err := k.renew(ctx)
		after := next(lasts)
		if err != nil && ctx.Err() == nil {
			logger.Error(err, "The token for the hub is not renewed; trying again", "after", patience)
			after = patience
		}
		select {
		case <-ctx.Done():
			return
		case <-k.Clock.After(after):
		}
	}
}

// next is when a token is renewed that lasts so long: as kubelets do, when a fifth of its time is left, or after a day.
func next(lasts time.Duration) time.Duration {
	return min(lasts*4/5, interval)
}

// renew puts a new token into the Secret and returns how long it lasts. One that does not get there simply runs out.
func (k *Keeper) renew(ctx context.Context) (time.Duration, error) {
	seconds := int64(lifetime.Seconds())
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	issued, err := k.Hub.CoreV1().ServiceAccounts(k.Account.Namespace).CreateToken(ctx, k.Account.Name, request, metav1.CreateOptions{})
	if err != nil {
		return 0, fmt.Errorf("asking the hub for a token of ServiceAccount %s: %w", k.Account, err)
	}
	patch, err := json.Marshal(map[string]any{"data": map[string][]byte{Key: []byte(issued.Status.Token)}})
	if err != nil {
		return 0, err
	}
	_, err = k.Local.CoreV1().Secrets(k.Secret.Namespace).Patch(ctx, k.Secret.Name, types.MergePatchType, patch,
		metav1.PatchOptions{FieldManager: mark.Agent})
	if err != nil {
		return 0, fmt.Errorf("keeping the token in Secret %s: %w", k.Secret, err)
	}
	return issued.Status.ExpirationTimestamp.Sub(k.Clock.Now()), nil
}
