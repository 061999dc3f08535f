// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"slices"
	"strings"
	"testing"
)

const page = `# Access

| not | this |
|---|---|
| a | b |

## Who may

Words.

| resource | viewer | editor |
|---|---|---|
| ` + "`things`" + ` | read | read, write |
| ` + "`things/go`" + ` | – | create, use |

` + "```yaml" + `
# no heading
kind: Role
` + "```" + `
and
` + "```yaml" + `
kind: RoleBinding
` + "```" + `
` + "```console" + `
$ kubectl apply
` + "```" + `
`

func TestATableIsReadAsAMatrix(t *testing.T) {
	table, err := Parse("page.md", page).Table("Who may")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(table.Rows, []string{"things", "things/go"}) || !slices.Equal(table.Columns, []string{"viewer", "editor"}) {
		t.Errorf("rows %v, columns %v", table.Rows, table.Columns)
	}
	matrix, err := table.Matrix()
	if err != nil {
		t.Fatal(err)
	}
	var allowed []string
	for _, column := range table.Columns {
		for _, row := range table.Rows {
			for _, verb := range Verbs {
				if matrix.Allows(column, row, verb) {
					allowed = append(allowed, column+" "+verb+" "+row)
				}
			}
		}
	}
	wanted := []string{
		"viewer get things", "viewer list things", "viewer watch things",
		"editor get things", "editor list things", "editor watch things", "editor create things", "editor update things",
		"editor patch things", "editor delete things", "editor deletecollection things",
		"editor create things/go", "editor use things/go",
	}
	if !slices.Equal(allowed, wanted) {
		t.Errorf("allowed: %v", allowed)
	}
}

func TestManifestsAreWhatIsFencedAsYAML(t *testing.T) {
	manifests, err := Parse("page.md", page).Manifests("Who may")
	if want := "---\n# no heading\nkind: Role\n---\nkind: RoleBinding\n"; err != nil || manifests != want {
		t.Errorf("%v\n%s", err, manifests)
	}
}

func TestATableThatCanNotBeMeantIsRefused(t *testing.T) {
	tests := map[string]struct{ table, refused string }{
		"no table":        {"words", "no table"},
		"an unknown verb": {"| r | a |\n|---|---|\n| x | shout |", `row x, column a: "shout" is no verb`},
		"an empty cell":   {"| r | a |\n|---|---|\n| x | |", "it is empty"},
		"a short row":     {"| r | a | b |\n|---|---|---|\n| x | get |", "2 cells instead of 3"},
		"a row twice":     {"| r | a |\n|---|---|\n| x | get |\n| x | list |", "two rows x"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			table, err := Parse("page.md", "# H\n"+test.table).Table("H")
			if err == nil {
				_, err = table.Matrix()
			}
			if err == nil || !strings.Contains(err.Error(), test.refused) {
				t.Errorf("the answer is %v, wanted %q", err, test.refused)
			}
		})
	}
}
