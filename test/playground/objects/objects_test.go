// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package objects

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const two = `# a comment before the first
apiVersion: v1
kind: Namespace
metadata: {name: {{.Name}}}
---
# nothing but a comment
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: {{.Name}}}
`

func TestManifestsAreRendered(t *testing.T) {
	all, err := Render(two, map[string]string{"Name": "shop"})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || all[0].GetName() != "shop" || all[1].GetNamespace() != "shop" {
		t.Fatalf("got %v", all)
	}
}

func TestAValueThatIsMissingIsNamed(t *testing.T) {
	if _, err := Render(two, map[string]string{}); err == nil || !strings.Contains(err.Error(), "Name") {
		t.Fatalf("got %v", err)
	}
}

func TestADirectoryWithoutManifestsIsAnError(t *testing.T) {
	directory := t.TempDir()
	if _, err := ReadDirectory(directory); err == nil || !strings.Contains(err.Error(), directory) {
		t.Fatalf("got %v", err)
	}
}

func TestAManifestThatIsNoYAMLIsNamed(t *testing.T) {
	directory := t.TempDir()
	if err := os.WriteFile(filepath.Join(directory, "broken.yaml"), []byte("a: b: c"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadDirectory(directory); err == nil || !strings.Contains(err.Error(), "broken.yaml") {
		t.Fatalf("got %v", err)
	}
}

func TestConditionsAreFound(t *testing.T) {
	cases := map[string]struct {
		manifest string
		status   metav1.ConditionStatus
		text     string
	}{
		"one that is there": {
			manifest: `{kind: X, status: {conditions: [{type: Ready, status: "False", reason: Broken, message: mend it}]}}`,
			status:   metav1.ConditionFalse, text: "Broken: mend it",
		},
		"another one is there": {
			manifest: `{kind: X, status: {conditions: [{type: Other, status: "True"}]}}`,
			status:   metav1.ConditionUnknown, text: "no such condition",
		},
		"no status at all": {manifest: `{kind: X}`, status: metav1.ConditionUnknown, text: "no such condition"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			all, err := Render(c.manifest, nil)
			if err != nil {
				t.Fatal(err)
			}
			status, text := Condition(all[0], "Ready")
			if status != c.status || !strings.Contains(text, c.text) {
				t.Errorf("got %s, %q", status, text)
			}
		})
	}
}

func TestDescriptionsAreStrippedButNotFieldsOfThatName(t *testing.T) {
	all, err := Decode(strings.NewReader(`
kind: Thing
description: text
list: [{description: text, kept: 1}]
properties:
  description: {type: string, description: text}
`))
	if err != nil {
		t.Fatal(err)
	}
	StripDescriptions(all[0].Object)
	want := map[string]any{
		"kind": "Thing", "list": []any{map[string]any{"kept": int64(1)}},
		"properties": map[string]any{"description": map[string]any{"type": "string"}},
	}
	if !reflect.DeepEqual(all[0].Object, want) {
		t.Errorf("%v", all[0].Object)
	}
}
