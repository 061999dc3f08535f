// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package framework

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
	"github.com/ramendr/dr-apiserver/test/storagesim/records"
)

// Records counts the records of the application.
func (a *App) Records() (*records.Report, error) {
	report, err := records.Read(a.Root.Run(), a.Namespace)
	if err == nil && len(report.Volumes) == 0 {
		err = fmt.Errorf("no record was ever acknowledged in %s", a.Namespace)
	}
	return report, err
}

// AwaitRecords waits until every volume has got records from a cluster since the call.
func (a *App) AwaitRecords(ctx context.Context, cluster string, timeout time.Duration) error {
	waiting, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	before, err := a.Records()
	if err != nil {
		return err
	}
	for {
		now, err := a.Records()
		if err != nil {
			return err
		}
		behind := notWritten(now, before, cluster)
		if len(behind) == 0 {
			return nil
		}
		select {
		case <-waiting.Done():
			return fmt.Errorf("waited %s for records from %s; there were none on %v", timeout, cluster, behind)
		case <-time.After(retryAfter):
		}
	}
}

// notWritten lists the volumes that have no more records from the cluster than before.
func notWritten(now, before *records.Report, cluster string) []string {
	had := map[string]int{}
	for _, volume := range before.Volumes {
		had[volume.Handle] = writtenBy(volume, cluster)
	}
	var behind []string
	for _, volume := range now.Volumes {
		if !volume.Deleted && writtenBy(volume, cluster) <= had[volume.Handle] {
			behind = append(behind, volume.Claim)
		}
	}
	return behind
}

func writtenBy(volume records.Volume, cluster string) int {
	count := 0
	for _, writer := range volume.Writers {
		if writer.Cluster == cluster {
			count += writer.Count
		}
	}
	return count
}

// LostOnlyAfter checks that every record that is lost was written after the sync point, and that no volume was replaced by
// an empty one.
func LostOnlyAfter(report *records.Report, syncPoint time.Time) error {
	var failures []error
	handles := map[string]string{}
	for _, volume := range report.Volumes {
		other, replaced := handles[volume.Claim]
		handles[volume.Claim] = volume.Handle
		switch {
		case replaced:
			failures = append(failures, fmt.Errorf("volume %s is %s and was %s before", volume.Claim, volume.Handle, other))
		case volume.Deleted:
			failures = append(failures, fmt.Errorf("volume %s was deleted", volume.Claim))
		case volume.Lost.Count > 0 && volume.Lost.FirstTime.Before(syncPoint):
			failures = append(failures, fmt.Errorf("volume %s lost %d records, the first of %s, before the sync point %s",
				volume.Claim, volume.Lost.Count, volume.Lost.FirstTime.Format(time.RFC3339Nano), syncPoint.Format(time.RFC3339Nano)))
		}
	}
	return errors.Join(failures...)
}

// NothingLostSince checks that no record is lost that was not lost before.
func NothingLostSince(report, before *records.Report) error {
	lost := map[string]int{}
	for _, volume := range before.Volumes {
		lost[volume.Handle] = volume.Lost.Count
	}
	var failures []error
	for _, volume := range report.Volumes {
		switch already, known := lost[volume.Handle]; {
		case !known:
			failures = append(failures, fmt.Errorf("volume %s was replaced by another one", volume.Claim))
		case volume.Deleted:
			failures = append(failures, fmt.Errorf("volume %s was deleted", volume.Claim))
		case volume.Lost.Count > already:
			failures = append(failures, fmt.Errorf("volume %s lost %d records, the last of %s; before it had lost %d",
				volume.Claim, volume.Lost.Count, volume.Lost.LastTime.Format(time.RFC3339Nano), already))
		}
	}
	return errors.Join(failures...)
}

// NeverTwoWriters checks that at no time two clusters wrote.
func NeverTwoWriters(report *records.Report) error {
	var failures []error
	for _, volume := range report.Volumes {
		for _, overlap := range volume.Overlaps {
			failures = append(failures, fmt.Errorf("volume %s was written by %v in generations %v at once, from %s to %s",
				volume.Claim, overlap.Clusters, overlap.Generations, overlap.FirstTime, overlap.LastTime))
		}
	}
	return errors.Join(failures...)
}

// Since is a report without the losses that an earlier one tells of: what one action lost, of an application that was moved before.
func Since(report, before *records.Report) *records.Report {
	known := map[string]map[layout.Key]bool{}
	for _, volume := range before.Volumes {
		known[volume.Handle] = map[layout.Key]bool{}
		for _, r := range volume.Lost.Records {
			known[volume.Handle][r.Key()] = true
		}
	}
	since := *report
	since.Volumes, since.Lost = slices.Clone(report.Volumes), 0
	for i := range since.Volumes {
		volume := &since.Volumes[i]
		loss := records.Loss{}
		for _, r := range volume.Lost.Records {
			if known[volume.Handle][r.Key()] {
				continue
			}
			loss.Count++
			loss.Records = append(loss.Records, r)
			if loss.FirstTime == nil || r.Time.Before(*loss.FirstTime) {
				loss.FirstTime = &r.Time
			}
			if loss.LastTime == nil || r.Time.After(*loss.LastTime) {
				loss.LastTime = &r.Time
			}
		}
		volume.Lost = loss
		since.Lost += loss.Count
	}
	return &since
}
