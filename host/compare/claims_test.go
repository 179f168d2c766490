package compare

import (
	"strings"
	"testing"

	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// What Statements accepts is valid by the JSON Schema, with the rules in it. Mistakes
// that an editor can see are not.
func TestClaimsSchema(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(ClaimsSchema().String()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("claims.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("claims.json")
	if err != nil {
		t.Fatal(err)
	}
	good := []string{
		`[{name: a, for: "/t/{t}", methods: [GET], host: a.example, allowed: {rule: match, type: string, eval: "==", f1: args.auth.t, f2: args.request.vars.t}}]`,
		`[{for: /a, masked: [res.a], unless: {rule: or, clauses: [{rule: deny}, {rule: authenticated}]}}, {for: /a, masked: [res.a]}]`,
		`[{for: /a, never: allowed, when: {rule: allow}}]`,
	}
	bad := []string{
		`[]`, `{}`, `[{for: /a, alowed: {rule: deny}}]`, `[{allowed: {rule: deny}}]`, `[{for: /a, allowed: {rule: dney}}]`,
		`[{for: /a, allowed: {rule: or, clauses: [{rule: match, typ: string}]}}]`, `[{for: /a, never: denied, when: {rule: allow}}]`,
		`[{for: /a, never: "${NEVER}", when: {rule: allow}}]`, `[{for: /a, masked: []}]`,
	}
	for i, text := range append(good, bad...) {
		f, err := policyfile.ParseOther("claims.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(f.Doc.String()))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiled.Validate(v); (err == nil) != (i < len(good)) {
			t.Errorf("%s: %v", text, err)
		}
		if _, err := Statements(f.Doc); i < len(good) && err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}
