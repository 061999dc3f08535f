// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	"k8s.io/utils/ptr"
)

// annotationCost says on sources what the cycle took that annotationSynced names.
const annotationCost = "dr.ramen.io/synced-cost"

// cost is what it took to send a cycle; nothing of what is not known.
type cost struct {
	took  time.Duration
	bytes *int64
}

// String is a cost as it is noted on sources.
func (c cost) String() string {
	if c.bytes == nil {
		return c.took.String()
	}
	return c.took.String() + " " + strconv.FormatInt(*c.bytes, 10)
}

func parseCost(text string) cost {
	text, bytes, _ := strings.Cut(text, " ")
	var c cost
	c.took, _ = time.ParseDuration(text)
	if n, err := strconv.ParseInt(bytes, 10, 64); err == nil {
		c.bytes = ptr.To(n)
	}
	return c
}

// costOf is that of a cycle which all sources have sent: from its snapshot until the last was sent.
func costOf(sources map[string]*volsyncv1alpha1.ReplicationSource, last sending) cost {
	var c cost
	for _, rs := range sources {
		if ended := rs.Status.LastSyncTime; ended != nil {
			c.took = max(c.took, ended.Sub(last.at))
		}
		if n := sentBytes(rs.Status.LatestMoverStatus); n != nil {
			c.bytes = ptr.To(ptr.Deref(c.bytes, 0) + *n)
		}
	}
	return c
}

// rsyncSent is how rsync sums up what it sent: in digits that come in groups, as the mover's locale has them, or, as VolSync asks
// for it, from a thousand bytes on in units of which there is a fraction.
var rsyncSent = regexp.MustCompile(`(?m)^\s*sent ([\d.,]+)([KMGTP]?) bytes`)

// sentBytes is how much a mover says that it sent, in one go or in several; nil if it does not say.
func sentBytes(mover *volsyncv1alpha1.MoverStatus) *int64 {
	if mover == nil || mover.Result != volsyncv1alpha1.MoverResultSuccessful {
		return nil
	}
	var sum *int64
	for _, match := range rsyncSent.FindAllStringSubmatch(mover.Logs, -1) {
		if n, err := rsyncNumber(match[1], match[2]); err == nil {
			sum = ptr.To(ptr.Deref(sum, 0) + n)
		}
	}
	return sum
}

// rsyncNumber reads 1,234 and 1.23K, which is as exact as it gets.
func rsyncNumber(digits, unit string) (int64, error) {
	if unit == "" {
		return strconv.ParseInt(strings.NewReplacer(",", "", ".", "").Replace(digits), 10, 64)
	}
	n, err := strconv.ParseFloat(strings.ReplaceAll(digits, ",", "."), 64)
	for range strings.Index("KMGTP", unit) + 1 {
		n *= 1000
	}
	return int64(math.Round(n)), err
}
