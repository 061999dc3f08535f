// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"io"
	"os"
	"strings"
)

const (
	tailLines = 25
	tailBytes = 64 << 10
)

// tail returns the last lines written to a log after offset.
func tail(path string, offset int64) string {
	file, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil {
		offset = max(offset, info.Size()-tailBytes)
	}
	content, err := io.ReadAll(io.NewSectionReader(file, offset, tailBytes))
	if err != nil {
		return err.Error()
	}
	text := strings.TrimRight(string(content), "\n")
	if text == "" {
		return "  (it wrote nothing)"
	}
	lines := strings.Split(text, "\n")
	lines = lines[max(0, len(lines)-tailLines):]
	return "  " + strings.Join(lines, "\n  ")
}
