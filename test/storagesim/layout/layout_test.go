// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func line(t *testing.T, seq int64) string {
	t.Helper()
	r := Record{Seq: seq, Time: time.Unix(seq, 0), Cluster: "dr1", Generation: 1, Pod: "pod"}
	raw, err := r.Line()
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestTailFindsTheLastWholeRecord(t *testing.T) {
	one, two := line(t, 1), line(t, 2)
	long := strings.Repeat(one, 100) + two
	for name, c := range map[string]struct {
		content string
		limit   int64
		size    int
		seq     int64
	}{
		"nothing":                            {"", -1, 0, 0},
		"whole records":                      {one + two, -1, len(one + two), 2},
		"a torn one":                         {one + two + `{"seq":3`, -1, len(one + two), 2},
		"a torn one alone":                   {`{"seq":3`, -1, 0, 0},
		"what lies behind the limit":         {one + two, int64(len(one)), len(one), 1},
		"a limit behind the end":             {one, 1 << 20, len(one), 1},
		"a file longer than what is read":    {long, -1, len(long), 2},
		"the same with a torn record at end": {long + `{"`, -1, len(long), 2},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "records")
			if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			size, seq, err := Tail(path, c.limit)
			if err != nil || size != int64(c.size) || seq != c.seq {
				t.Errorf("size %d, seq %d, %v; want %d, %d", size, seq, err, c.size, c.seq)
			}
		})
	}
}

func TestReadRecordsSkipsWhatAKilledWriterLeft(t *testing.T) {
	path := filepath.Join(t.TempDir(), "acks")
	content := "\n" + line(t, 1) + "\n" + `{"seq":2,"ti` + "\n" + line(t, 3) + "\n" + line(t, 4)[:20]
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	records, err := ReadRecords(path, -1)
	if err != nil || len(records) != 2 || records[1].Seq != 3 {
		t.Errorf("%+v, %v", records, err)
	}
}

func TestHandlesAreNoPaths(t *testing.T) {
	for handle, valid := range map[string]bool{
		"pvc-7e83e9ac": true, "a.b": true, "": false, "..": false, "a/b": false, "-a": false, "A": false,
	} {
		if ValidHandle(handle) != valid {
			t.Errorf("%q: %v", handle, !valid)
		}
	}
}
