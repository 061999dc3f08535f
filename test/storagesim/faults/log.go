// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"
)

// Happening is a fault that happened.
type Happening struct {
	Time time.Time `json:"time"`
	Kind Kind      `json:"kind"`
	// Point it happened at; of a Lag there is none.
	Point     string `json:"point,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	Volume    string `json:"volume,omitempty"`
}

func (i *Injector) log(f Fault, point string, v Volume) {
	if i.Log != nil {
		i.Log(Happening{Time: time.Now(), Kind: f.Kind, Point: point, Namespace: v.Namespace, Volume: v.Handle})
	}
}

// LogFile is where the simulator with the data directory writes down what happened, a JSON object per line, also of the processes
// before this one.
func LogFile(dataDir string) string {
	return filepath.Join(filepath.Dir(dataDir), "faults.jsonl")
}

// Append writes a happening to a log.
func Append(path string, h Happening) error {
	line, err := json.Marshal(h)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(append(line, '\n'))
	return errors.Join(err, file.Close())
}

// Log is followed as it grows: much may happen, and be asked for often.
type Log struct {
	path string
	read int64
}

// FollowLog returns the log of the simulator with the data directory, from where it ends now.
func FollowLog(dataDir string) (*Log, error) {
	l := &Log{path: LogFile(dataDir)}
	info, err := os.Stat(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, err
	}
	l.read = info.Size()
	return l, nil
}

// Next reads what happened since it was asked for last. A line that is not whole yet is left for the next time.
func (l *Log) Next() ([]Happening, error) {
	file, err := os.Open(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	raw, err := io.ReadAll(io.NewSectionReader(file, l.read, math.MaxInt64-l.read))
	if err != nil {
		return nil, err
	}
	var all []Happening
	for line := range bytes.Lines(raw) {
		if !bytes.HasSuffix(line, []byte{'\n'}) {
			break
		}
		var h Happening
		if err := json.Unmarshal(line, &h); err != nil {
			return nil, err
		}
		all = append(all, h)
		l.read += int64(len(line))
	}
	return all, nil
}
