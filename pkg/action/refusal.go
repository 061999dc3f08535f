// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package action

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// fieldsOfChecks are the fields of the request that a failed check is about.
var fieldsOfChecks = map[string]string{
	CheckTargetKnown:      "spec.targetCluster",
	CheckTargetNotCurrent: "spec.targetCluster",
	CheckTargetNotFenced:  "spec.targetCluster",
	CheckVolumesProtected: "spec.force",
	CheckLeaveBehindKnown: "spec.leaveBehind",
	CheckSourceUnhealthy:  "spec.force",
	CheckCopyFresh:        "spec.force",
	CheckSourceStopped:    "spec.acknowledgements",
}

// wrongByItself are the checks that a request fails because of what it says, however things stand.
var wrongByItself = []string{CheckTargetKnown, CheckTargetNotCurrent, CheckLeaveBehindKnown}

// Refusal is the answer to a request that a check stands against, with one cause per failed check; nil if none does.
// The code is 422 where the target itself, or a name in the request, is wrong and 409 where the state of things stands against the action, as it
// does, whatever the target, while another one is under way.
func Refusal(record v1alpha1.ActionRecord) *apierrors.StatusError {
	var code int32 = http.StatusConflict
	var causes []metav1.StatusCause
	var found []string
	for _, check := range record.Status.Checks {
		if check.Result != v1alpha1.CheckFailed {
			continue
		}
		if slices.Contains(wrongByItself, check.Name) {
			code = http.StatusUnprocessableEntity
		}
		causes = append(causes, metav1.StatusCause{
			Type: metav1.CauseType(check.Name), Message: check.Message, Field: fieldsOfChecks[check.Name],
		})
		found = append(found, fmt.Sprintf("%s: %s", check.Name, check.Message))
	}
	if len(causes) == 0 {
		return nil
	}
	message := fmt.Sprintf("%s of %s", lower(record.Spec.Type), record.Spec.DRPlacementControl)
	if record.Spec.TargetCluster != "" {
		message += " to " + record.Spec.TargetCluster
	}
	if slices.ContainsFunc(causes, func(c metav1.StatusCause) bool { return c.Type == CheckNoActionInProgress }) {
		code = http.StatusConflict
	}
	return statusError(code, record.Spec.DRPlacementControl,
		message+" is refused, nothing was changed: "+strings.Join(found, "; "), causes)
}
