package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
)

// marker begins a section of the document that the command writes.
var marker = regexp.MustCompile(`(?m)^<!-- bench: ([a-z]+) -->\n`)

const endMarker = "<!-- bench: end -->\n"

// update replaces the sections of a document. Every section must be there once, and
// no other: so neither a table nor a figure of an earlier run is left.
func update(file string, sections map[string]string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	out, err := replaced(string(text), sections)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return os.WriteFile(file, []byte(out), 0o644)
}

func replaced(text string, sections map[string]string) (string, error) {
	var b strings.Builder
	var faults []error
	left := maps.Clone(sections)
	for {
		at := marker.FindStringSubmatchIndex(text)
		if at == nil || text[at[2]:at[3]] == "end" {
			break
		}
		name := text[at[2]:at[3]]
		end := strings.Index(text, endMarker)
		if end < at[1] {
			faults = append(faults, fmt.Errorf("section %s: want %q after it", name, strings.TrimSpace(endMarker)))
			break
		}
		section, ok := left[name]
		if !ok {
			faults = append(faults, fmt.Errorf("section %s: there is no such table, or it is there twice", name))
		}
		delete(left, name)
		b.WriteString(text[:at[1]] + "\n" + section + "\n" + endMarker)
		text = text[end+len(endMarker):]
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		faults = append(faults, fmt.Errorf("no section for %s: add the lines <!-- bench: %s --> and %s", name, name, strings.TrimSpace(endMarker)))
	}
	return b.String() + text, errors.Join(faults...)
}
