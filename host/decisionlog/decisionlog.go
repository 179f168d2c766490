// Package decisionlog reads and writes the decision log: one JSON object a line, one line
// a decision. The module makes the lines; package record has their format.
//
// A line never has a token, a secret of the policy, or a value that the policy's
// `sensitive` names.
package decisionlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules/record"
)

// Entry is one decision.
type Entry = record.Entry

// Parse reads a line.
func Parse(line []byte) (*Entry, error) {
	var e Entry
	if err := json.Unmarshal(line, &e); err != nil {
		return nil, fmt.Errorf("not a line of the decision log: %w", err)
	}
	switch {
	case e.Version == 0 || e.Outcome == "":
		return nil, errors.New("not a line of the decision log: want the members v and outcome")
	case e.Version > record.Version:
		return nil, fmt.Errorf("a line of version %d of the decision log; this program reads up to %d", e.Version, record.Version)
	}
	return &e, nil
}

// Prefix stands before a decision in the log of the module.
const Prefix = "rulegate: decision: "

// Unwrap returns the decision in a line of another log: that of the module, which may
// stand in the log of Envoy or of rulegate run, or in the JSON of an access log or of a
// collector. A line without a decision is returned as it is.
func Unwrap(line string) string {
	if entry, ok := find(line, maxUnwrapped); ok {
		return entry
	}
	return line
}

// maxUnwrapped bounds how often a line may be wrapped.
const maxUnwrapped = 4

// entryStart is how each entry starts.
const entryStart = `{"v":`

// find looks for an entry in a line: behind Prefix, or among the members of an object.
func find(line string, depth int) (entry string, ok bool) {
	line = strings.TrimSpace(line)
	if depth == 0 || strings.HasPrefix(line, entryStart) {
		return line, depth > 0
	}
	if strings.HasPrefix(line, "{") {
		return findMember(line, depth)
	}
	i := strings.Index(line, Prefix)
	switch {
	case i < 0:
		return "", false
	case i > 0 && line[i-1] == '"':
		quoted, err := strconv.QuotedPrefix(line[i-1:])
		if err != nil {
			return "", false
		}
		text, err := strconv.Unquote(quoted)
		if err != nil {
			return "", false
		}
		return find(text, depth-1)
	}
	return find(line[i+len(Prefix):], depth-1)
}

func findMember(line string, depth int) (entry string, ok bool) {
	var members map[string]any
	if json.Unmarshal([]byte(line), &members) != nil {
		return "", false
	}
	for _, m := range members {
		if text, isText := m.(string); isText {
			if entry, ok = find(text, depth-1); ok {
				return entry, true
			}
		}
	}
	return "", false
}
