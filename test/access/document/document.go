// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package document reads what a page of the documentation promises, so that tests try just that: its tables and the
// manifests in it.
package document

import (
	"fmt"
	"os"
	"strings"
)

// Page is a Markdown file.
type Page struct {
	path     string
	sections map[string][]string
}

// Read reads a page.
func Read(path string) (*Page, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, string(content)), nil
}

// Parse returns the page that the text is.
func Parse(path, text string) *Page {
	page := &Page{path: path, sections: map[string][]string{}}
	heading, fenced := "", false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		if title := strings.TrimLeft(line, "#"); !fenced && title != line {
			heading = strings.TrimSpace(title)
			continue
		}
		page.sections[heading] = append(page.sections[heading], line)
	}
	return page
}

// Table is a table of a page: a row by the name in its first column, a cell by its column's heading.
type Table struct {
	// Columns are the headings but the first.
	Columns []string
	// Rows are the names in the first column, in order.
	Rows []string

	cells map[string]map[string]string
}

// Cell is what the table says in the row and the column, without the marks of code.
func (t *Table) Cell(row, column string) string { return t.cells[row][column] }

// Table returns the table under a heading.
func (p *Page) Table(heading string) (*Table, error) {
	table := &Table{cells: map[string]map[string]string{}}
	var columns []string
	for _, line := range p.sections[heading] {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		cells := split(line)
		switch {
		case columns == nil:
			columns = cells
		case strings.Trim(strings.Join(cells, ""), "-: ") == "":
		case len(cells) != len(columns):
			return nil, fmt.Errorf("%s: a row under %q has %d cells instead of %d: %s", p.path, heading, len(cells), len(columns), line)
		case table.cells[cells[0]] != nil:
			return nil, fmt.Errorf("%s: there are two rows %s under %q", p.path, cells[0], heading)
		default:
			table.add(columns, cells)
		}
	}
	if len(table.Rows) == 0 {
		return nil, fmt.Errorf("%s has no table under a heading %q", p.path, heading)
	}
	table.Columns = columns[1:]
	return table, nil
}

func (t *Table) add(columns, cells []string) {
	t.Rows = append(t.Rows, cells[0])
	row := map[string]string{}
	for i, column := range columns[1:] {
		row[column] = cells[i+1]
	}
	t.cells[cells[0]] = row
}

func split(line string) []string {
	cells := strings.Split(strings.Trim(line, "|"), "|")
	for i, cell := range cells {
		cells[i] = strings.TrimSpace(strings.ReplaceAll(cell, "`", ""))
	}
	return cells
}

// Manifests returns the YAML under a heading.
func (p *Page) Manifests(heading string) (string, error) {
	var manifests []string
	inside := false
	for _, line := range p.sections[heading] {
		switch {
		case line == "```yaml":
			inside = true
			manifests = append(manifests, "---")
		case line == "```":
			inside = false
		case inside:
			manifests = append(manifests, line)
		}
	}
	if len(manifests) == 0 {
		return "", fmt.Errorf("%s has no YAML under a heading %q", p.path, heading)
	}
	return strings.Join(manifests, "\n") + "\n", nil
}
