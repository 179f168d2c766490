package openapi

import (
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/policy"
)

// accepts imports a document of a version whose only operation has a body with a member
// of a schema, and returns whether its policy lets a value of it through. ok is false if
// the schema is a question.
func accepts(t *testing.T, version, schema string) (accept func(v string) bool, ok bool) {
	t.Helper()
	text := "openapi: " + version + "\ninfo: {title: a, version: '1'}\npaths: {/a: {post: {security: [], requestBody: {required: true, content: {application/json: {schema: {type: object, required: [v], properties: {v: " + schema + "}}}}}, responses: {}}}}"
	file, err := policyfile.ParseDocuments("openapi.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	list, err := Import([]*policyfile.Documents{file}, true)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if _, err := list[0].Settle(); err != nil {
		t.Fatal(err)
	}
	rendered, err := list[0].Render()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(rendered), "TODO") {
		return nil, false
	}
	parsed, err := policyfile.Parse("policy.yaml", rendered)
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := parsed.Load(policy.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, rendered)
	}
	s := simulate.New(p, simulate.Options{})
	return func(v string) bool {
		got, err := s.Decide(&simulate.Request{Method: "POST", Target: "/a", Body: `{"v":` + v + `}`, Headers: [][2]string{{"content-type", "application/json"}}})
		if err != nil {
			t.Fatal(err)
		}
		return got.Outcome == decide.Yes
	}, true
}

func TestValidate(t *testing.T) {
	const v30, v31 = "3.0.3", "3.1.0"
	for _, c := range []struct{ version, schema, good, bad string }{
		{v30, "{type: integer}", "1 0 -1 7.0 1e3 9223372036854775807 -9223372036854775808 18446744073709551615", `7.5 -7.5 0.1 -0.1 1e-9 2.0000000000000004 1e30 "1" "2026-01-01" null true [] {}`},
		{v30, "{type: array, items: {type: integer, minimum: 0}}", "[] [1,2]", "[1,2.5] [-1] 1"},
		{v30, "{type: number, minimum: 1, exclusiveMinimum: true, maximum: 2}", "1.5 2", "1 2.1"},
		{v31, "{type: number, exclusiveMinimum: 1, exclusiveMaximum: 2}", "1.5", "1 2"},
		{v31, "{type: object, properties: {a: {const: 7}}}", `{"a":7} {}`, `{"a":8} {"a":"7"}`},
		{v31, "{type: object, properties: {a: true, b: false}}", `{"a":8} {}`, `{"b":8}`},
		{v30, "{type: object, minProperties: 1, maxProperties: 2, additionalProperties: true}", `{"a":8} {"a":8,"b":1}`, `{} {"a":1,"b":2,"c":3}`},
		{v30, "{type: array, minItems: 18446744073709551615, items: {}}", "", "[] [1]"},
	} {
		accept, ok := accepts(t, c.version, c.schema)
		if !ok {
			t.Errorf("%s: a question", c.schema)
			continue
		}
		for want, bodies := range map[bool]string{true: c.good, false: c.bad} {
			for body := range strings.FieldsSeq(bodies) {
				if accept(body) != want {
					t.Errorf("%s: %s: want %v", c.schema, body, want)
				}
			}
		}
	}
	for _, schema := range []string{
		"{if: {type: string}}", "{type: array, prefixItems: [{type: string}]}", "{type: array, contains: {type: string}}",
		"{type: object, patternProperties: {'^a': {type: string}}}", "{type: object, propertyNames: {pattern: a}}",
		"{type: object, dependentRequired: {a: [b]}}", "{type: object, unevaluatedProperties: false}", "{type: object, required: [\"a\\nb\"]}",
	} {
		if _, ok := accepts(t, v31, schema); ok {
			t.Errorf("%s: want a question", schema)
		}
	}
}

// TestGeneratedSchemas: whatever body the policy of a generated schema lets through, a
// validator accepts, and the other way round.
func TestGeneratedSchemas(t *testing.T) {
	r := mathrand.New(mathrand.NewPCG(1, 1))
	both, neither := 0, 0
	for range 400 {
		schema := generateSchema(r, 0)
		text, err := json.Marshal(schema)
		if err != nil {
			t.Fatal(err)
		}
		reference := &openapi3.Schema{}
		if err := json.Unmarshal(text, reference); err != nil {
			t.Fatal(err)
		}
		accept, ok := accepts(t, "3.0.3", string(text))
		if !ok {
			t.Errorf("%s: a question", text)
			continue
		}
		for range 40 {
			body := generateBody(r, schema)
			raw, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			var parsed any
			if err := json.Unmarshal(raw, &parsed); err != nil {
				t.Fatal(err)
			}
			want, got := reference.VisitJSON(parsed) == nil, accept(string(raw))
			if want != got {
				t.Errorf("%s: %s: the validator accepts it: %v, the policy: %v", text, raw, want, got)
			}
			if want {
				both++
			} else {
				neither++
			}
		}
	}
	t.Logf("%d bodies are accepted, %d are not", both, neither)
	if both < 1000 || neither < 1000 {
		t.Error("too few of a kind")
	}
}

// generateSchema makes a schema of the keywords for which there are clauses. Objects
// without other fields say so, because --validate allows none unless a schema does.
func generateSchema(r *mathrand.Rand, depth int) map[string]any {
	n := r.IntN(8)
	if depth > 2 {
		n = r.IntN(5)
	}
	s := map[string]any{}
	switch n {
	case 7:
		s[[]string{"anyOf", "allOf"}[r.IntN(2)]] = []any{generateSchema(r, depth+1), generateSchema(r, depth+1)}
		return s
	case 0:
		s["type"] = "string"
		if r.IntN(2) == 0 {
			s["minLength"], s["maxLength"] = r.IntN(3), 2+r.IntN(3)
		} else if r.IntN(2) == 0 {
			s["pattern"] = "^[a-c]+$"
		}
	case 1, 2:
		s["type"] = []string{"integer", "number"}[n-1]
		if r.IntN(2) == 0 {
			s["minimum"], s["exclusiveMinimum"] = r.IntN(3)-1, r.IntN(2) == 0
		}
		if r.IntN(2) == 0 {
			s["maximum"], s["exclusiveMaximum"] = r.IntN(3)+1, r.IntN(2) == 0
		}
	case 3:
		s["type"] = "boolean"
	case 4:
		s["type"], s["enum"] = "string", []any{"a", "args.auth.id", "item"}
	case 5:
		s["type"], s["items"] = "array", generateSchema(r, depth+1)
		if r.IntN(2) == 0 {
			s["minItems"], s["maxItems"] = r.IntN(2), 1+r.IntN(2)
		}
	default:
		properties, required := map[string]any{}, []string{}
		for _, name := range []string{"a", "item", "b-c", "7", "args.x"}[:1+r.IntN(5)] {
			properties[name] = generateSchema(r, depth+1)
			if r.IntN(3) == 0 {
				required = append(required, name)
			}
		}
		s["type"], s["properties"], s["required"], s["additionalProperties"] = "object", properties, required, r.IntN(2) == 0
		if r.IntN(4) == 0 {
			s["minProperties"], s["maxProperties"] = r.IntN(2), 1+r.IntN(3)
		}
	}
	if r.IntN(6) == 0 {
		s["nullable"] = true
	}
	return s
}

// generateBody makes a value that is mostly near to what a schema wants.
func generateBody(r *mathrand.Rand, schema map[string]any) any {
	others := []any{nil, true, 1, 0.5, "a", []any{}, map[string]any{}}
	if r.IntN(12) == 0 {
		return others[r.IntN(len(others))]
	}
	for _, key := range []string{"anyOf", "allOf"} {
		if list, ok := schema[key].([]any); ok {
			return generateBody(r, list[r.IntN(2)].(map[string]any))
		}
	}
	switch schema["type"] {
	case "string":
		return []any{"", "a", "ab", "\u00e4\u00f6\u00fc", "abcd", "args.auth.id", "item", "x\ny"}[r.IntN(8)]
	case "integer", "number":
		return []any{-1, 0, 1, 2, 3, 1.5, json.Number("2.0"), -0.25, json.Number("1e1")}[r.IntN(9)]
	case "boolean":
		return r.IntN(2) == 0
	case "array":
		list := []any{}
		for range r.IntN(3) {
			list = append(list, generateBody(r, schema["items"].(map[string]any)))
		}
		return list
	}
	object := map[string]any{}
	for name, s := range schema["properties"].(map[string]any) {
		if r.IntN(5) > 0 {
			object[name] = generateBody(r, s.(map[string]any))
		}
	}
	if r.IntN(8) == 0 {
		object[fmt.Sprint("other", r.IntN(3))] = 1
	}
	return object
}
