package docs

import (
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// languageEnv has a key to sign with, and the named rules of the document.
var languageEnv = &rules.Env{CanSign: true}

// TestLanguageReference compiles each rule of a document and evaluates each line of
// its tables.
func TestLanguageReference(t *testing.T) {
	rows := 0
	for _, file := range documents(t) {
		var args value.Value
		for _, b := range readBlocks(t, file) {
			switch b.use {
			case "args":
				var err error
				if args, err = value.Parse(b.text, 64); err != nil {
					t.Fatalf("%v: %v", b, err)
				}
			case "define":
				named := parseYAML(t, b, b.text)
				languageEnv.Define = func(name string) (value.Value, string, bool) {
					rule := named.Key(name)
					return rule, "define." + name, rule.Kind() != value.Missing
				}
			case "rule":
				if _, faults := rules.Compile(parseYAML(t, b, b.text), "rule", languageEnv); faults != nil {
					t.Errorf("%v: %v", b, faults)
				}
			case "values", "verdicts":
				for line := range strings.Lines(b.text) {
					rows++
					evaluateLine(t, b, line, args)
				}
			}
		}
	}
	if rows < 80 {
		t.Errorf("found only %d rows: are the tables still read?", rows)
	}
}

// evaluateLine compares a line `this >> result` of a table with the real result.
func evaluateLine(t *testing.T, b block, line string, args value.Value) {
	t.Helper()
	left, want, ok := strings.Cut(line, ">>")
	if !ok {
		t.Errorf("%v: want >> in the line, found %q", b, line)
		return
	}
	left, want = strings.TrimSpace(left), strings.TrimSpace(want)
	var found string
	if b.use == "values" {
		found = valueOf(left, args)
	} else {
		found = outcomeOf(parseYAML(t, b, left), args)
	}
	if found != want {
		t.Errorf("%v: %s: the page says %s, found %s", b, left, want, found)
	}
}

// valueOf returns the value of an expression, by a rule that stores it.
func valueOf(expression string, args value.Value) string {
	v, ok := evaluate(value.Obj(
		value.Member{Key: "rule", Value: value.Str("force")},
		value.Member{Key: "field", Value: value.Str("args.found")},
		value.Member{Key: "value", Value: value.Str(expression)},
	), args)
	switch {
	case !ok:
		return "fault"
	case v.Outcome != rules.Yes:
		return v.Outcome.String()
	}
	return v.Args.Key("found").String()
}

func outcomeOf(spec, args value.Value) string {
	v, ok := evaluate(spec, args)
	if !ok {
		return "fault"
	}
	return v.Outcome.String()
}

// evaluate runs a rule in languageEnv. ok is false if the rule does not compile.
func evaluate(spec, args value.Value) (v rules.Verdict, ok bool) {
	rule, faults := rules.Compile(spec, "rule", languageEnv)
	if faults != nil {
		return v, false
	}
	now := time.Date(2026, 3, 1, 12, 30, 0, 500_000_000, time.UTC)
	return rule.Eval(&rules.Input{Args: args, Verified: true, Now: now}, rules.Memo{}), true
}

func parseYAML(t *testing.T, b block, text string) value.Value {
	t.Helper()
	f, err := policyfile.Parse("block.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v: %s: %v", b, text, err)
	}
	return f.Doc
}
