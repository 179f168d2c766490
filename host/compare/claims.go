package compare

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy/schema"
	"github.com/rulegate/rulegate/rules/value"
)

// claimsShape is the model of a file with statements.
func claimsShape() *schema.Shape {
	return schema.List("Statements about a policy. `rulegate prove` proves or refutes them.", schema.Object("",
		schema.May("name", schema.Text("The name, which no other statement of the file has. Default: the paths and what is claimed of them.")),
		schema.Need("for", schema.Text("The paths that it is about, as in routes.")),
		schema.May("methods", schema.List("The methods. Default: all.", schema.Text("")).AtLeast(1)),
		schema.May("host", schema.Text("The host, as in routes. Default: every host.")),
		schema.May("allowed", schema.Rule("A rule: whatever is allowed there satisfies it.")),
		schema.May("masked", schema.List("Places of the response that no client gets, such as res.salary.", schema.Text("")).AtLeast(1)),
		schema.May("unless", schema.Rule("A rule: where it is yes, a client may get the masked places.")),
		schema.May("never", schema.OneOf("What never happens when the rule `when` is yes.", "allowed")),
		schema.May("when", schema.Rule("A rule, for never.")),
	)).AtLeast(1)
}

// Statements reads the content of a file with statements.
//
// Errors: rules.Faults.
func Statements(doc value.Value) ([]*Statement, error) {
	faults := schema.CheckShape(doc, claimsShape())
	if len(faults) > 0 {
		return nil, faults
	}
	var out []*Statement
	names := map[string]bool{}
	for i, v := range doc.Elements() {
		s, more := statement(v, rules.Elem("", i))
		if s.Name != "" && names[s.Name] {
			more = append(more, rules.Fault{Place: rules.Join(rules.Elem("", i), "name"), Message: "another statement has this name"})
		}
		if strings.ContainsFunc(s.Name, func(r rune) bool { return !unicode.IsGraphic(r) }) {
			more = append(more, rules.Fault{Place: rules.Join(rules.Elem("", i), "name"), Message: "a name has one line, of characters that can be printed"})
		}
		if names[s.Name] = true; s.Name == "" {
			s.Name = s.describe()
		}
		faults = append(faults, more...)
		out = append(out, s)
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return out, nil
}

// statement reads one statement.
func statement(v value.Value, at string) (*Statement, rules.Faults) {
	s := &Statement{Place: at}
	s.Name, _ = v.Key("name").Text()
	s.For, _ = v.Key("for").Text()
	s.Host, _ = v.Key("host").Text()
	for _, m := range v.Key("methods").Elements() {
		text, _ := m.Text()
		s.Methods = append(s.Methods, text)
	}
	var faults rules.Faults
	fault := func(key, format string, args ...any) {
		faults = append(faults, rules.Fault{Place: rules.Join(at, key), Message: fmt.Sprintf(format, args...)})
	}
	var kinds []string
	for _, key := range []string{"allowed", "masked", "never"} {
		if v.Key(key).Kind() != value.Missing {
			kinds = append(kinds, key)
		}
	}
	if len(kinds) != 1 {
		faults = append(faults, rules.Fault{Place: at, Message: "want one of allowed, masked and never"})
		return s, faults
	}
	kind := kinds[0]
	for key, of := range map[string]string{"unless": "masked", "when": "never"} {
		if v.Key(key).Kind() != value.Missing && kind != of {
			fault(key, "stands only beside %s", of)
		}
	}
	switch kind {
	case "allowed":
		s.Allowed, s.Place = v.Key("allowed"), rules.Join(at, "allowed")
	case "never":
		if s.Never, s.Place = v.Key("when"), rules.Join(at, "when"); s.Never.Kind() == value.Missing {
			fault("never", "needs a rule `when` beside it")
		}
	case "masked":
		s.Unless, s.Place = v.Key("unless"), rules.Join(at, "unless")
		for i, m := range v.Key("masked").Elements() {
			text, _ := m.Text()
			if rest, ok := strings.CutPrefix(text, "res."); !ok || rest == "" || strings.Contains(rest, "..") || strings.HasSuffix(rest, ".") || strings.ContainsAny(rest, "[]") {
				faults = append(faults, rules.Fault{Place: rules.Elem(rules.Join(at, "masked"), i), Message: "want a place of the response, such as res.salary"})
			}
			s.Masked = append(s.Masked, text)
		}
	}
	return s, faults
}

// describe names a statement that has no name.
func (s *Statement) describe() string {
	switch {
	case len(s.Masked) > 0:
		return s.For + ": " + strings.Join(s.Masked, ", ") + " masked"
	case s.Never.Kind() != value.Missing:
		return s.For + ": never allowed"
	}
	return s.For + ": allowed only by the rule"
}

// ClaimsSchema is the JSON Schema of a file with statements.
func ClaimsSchema() value.Value { return schema.JSONOf("rulegate statements", claimsShape()) }

// Verdict says whether the statement is proved, refuted, or neither.
func (p *Proof) Verdict() string {
	switch {
	case p.Counter != nil:
		return "refuted"
	case p.Proved():
		return "proved"
	}
	return "not refuted"
}

// Lines says how far the statement is proved.
func (p *Proof) Lines() (lines []string) {
	head := fmt.Sprintf("%s: %s", p.Verdict(), p.Statement.Name)
	switch {
	case p.Counter != nil:
		lines = append(lines, head, fmt.Sprintf("  by %s, which %s allows: %s", p.Counter.Target(), p.Resource, spaced(p.Counter.Request())))
		if len(p.Shown) > 0 {
			lines = append(lines, "  the client gets "+and(p.Shown))
		}
		return lines
	case p.Pairs == 0:
		return append(lines, head+": no resource of the policy decides requests to these paths")
	case p.Proved():
		return append(lines, fmt.Sprintf("%s (%s, which stand for all requests to %s)", head, count(p.Requests, "request", "requests"), count(p.Pairs, "resource", "resources")))
	}
	lines = append(lines, fmt.Sprintf("%s in %s", head, count(p.Requests, "request", "requests")))
	if p.Sampled {
		lines = append(lines, "  there are more requests than were decided: --max")
	}
	if p.Calls {
		lines = append(lines, "  rules with calls: other replies than those that were tried may differ")
	}
	for i, n := range p.Notes {
		if i == maxListed {
			lines = append(lines, fmt.Sprintf("  and %d more", len(p.Notes)-i))
			break
		}
		lines = append(lines, "  only examples: "+n)
	}
	return lines
}

// Counterexample writes the request that breaks the statement as a test that fails.
func (p *Proof) Counterexample(policy string) string {
	return p.Counter.Test(policy, p.Statement.Name, value.Str("deny"))
}
