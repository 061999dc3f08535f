// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package base

import (
	"time"

	"github.com/dustin/go-humanize"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
)

// HumanDuration is a duration as people write it, or None.
func HumanDuration(d *metav1.Duration) string {
	if d == nil {
		return None
	}
	return duration.HumanDuration(d.Duration)
}

// Took is a duration, more exactly than HumanDuration has it if it is short: many syncs take less than a second.
func Took(d *metav1.Duration) string {
	switch {
	case d == nil:
		return None
	case d.Duration < time.Minute:
		return d.Round(time.Millisecond).String()
	default:
		return duration.HumanDuration(d.Duration)
	}
}

// Bytes is a size as people write it, or None.
func Bytes(n *int64) string {
	if n == nil || *n < 0 {
		return None
	}
	return humanize.IBytes(uint64(*n))
}
