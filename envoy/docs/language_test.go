package docs

import (
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// TestLanguageReference evaluates each line of the tables in rules/LANGUAGE.md.
func TestLanguageReference(t *testing.T) {
	var args value.Value
	rows := 0
	for _, b := range readBlocks(t, "rules/LANGUAGE.md") {
		switch b.use {
		case "args":
			var err error
			if args, err = value.Parse(b.text, 64); err != nil {
				t.Fatalf("%v: %v", b, err)
			}
		case "rule":
			if _, faults := rules.Compile(parseYAML(t, b, b.text), "rule", &rules.Env{CanSign: true}); faults != nil {
				t.Errorf("%v: %v", b, faults)
			}
		case "values", "verdicts":
			for line := range strings.Lines(b.text) {
				left, want, ok := strings.Cut(line, ">>")
				if !ok {
					t.Errorf("%v: %q has no >>", b, line)
					continue
				}
				rows++
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
		}
	}
	if rows < 80 {
		t.Errorf("the page has %d rows: are the tables still read?", rows)
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

// evaluate runs a rule whose scope has only a key to sign with. ok is false if the
// rule does not compile.
func evaluate(spec, args value.Value) (v rules.Verdict, ok bool) {
	rule, faults := rules.Compile(spec, "rule", &rules.Env{CanSign: true})
	if faults != nil {
		return v, false
	}
	now := time.Date(2026, 3, 1, 12, 30, 0, 500_000_000, time.UTC)
	return rule.Eval(&rules.Input{Args: args, Verified: true, Now: now}, rules.Memo{}), true
}

func parseYAML(t *testing.T, b block, text string) value.Value {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatalf("%v: %s: %v", b, text, err)
	}
	v, err := value.Parse(string(data), 64)
	if err != nil {
		t.Fatalf("%v: %s: %v", b, text, err)
	}
	return v
}
