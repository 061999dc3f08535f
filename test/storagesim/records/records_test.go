// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package records

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

const second = time.Second

// run is a stretch of records that one cluster wrote, one per second.
type run struct {
	cluster    string
	generation int64
	first      int64
	count      int64
	start      time.Duration
}

func (r run) records() []layout.Record {
	var records []layout.Record
	for i := range r.count {
		records = append(records, layout.Record{
			Seq: r.first + i, Time: epoch.Add(r.start + time.Duration(i)*second), Cluster: r.cluster, Generation: r.generation, Pod: "pod",
		})
	}
	return records
}

func all(runs ...run) []layout.Record {
	var records []layout.Record
	for _, r := range runs {
		records = append(records, r.records()...)
	}
	return records
}

// copyOf is a cluster's copy.
type copyOf struct {
	role         layout.Role
	generation   int64
	supersededBy int64
	holds        []layout.Record
	// garbage is left behind the bytes that count.
	garbage string
}

type world struct {
	acks   []layout.Record
	copies map[string]copyOf
}

func (w world) write(t *testing.T) (runDir string) {
	t.Helper()
	runDir = t.TempDir()
	acks := lines(t, w.acks, "pvc-1", "\n") + `{"seq":99,"ti`
	put(t, layout.AckPath(filepath.Join(runDir, ackDir), layout.Claim{Namespace: "shop", Name: "data"}), acks)
	put(t, layout.AckPath(filepath.Join(runDir, ackDir), layout.Claim{Namespace: "other", Name: "data"}), acks)
	for cluster, c := range w.copies {
		dir := filepath.Join(runDir, cluster, volumesDir)
		content := lines(t, c.holds, "", "")
		m := &layout.Meta{
			Handle: "pvc-1", Role: c.role, Generation: c.generation, SupersededBy: c.supersededBy, Content: "content-1",
			Size: int64(len(content)),
		}
		put(t, layout.RecordsPath(dir, m), content+c.garbage)
		if err := layout.WriteMeta(dir, m, false); err != nil {
			t.Fatal(err)
		}
	}
	return runDir
}

func lines(t *testing.T, records []layout.Record, volume, before string) string {
	t.Helper()
	out := ""
	for _, r := range records {
		r.Volume = volume
		line, err := r.Line()
		if err != nil {
			t.Fatal(err)
		}
		out += before + string(line)
	}
	return out
}

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestRead(t *testing.T) {
	before := run{cluster: "dr1", generation: 1, first: 1, count: 100}
	kept := run{cluster: "dr1", generation: 1, first: 1, count: 90}
	after := run{cluster: "dr2", generation: 2, first: 91, count: 50, start: 200 * second}
	back := run{cluster: "dr1", generation: 3, first: 141, count: 10, start: 300 * second}
	late := run{cluster: "dr1", generation: 1, first: 101, count: 1, start: 210 * second}

	for name, c := range map[string]struct {
		world
		primary      string
		acknowledged int
		lost         int
		lostFrom     time.Duration
		lostTo       time.Duration
		surviving    map[string]int
		overlaps     []string
	}{
		"an application that runs where it began loses nothing": {
			world: world{acks: all(before), copies: map[string]copyOf{
				"dr1": {role: layout.Primary, generation: 1, holds: all(before)},
				"dr2": {role: layout.Secondary, generation: 1, holds: all(kept), garbage: lines(t, all(before), "", "")},
			}},
			primary: "dr1", acknowledged: 100, surviving: map[string]int{"dr1": 100, "dr2": 90},
		},
		"a failover loses what was not synced, though numbers are used again": {
			world: world{acks: all(before, after), copies: map[string]copyOf{
				"dr1": {role: layout.Primary, generation: 1, holds: all(before)},
				"dr2": {role: layout.Primary, generation: 2, holds: all(kept, after)},
			}},
			primary: "dr2", acknowledged: 150, lost: 10, lostFrom: 90 * second, lostTo: 99 * second,
			surviving: map[string]int{"dr1": 100, "dr2": 140},
		},
		"a relocate back adds no loss": {
			world: world{acks: all(before, after, back), copies: map[string]copyOf{
				"dr1": {role: layout.Primary, generation: 3, holds: all(kept, after, back)},
				"dr2": {role: layout.Secondary, generation: 2, holds: all(kept, after)},
			}},
			primary: "dr1", acknowledged: 160, lost: 10, lostFrom: 90 * second, lostTo: 99 * second,
			surviving: map[string]int{"dr1": 150, "dr2": 140},
		},
		"one record of an old primary after the new one began is a double write": {
			world: world{acks: all(before, after, late), copies: map[string]copyOf{
				"dr1": {role: layout.Primary, generation: 1, supersededBy: 2, holds: all(before, late)},
				"dr2": {role: layout.Primary, generation: 2, holds: all(kept, after)},
			}},
			primary: "dr2", acknowledged: 151, lost: 11, lostFrom: 90 * second, lostTo: 210 * second,
			surviving: map[string]int{"dr1": 101, "dr2": 140}, overlaps: []string{"dr1@1 dr2@2 3m20s-3m30s: 12"},
		},
		"two writers of the same generation are a double write": {
			world: world{
				acks: all(before, run{cluster: "dr2", generation: 1, first: 50, count: 10, start: 50 * second}),
				copies: map[string]copyOf{
					"dr1": {role: layout.Primary, generation: 1, holds: all(before)},
				}},
			primary: "dr1", acknowledged: 110, lost: 10, lostFrom: 50 * second, lostTo: 59 * second,
			surviving: map[string]int{"dr1": 100}, overlaps: []string{"dr1@1 dr2@1 50s-59s: 20"},
		},
		"between demotion and promotion nobody is primary": {
			world: world{acks: all(before), copies: map[string]copyOf{
				"dr1": {role: layout.Secondary, generation: 1, holds: all(before)},
				"dr2": {role: layout.Secondary, generation: 1, holds: all(kept)},
			}},
			acknowledged: 100, surviving: map[string]int{"dr1": 100, "dr2": 90},
		},
		"a deleted volume has lost nothing": {
			world: world{acks: all(before)}, acknowledged: 100, surviving: map[string]int{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := Read(c.write(t), "shop")
			if err != nil {
				t.Fatal(err)
			}
			if len(report.Volumes) != 1 {
				t.Fatalf("%d volumes: %+v", len(report.Volumes), report.Volumes)
			}
			v := report.Volumes[0]
			if v.Primary != c.primary || v.Acknowledged != c.acknowledged || v.Lost.Count != c.lost || report.Lost != c.lost {
				t.Errorf("primary %q, acknowledged %d, lost %+v", v.Primary, v.Acknowledged, v.Lost)
			}
			if c.lost > 0 && (v.Lost.FirstTime.Sub(epoch) != c.lostFrom || v.Lost.LastTime.Sub(epoch) != c.lostTo) {
				t.Errorf("lost from %s to %s", v.Lost.FirstTime, v.Lost.LastTime)
			}
			checkCopies(t, v, c.surviving)
			checkOverlaps(t, v, c.overlaps)
			if report.Overlaps != len(c.overlaps) {
				t.Errorf("%d overlaps in sum", report.Overlaps)
			}
		})
	}
}

func TestVolumesThatGoOnFromOneAnotherAreOneVolume(t *testing.T) {
	dir := t.TempDir()
	before := run{cluster: "dr1", generation: 1, first: 1, count: 100}
	after := run{cluster: "dr2", generation: 4, first: 81, count: 10, start: 200 * second}
	kept := run{cluster: "dr1", generation: 1, first: 1, count: 80}
	claim := layout.Claim{Namespace: "shop", Name: "data"}
	put(t, layout.AckPath(filepath.Join(dir, ackDir), claim), lines(t, all(before, after), "pvc-1", "\n"))
	volume := func(cluster string, m layout.Meta, holds []layout.Record) {
		content := lines(t, holds, "", "")
		m.Role, m.Content, m.Size = layout.Standalone, "content-1", int64(len(content))
		put(t, layout.RecordsPath(filepath.Join(dir, cluster, volumesDir), &m), content)
		if err := layout.WriteMeta(filepath.Join(dir, cluster, volumesDir), &m, false); err != nil {
			t.Fatal(err)
		}
	}
	check := func(primary string, lost int, surviving map[string]int) {
		t.Helper()
		report, err := Read(dir, "shop")
		if err != nil || len(report.Volumes) != 1 {
			t.Fatalf("%+v, %v", report, err)
		}
		v := report.Volumes[0]
		if v.Handle != "pvc-1" || v.Primary != primary || v.Lost.Count != lost {
			t.Errorf("handle %s, primary %q, lost %d", v.Handle, v.Primary, v.Lost.Count)
		}
		checkCopies(t, v, surviving)
	}
	volume("dr1", layout.Meta{Handle: "pvc-1", Claim: claim, Generation: 1}, all(before))
	volume("dr2", layout.Meta{Handle: "pvc-2", Origin: "pvc-1", Claim: layout.Claim{Namespace: "shop", Name: "volsync-data-dst"},
		Generation: 3, Incoming: true}, all(kept))
	check("dr1", 10, map[string]int{"dr1": 100}) // a mover's own volume is no copy
	volume("dr2", layout.Meta{Handle: "pvc-3", Origin: "pvc-1", Claim: claim, Generation: 4, Incoming: true}, all(kept))
	check("dr1", 10, map[string]int{"dr1": 100, "dr2": 80}) // nor is the application there
	volume("dr2", layout.Meta{Handle: "pvc-3", Origin: "pvc-1", Claim: claim, Generation: 4}, all(kept, after))
	check("dr2", 20, map[string]int{"dr1": 100, "dr2": 90})
}

func TestRecordsWrittenToSeveralVolumesAtOnceAreOnAllOrOnNone(t *testing.T) {
	written := func(times ...int64) []layout.Record {
		var records []layout.Record
		for i, together := range times {
			records = append(records, layout.Record{Seq: int64(i + 1), Cluster: "dr1", Generation: 1, Together: together})
		}
		return records
	}
	for name, c := range map[string]struct {
		first, second []layout.Record
		torn          int
	}{
		"all survive":                {written(1, 2, 3), written(1, 2, 3), 0},
		"both end at the same":       {written(1, 2), written(1, 2), 0},
		"one ends earlier":           {written(1, 2, 3), written(1), 2},
		"one has lost all":           {written(1, 2, 3), nil, 3},
		"none was written with both": {written(0, 0, 0), nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			acks := written(1, 2, 3)
			if len(c.first) > 0 && c.first[0].Together == 0 {
				acks = c.first
			}
			if got := torn([]member{{acks, keys(c.first)}, {acks, keys(c.second)}}); got != c.torn {
				t.Errorf("%d torn, want %d", got, c.torn)
			}
		})
	}
}

func checkCopies(t *testing.T, v Volume, surviving map[string]int) {
	t.Helper()
	if len(v.Copies) != len(surviving) || v.Deleted != (len(surviving) == 0) {
		t.Errorf("deleted: %v, copies %+v", v.Deleted, v.Copies)
	}
	for _, c := range v.Copies {
		if c.Surviving != surviving[c.Cluster] {
			t.Errorf("%d records survive on %s, want %d", c.Surviving, c.Cluster, surviving[c.Cluster])
		}
	}
}

func checkOverlaps(t *testing.T, v Volume, want []string) {
	t.Helper()
	if len(v.Overlaps) != len(want) {
		t.Fatalf("overlaps %+v, want %v", v.Overlaps, want)
	}
	for i, o := range v.Overlaps {
		got := fmt.Sprintf("%s@%d %s@%d %s-%s: %d", o.Clusters[0], o.Generations[0], o.Clusters[1], o.Generations[1],
			o.FirstTime.Sub(epoch), o.LastTime.Sub(epoch), o.Records)
		if got != want[i] {
			t.Errorf("overlap %q, want %q", got, want[i])
		}
	}
}

func TestReadOfAnUnknownNamespaceIsEmpty(t *testing.T) {
	report, err := Read(t.TempDir(), "shop")
	if err != nil || len(report.Volumes) != 0 || report.Volumes == nil {
		t.Errorf("%+v, %v", report, err)
	}
}
