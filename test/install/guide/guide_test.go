// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package guide

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const document = `# Title

Words, and what is no instruction:

## First

` + "```yaml" + `
# dir/config.yaml
key: value
` + "```" + `

` + "```yaml" + `
an: example
` + "```" + `

` + "```console" + `
$ one --flag \
    --another   # why
what it prints
$ two
` + "```" + `

## Second

` + "```text" + `
$ not a command
` + "```" + `
`

func TestFilesAndCommandsAreFoundInTheirOrder(t *testing.T) {
	want := []Section{
		{Heading: "First", Steps: []Step{
			{File: "dir/config.yaml", Content: "# dir/config.yaml\nkey: value\n"},
			{Command: "one --flag \\\n    --another   # why"},
			{Command: "two"},
		}},
		{Heading: "Second"},
	}
	if diff := cmp.Diff(want, Read(document)); diff != "" {
		t.Error(diff)
	}
}
