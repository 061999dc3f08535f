// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package docs holds what README.md and docs name against what is there: files, sections, make targets and metrics.
package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

var (
	codeBlock  = regexp.MustCompile("(?ms)^```.*?^```")
	heading    = regexp.MustCompile(`(?m)^#+ (.*)$`)
	link       = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	file       = regexp.MustCompile("`((?:artifacts|cmd|docs|examples|hack|pkg|test)/[\\w./-]*\\w)`")
	makeTarget = regexp.MustCompile("(?m)(?:`|^\\$ )make ([a-z][a-z0-9-]*)")
	metric     = regexp.MustCompile(`dr_ramen_[a-z_]*[a-z]`)
	notInSlugs = regexp.MustCompile(`[^a-z0-9_ -]`)
)

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func pages(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(root + "/docs/*.md")
	if err != nil || len(found) == 0 {
		t.Fatal("no pages", err)
	}
	return append(found, root+"/README.md")
}

// sections are the names by which links lead to a page's headings.
func sections(page string) []string {
	var names []string
	for _, found := range heading.FindAllStringSubmatch(codeBlock.ReplaceAllString(page, ""), -1) {
		name := notInSlugs.ReplaceAllString(strings.ToLower(found[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}

func TestLinksLeadSomewhere(t *testing.T) {
	count := 0
	for _, page := range pages(t) {
		for _, found := range link.FindAllStringSubmatch(codeBlock.ReplaceAllString(read(t, page), ""), -1) {
			if strings.Contains(found[1], "://") {
				continue
			}
			count++
			path, section, _ := strings.Cut(found[1], "#")
			target := page
			if path != "" {
				target = filepath.Join(filepath.Dir(page), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", page, found[1], err)
			} else if section != "" && !slices.Contains(sections(read(t, target)), section) {
				t.Errorf("%s links to %s, which has no such section", page, found[1])
			}
		}
	}
	if count == 0 {
		t.Error("no links were found")
	}
}

func TestFilesThatAreNamedAreThere(t *testing.T) {
	count := 0
	for _, page := range pages(t) {
		for _, found := range file.FindAllStringSubmatch(read(t, page), -1) {
			count++
			if _, err := os.Stat(filepath.Join(root, found[1])); err != nil {
				t.Errorf("%s names %s: %v", page, found[1], err)
			}
		}
	}
	if count == 0 {
		t.Error("no files were found")
	}
}

func TestWhatIsToBeMadeCanBeMade(t *testing.T) {
	makefile, count := "\n"+read(t, root+"/Makefile"), 0
	for _, page := range pages(t) {
		for _, found := range makeTarget.FindAllStringSubmatch(read(t, page), -1) {
			count++
			if !strings.Contains(makefile, "\n"+found[1]+":") {
				t.Errorf("%s says make %s, for which there is no target", page, found[1])
			}
		}
	}
	if count == 0 {
		t.Error("no targets were found")
	}
}

func TestTheMetricsAreThoseThatAreTold(t *testing.T) {
	names := func(text string) []string {
		found := metric.FindAllString(text, -1)
		slices.Sort(found)
		return slices.Compact(found)
	}
	told, documented := names(read(t, root+"/pkg/controllers/drplacementcontrol/metrics.go")), names(read(t, root+"/docs/operations.md"))
	if len(told) == 0 || !slices.Equal(told, documented) {
		t.Errorf("docs/operations.md has %v, and the controllers tell %v", documented, told)
	}
}
