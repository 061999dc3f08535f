// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubectl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// notAccepted says why a request was not accepted and ends the program accordingly.
func (o *options) notAccepted(ctx context.Context, s *session, verb, drpc string, err error) error {
	printRefusal(o.ErrOut, fmt.Sprintf("%s of %s/%s", verb, s.namespace, drpc), lookCommand(s.namespace, drpc), err)
	return &exitError{code: exitCodeOf(ctx), cause: err.Error()}
}

// printRefusal prints why a request was not accepted, in the server's own words. Where the server did not refuse but failed
// to answer, the request may have been accepted, and it says so.
func printRefusal(out io.Writer, what, lookAgain string, err error) {
	var answer apierrors.APIStatus
	switch answered := errors.As(err, &answer); {
	case !answered && neverAsked(err):
		fmt.Fprintf(out, "%s could not be asked for; nothing was changed: %v\n", what, err)
		return
	case !answered || !isRefusal(answer.Status()):
		fmt.Fprintf(out, "%s: no clear answer: %v\n", what, err)
		fmt.Fprintf(out, "It may have been accepted all the same. Look with:\n  %s\n", lookAgain)
		return
	}
	fmt.Fprintf(out, "%s refused; nothing was changed\n", what)
	status := answer.Status()
	if status.Details == nil || len(status.Details.Causes) == 0 {
		fmt.Fprintf(out, "  %s %s: %s\n", markBad, status.Reason, status.Message)
		return
	}
	for _, cause := range status.Details.Causes {
		fmt.Fprintf(out, "  %s %s: %s\n", markBad, causeName(cause), cause.Message)
	}
}

// isRefusal tells "no" from "I could not": only after the first is it certain that nothing was changed.
func isRefusal(status metav1.Status) bool {
	return status.Code >= http.StatusBadRequest && status.Code < http.StatusInternalServerError && status.Code != http.StatusRequestTimeout
}

// neverAsked reports whether no connection came about at all.
func neverAsked(err error) bool {
	var failed *net.OpError
	return errors.As(err, &failed) && failed.Op == "dial"
}

func causeName(cause metav1.StatusCause) string {
	if cause.Field != "" {
		return fmt.Sprintf("%s (%s)", cause.Type, cause.Field)
	}
	return string(cause.Type)
}
