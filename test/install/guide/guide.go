// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package guide reads instructions out of a Markdown document, so that what it tells people to do can be done.
package guide

import "strings"

// Section is what is under one heading of the second level.
type Section struct {
	Heading string
	Steps   []Step
}

// Step is a file to write or a command to run.
type Step struct {
	// File is the path and Content what belongs there, if it is a file.
	File, Content string
	// Command for a shell, otherwise.
	Command string
}

// Read returns the document's sections, in order. Its instructions are in fenced blocks: of a yaml block the first line names the
// file that it is, in a comment; in a console block a command begins after "$ " and goes on with the lines that follow an end
// in a backslash.
func Read(document string) []Section {
	var sections []Section
	lines := strings.Split(document, "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		switch {
		case strings.HasPrefix(line, "## "):
			sections = append(sections, Section{Heading: strings.TrimPrefix(line, "## ")})
		case strings.HasPrefix(line, "```") && len(line) > len("```") && len(sections) > 0:
			block := until(lines[i+1:], "```")
			current := &sections[len(sections)-1]
			current.Steps = append(current.Steps, steps(strings.TrimPrefix(line, "```"), block)...)
			i += len(block) + 1
		}
	}
	return sections
}

func until(lines []string, end string) []string {
	for i, line := range lines {
		if line == end {
			return lines[:i]
		}
	}
	return lines
}

func steps(kind string, block []string) []Step {
	switch kind {
	case "yaml":
		if len(block) > 0 && strings.HasPrefix(block[0], "# ") {
			return []Step{{File: strings.TrimPrefix(block[0], "# "), Content: strings.Join(block, "\n") + "\n"}}
		}
	case "console":
		return commands(block)
	}
	return nil
}

// commands leaves out what a command prints.
func commands(block []string) []Step {
	var found []Step
	for i := 0; i < len(block); i++ {
		command, is := strings.CutPrefix(block[i], "$ ")
		if !is {
			continue
		}
		for strings.HasSuffix(command, "\\") && i+1 < len(block) {
			i++
			command += "\n" + block[i]
		}
		found = append(found, Step{Command: command})
	}
	return found
}
