// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// cycle is one snapshot, of a consistency group or of a volume that is sent by itself, on its way. Two cycles never get mixed
// up: each has a key of its own, which both clusters derive, so that a destination takes nothing but what is of the cycle it
// waits for. Within a stream, of which the hub tells, cycles are numbered; so they go on while the hub is away.
type cycle struct {
	stream string
	number int64
}

func (c cycle) String() string { return fmt.Sprintf("%s.%d", c.stream, c.number) }

func (c cycle) next() cycle { return cycle{c.stream, c.number + 1} }

func parseCycle(text string) (cycle, bool) {
	stream, number, ok := strings.Cut(text, ".")
	n, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || stream == "" || n < 1 {
		return cycle{}, false
	}
	return cycle{stream, n}, true
}

// newStream is the first cycle of a stream that begins now.
func newStream(now time.Time) cycle { return cycle{strconv.FormatInt(now.UnixMilli(), 36), 1} }

// begun is when a stream was.
func begun(stream string) time.Time {
	millis, _ := strconv.ParseInt(stream, 36, 64)
	return time.UnixMilli(millis)
}

// sending is a cycle as the trigger of a ReplicationSource has it: with the point in time that its snapshot is of, or, where
// VolSync takes that itself, at which it was told to, and, of a final sync, which one it is.
type sending struct {
	cycle
	at    time.Time
	final string
}

func (s sending) String() string {
	text := fmt.Sprintf("%s@%s", s.cycle, s.at.UTC().Format(time.RFC3339))
	if s.final != "" {
		text += "/" + s.final
	}
	return text
}

func parseSending(text string) (sending, bool) {
	text, final, _ := strings.Cut(text, "/")
	name, at, ok := strings.Cut(text, "@")
	c, valid := parseCycle(name)
	t, err := time.Parse(time.RFC3339, at)
	return sending{c, t, final}, ok && valid && err == nil
}

// cycleKey is the name of the Secret with the key of a cycle.
func cycleKey(group types.NamespacedName, name string, c cycle) string {
	sum := sha256.Sum256([]byte(name + "/" + c.String()))
	return KeySecret(group) + "-" + hex.EncodeToString(sum[:6])
}

// deriveKey makes the key of a cycle from that of the VolumeReplicationGroup.
func deriveKey(key, name string, c cycle) string {
	mac := hmac.New(sha256.New, []byte(key))
	_, _ = mac.Write([]byte(name + "/" + c.String()))
	return hex.EncodeToString(mac.Sum(nil))
}

// copyName is the name of the claim that is made of a member's snapshot, for the time that it is sent.
func copyName(claim string, c cycle) string {
	const longest = 253
	sum := sha256.Sum256([]byte(claim + "/" + c.String()))
	hash := hex.EncodeToString(sum[:4])
	return strings.TrimRight(claim[:min(len(claim), longest-len(hash)-6)], "-.") + "-sync-" + hash
}
