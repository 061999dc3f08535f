// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/klog/v2"
)

// What a client is told word for word is what it is told when the store is an etcd.
const (
	listExpired     = "The resourceVersion for the provided list is too old."
	watchExpired    = "The resourceVersion for the provided watch is too old."
	continueExpired = "The provided continue parameter is too old to display a consistent list result. You can start a new list " +
		"without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. " +
		"Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted " +
		"between the time the first chunk was returned and now may show up in the list."
)

// hubError makes of the hub's answer to this server an answer to this server's client. What the hub says of the record, or
// of this server's rights there, would mislead.
func hubError(err error) error {
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case storage.IsTooLargeResourceVersion(err), apierrors.IsTooManyRequests(err), apierrors.IsServiceUnavailable(err):
		return err
	case expired(err):
		return apierrors.NewResourceExpired(listExpired)
	case tooLarge(err):
		return apierrors.NewRequestEntityTooLargeError("the object does not fit into a record on the hub; make it smaller")
	case apierrors.IsNotFound(err):
		return storage.NewInternalError(fmt.Errorf("the hub has no %s.%s: apply its CustomResourceDefinition: %w", Resource, GroupVersion.Group, err))
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		return storage.NewInternalError(fmt.Errorf("the hub refuses this server its own records: apply the Role that goes with them: %w", err))
	case !isAnswer(err):
		return apierrors.NewServiceUnavailable(fmt.Sprintf("the hub, which has the objects, does not answer: %v", err))
	}
	return storage.NewInternalError(fmt.Errorf("the hub, which has the objects: %w", err))
}

// isAnswer tells what the hub says from what keeps it from saying anything.
func isAnswer(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status)
}

// tooLarge is said by the hub's kube-apiserver, or passed on by it from its etcd, for which there is no reason but in words.
func tooLarge(err error) bool {
	return apierrors.IsRequestEntityTooLargeError(err) ||
		strings.Contains(err.Error(), "request is too large") || strings.Contains(err.Error(), "message larger than max")
}

// isMissing tells a record that is not there from records that are not served.
func isMissing(err error) bool {
	var status apierrors.APIStatus
	return apierrors.IsNotFound(err) && errors.As(err, &status) && status.Status().Details != nil && status.Status().Details.Name != ""
}

// outdated is said of a write that was made from what is no longer so.
func outdated(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || isMissing(err)
}

func expired(err error) bool {
	return apierrors.IsResourceExpired(err) || apierrors.IsGone(err)
}

// continueError is what is said of a page whose revision the hub has forgotten: the rest can be had as it is now.
func continueError(continueKey, keyPrefix string) error {
	err := apierrors.NewResourceExpired(continueExpired)
	token, encodeErr := storage.EncodeContinue(continueKey, keyPrefix, -1)
	if encodeErr != nil {
		klog.ErrorS(encodeErr, "No token to go on with", "key", continueKey)
		return err
	}
	err.ErrStatus.ListMeta.Continue = token
	return err
}
