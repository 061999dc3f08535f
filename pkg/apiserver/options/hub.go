// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package options

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
)

const (
	// hubInterval is between two questions to a hub that does not answer, and hubTimeout how long one may take.
	hubInterval = 500 * time.Millisecond
	hubTimeout  = 5 * time.Second
)

// awaitHub returns when the hub's kube-apiserver answers. A server that ended because it does not would be started again
// after longer and longer pauses, and be missing when the hub is back.
func awaitHub(ctx context.Context, hub *rest.Config) error {
	client, err := kubernetes.NewForConfig(hub)
	if err != nil {
		return fmt.Errorf("creating a client of the hub: %w", err)
	}
	told := false
	err = wait.PollUntilContextCancel(ctx, hubInterval, true, func(ctx context.Context) (bool, error) {
		err := client.Discovery().RESTClient().Get().AbsPath("/readyz").Timeout(hubTimeout).MaxRetries(0).Do(ctx).Error()
		if answered(err) {
			return true, nil
		}
		if !told {
			klog.ErrorS(err, "The hub does not answer; waiting until it does", "server", hub.Host)
			told = true
		}
		return false, nil
	})
	if err != nil {
		return fmt.Errorf("waiting for the hub: %w", err)
	}
	return nil
}

// answered tells whether a kube-apiserver that works has said something, be it that it does not let us ask.
func answered(err error) bool {
	var status apierrors.APIStatus
	return err == nil || errors.As(err, &status) && status.Status().Code != 0 && status.Status().Code < http.StatusInternalServerError &&
		!apierrors.IsTooManyRequests(err)
}
