// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"
)

// Verbs are all that a matrix may speak of.
var Verbs = []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "use"}

// words for several verbs in a cell.
var words = map[string][]string{
	"–":     {},
	"read":  {"get", "list", "watch"},
	"write": {"create", "update", "patch", "delete", "deletecollection"},
}

// Matrix says who may do what: the verbs by column and row.
type Matrix map[string]map[string]sets.Set[string]

// Matrix reads the cells of a table as verbs.
func (t *Table) Matrix() (Matrix, error) {
	matrix := Matrix{}
	for _, column := range t.Columns {
		matrix[column] = map[string]sets.Set[string]{}
		for _, row := range t.Rows {
			verbs, err := parseVerbs(t.Cell(row, column))
			if err != nil {
				return nil, fmt.Errorf("row %s, column %s: %w", row, column, err)
			}
			matrix[column][row] = verbs
		}
	}
	return matrix, nil
}

// Allows says whether the column has the verb in the row.
func (m Matrix) Allows(column, row, verb string) bool { return m[column][row].Has(verb) }

func parseVerbs(cell string) (sets.Set[string], error) {
	verbs := sets.New[string]()
	for _, word := range strings.Fields(strings.ReplaceAll(cell, ",", " ")) {
		several, known := words[word]
		switch {
		case known:
			verbs.Insert(several...)
		case slices.Contains(Verbs, word):
			verbs.Insert(word)
		default:
			return nil, fmt.Errorf("%q is no verb", word)
		}
	}
	if strings.TrimSpace(cell) == "" {
		return nil, fmt.Errorf("it is empty; write – for nothing")
	}
	return verbs, nil
}
