// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package framework

import (
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Refused checks that the error is a server's refusal with the code and with a cause of each of the types, with a message;
// further causes may be there.
func Refused(err error, code int32, causes ...string) error {
	status, err := refusal(err, code)
	if err != nil {
		return err
	}
	for _, cause := range causes {
		if !slices.ContainsFunc(Causes(status), func(c metav1.StatusCause) bool {
			return string(c.Type) == cause && c.Message != ""
		}) {
			return fmt.Errorf("the refusal has no cause %s with a message, but %+v", cause, Causes(status))
		}
	}
	return nil
}

// RefusedOnly checks that the error is a server's refusal with the code and with causes of exactly the types.
func RefusedOnly(err error, code int32, causes ...string) error {
	if wrong := Refused(err, code, causes...); wrong != nil {
		return wrong
	}
	status, _ := refusal(err, code)
	for _, cause := range Causes(status) {
		if !slices.Contains(causes, string(cause.Type)) {
			return fmt.Errorf("the refusal has the cause %s besides: %s", cause.Type, cause.Message)
		}
	}
	return nil
}

// Causes are the causes in a Status.
func Causes(status metav1.Status) []metav1.StatusCause {
	if status.Details == nil {
		return nil
	}
	return status.Details.Causes
}

func refusal(err error, code int32) (metav1.Status, error) {
	if err == nil {
		return metav1.Status{}, errors.New("the request was accepted, not refused")
	}
	var answer apierrors.APIStatus
	if !errors.As(err, &answer) {
		return metav1.Status{}, fmt.Errorf("no refusal by the server: %w", err)
	}
	status := answer.Status()
	if status.Code != code {
		return status, fmt.Errorf("refused with code %d instead of %d: %w", status.Code, code, err)
	}
	return status, nil
}
