// Package assist helps an editor with a policy that is being written: it finds faults and
// warnings with fixes, completions, texts for the word under the cursor, definitions and
// uses of names. `rulegate lsp` and the console show the same.
//
//	text, cursor → context (the place in the file, and the schema there) → items
//
// It does no I/O but by policyfile.Files, and bounds its work: a file of more than 4 MiB
// has faults alone.
package assist

import (
	"path"
	"regexp"
	"strings"

	"github.com/rulegate/rulegate/host/compare"
	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/policytest"
	"github.com/rulegate/rulegate/rules/policy/schema"
	"github.com/rulegate/rulegate/rules/value"
)

// Position is a line and a column in characters, both from 1.
type Position struct {
	Line   int `json:"line"`
	Column int `json:"column"`
}

// Range is a part of a text, without its end.
type Range struct {
	Start Position `json:"start"`
	End   Position `json:"end"`
}

// Edit replaces a part of a text.
type Edit struct {
	Range Range  `json:"range"`
	Text  string `json:"text"`
}

// Document is a file that is open in an editor. Its text need not be on the disk.
type Document struct {
	Path string
	Text string
}

// Kind says of which kind a file is.
type Kind string

const (
	Policy Kind = "policy"
	Tests  Kind = "tests"  // for rulegate test
	Claims Kind = "claims" // for rulegate prove
	Other  Kind = ""       // no file of rulegate
)

// Kind tells the kind of a document by its name, and else by its keys. What cannot be
// parsed is told by its lines: somebody is typing.
func (d Document) Kind() Kind {
	base := path.Base(strings.ReplaceAll(d.Path, `\`, "/"))
	switch {
	case policytest.IsTest(base):
		return Tests
	case statements.MatchString(d.Text):
		return Claims
	case policyfile.IsPolicy(d.Path, []byte(d.Text)) || strings.TrimSuffix(base, path.Ext(base)) == "policy":
		return Policy
	}
	return Other
}

// statements finds a list of statements: its first elements have the key for.
var statements = regexp.MustCompile(`(?s)\A(\s|#[^\n]*\n)*- .*\bfor:`)

// schema returns the JSON Schema of a kind.
func (k Kind) schema() value.Value {
	switch k {
	case Policy:
		return schema.JSON()
	case Tests:
		return policytest.Schema()
	case Claims:
		return compare.ClaimsSchema()
	}
	return value.Value{}
}
