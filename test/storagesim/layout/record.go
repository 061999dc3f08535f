// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Record is what a writer appends to a volume.
type Record struct {
	// Seq continues from what the volume holds, so a volume that lost records numbers some again.
	Seq int64 `json:"seq"`
	// Time it was written.
	Time time.Time `json:"time"`
	// Cluster and Generation that wrote it; with Seq they name the record for good.
	Cluster    string `json:"cluster"`
	Generation int64  `json:"generation"`
	Pod        string `json:"pod"`
	// Together is the same in the records that a pod wrote to several volumes at once.
	Together int64 `json:"together,omitempty"`
	// Volume is the volume's lineage, in the acknowledgements only.
	Volume string `json:"volume,omitempty"`
}

// Key names a record for good.
type Key struct {
	Seq        int64
	Cluster    string
	Generation int64
}

// Key names the record for good.
func (r *Record) Key() Key {
	return Key{Seq: r.Seq, Cluster: r.Cluster, Generation: r.Generation}
}

// Line is the record as a line of a volume or of the acknowledgements.
func (r *Record) Line() ([]byte, error) {
	raw, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode record %d: %w", r.Seq, err)
	}
	return append(raw, '\n'), nil
}

// ReadRecords reads a file of records up to limit bytes (all if negative). Lines that a killed writer left unfinished
// are skipped.
func ReadRecords(path string, limit int64) ([]Record, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var in io.Reader = f
	if limit >= 0 {
		in = io.LimitReader(f, limit)
	}
	return decodeRecords(in)
}

func decodeRecords(in io.Reader) ([]Record, error) {
	var records []Record
	lines := bufio.NewReaderSize(in, 1<<16)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return nil, err
		}
		if r, ok := decodeLine(line); ok {
			records = append(records, r)
		}
	}
}

func decodeLine(line []byte) (Record, bool) {
	var r Record
	line = bytes.TrimSpace(line)
	if len(line) == 0 || json.Unmarshal(line, &r) != nil {
		return Record{}, false
	}
	return r, r.Seq > 0
}

// tailBytes is more than any record takes.
const tailBytes = 4096

// Tail finds the end of the last whole record in the first limit bytes of a file (all if negative), and its number.
func Tail(path string, limit int64) (size, seq int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return 0, 0, err
	}
	end := info.Size()
	if limit >= 0 && limit < end {
		end = limit
	}
	start := max(0, end-tailBytes)
	raw := make([]byte, end-start)
	if _, err := f.ReadAt(raw, start); err != nil && !errors.Is(err, io.EOF) {
		return 0, 0, err
	}
	whole := raw[:Complete(raw)]
	if len(whole) == 0 {
		return 0, 0, nil
	}
	last := whole[bytes.LastIndexByte(whole[:len(whole)-1], '\n')+1:]
	r, ok := decodeLine(last)
	if !ok {
		return 0, 0, fmt.Errorf("%s: the last line before byte %d is no record", path, end)
	}
	return start + int64(len(whole)), r.Seq, nil
}
