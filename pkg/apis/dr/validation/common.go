// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
)

// MinCaptureInterval is the shortest time between two captures that may be asked for.
const MinCaptureInterval = 10 * time.Second

var schedulingInterval = regexp.MustCompile(`^\d+[mhd]$`)

// validateSchedulingInterval accepts a positive number of minutes, hours or days.
func validateSchedulingInterval(interval string, path *field.Path) field.ErrorList {
	switch {
	case !schedulingInterval.MatchString(interval):
		return field.ErrorList{field.Invalid(path, interval, "write a number followed by m, h or d, such as 5m")}
	case strings.Trim(interval, "0mhd") == "":
		return field.ErrorList{field.Invalid(path, interval, "an interval is longer than nothing; write at least 1m")}
	default:
		return nil
	}
}

func validateSelector(selector *metav1.LabelSelector, path *field.Path) field.ErrorList {
	return metav1validation.ValidateLabelSelector(selector, metav1validation.LabelSelectorValidationOptions{}, path)
}

func validateKubeObjectProtection(protection *dr.KubeObjectProtection, path *field.Path) field.ErrorList {
	if protection == nil {
		return nil
	}
	errs := validateSelector(protection.KubeObjectSelector, path.Child("kubeObjectSelector"))
	if interval := protection.CaptureInterval; interval != nil && interval.Duration < MinCaptureInterval {
		errs = append(errs, field.Invalid(path.Child("captureInterval"), interval.Duration.String(),
			fmt.Sprintf("captures can't be taken more often than every %s; write %[1]s or more", MinCaptureInterval)))
	}
	return errs
}

func epochNotBelow(epoch, old int64, path *field.Path) field.ErrorList {
	if epoch >= old {
		return nil
	}
	return field.ErrorList{field.Invalid(path, epoch,
		fmt.Sprintf("an epoch never decreases and this one was %d: agents would refuse the command; read the object again", old))}
}
