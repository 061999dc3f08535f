// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubectl

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// rows are lines in aligned columns; a line of one cell stands alone and widens no column.
type rows [][]string

func (r *rows) add(cells ...string) { *r = append(*r, cells) }

func (r rows) print(out io.Writer, indent string) {
	widths := r.widths()
	for _, cells := range r {
		var line strings.Builder
		for i, cell := range cells {
			line.WriteString(cell)
			if i < len(cells)-1 {
				line.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
			}
		}
		fmt.Fprintln(out, strings.TrimRight(indent+line.String(), " "))
	}
}

func (r rows) widths() []int {
	var widths []int
	for _, cells := range r {
		for i, cell := range cells {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			if len(cells) > 1 {
				widths[i] = max(widths[i], utf8.RuneCountInString(cell))
			}
		}
	}
	return widths
}
