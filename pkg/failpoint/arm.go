// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package failpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Environment is the variable that names the directory in which a process's armed points are.
const Environment = "DR_FAILPOINTS"

// Arm has the process with that directory die the next time it comes by the point for an application of the namespace.
func Arm(directory, point, namespace string) error {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return fmt.Errorf("arming failpoint %s: %w", point, err)
	}
	if err := os.WriteFile(filepath.Join(directory, file(point, namespace)), nil, 0o600); err != nil {
		return fmt.Errorf("arming failpoint %s: %w", point, err)
	}
	return nil
}

// Armed says whether the point still waits for the process to come by.
func Armed(directory, point, namespace string) (bool, error) {
	_, err := os.Stat(filepath.Join(directory, file(point, namespace)))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Disarm takes back what Arm did. It may be called again.
func Disarm(directory, point, namespace string) error {
	err := os.Remove(filepath.Join(directory, file(point, namespace)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func file(point, namespace string) string { return point + "@" + namespace }

// clockFile says by how much the clock of the process is wrong.
const clockFile = "clock"

// SetClock has the clock of the process with that directory be wrong by as much; zero sets it right.
func SetClock(directory string, by time.Duration) error {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return fmt.Errorf("setting a clock: %w", err)
	}
	// A reader sees the old offset or the new one.
	beside := filepath.Join(directory, clockFile+".new")
	if err := os.WriteFile(beside, []byte(by.String()), 0o600); err != nil {
		return fmt.Errorf("setting a clock: %w", err)
	}
	return os.Rename(beside, filepath.Join(directory, clockFile))
}
