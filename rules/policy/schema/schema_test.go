//go:build !wasip1

package schema

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite schema.json")

// schema.json is the output of `rulegate schema`.
func TestSchemaIsShipped(t *testing.T) {
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(JSON().String()), "", "  "); err != nil {
		t.Fatal(err)
	}
	out.WriteByte('\n')
	if *update {
		if err := os.WriteFile("schema.json", out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	shipped, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(shipped, out.Bytes()) {
		t.Error("schema.json is not that of the model; run go test ./rules/policy/schema -update")
	}
}

func compiled(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(JSON().String()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func valid(t testing.TB, s *jsonschema.Schema, text string) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return s.Validate(v)
}

// The policies of the cases and of the examples that load are valid by the schema.
func TestSchemaTakesPolicies(t *testing.T) {
	s := compiled(t)
	files, err := filepath.Glob("../../../testdata/cases/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	policies := map[string][]byte{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var policy []byte
		for _, part := range txtar.Parse(data).Files {
			switch part.Name {
			case "policy.yaml":
				policy = part.Data
			case "loads.yaml":
				policies[f+"/loads.yaml"] = part.Data
			case "faults":
				policy = nil
			}
		}
		if policy != nil {
			policies[f] = policy
		}
	}
	quick, err := filepath.Glob("../../../envoy/*/policy.yaml")
	if err != nil || len(quick) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, f := range quick {
		if policies[f], err = os.ReadFile(f); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range policies {
		var doc any
		if err := yaml.Load(text, &doc); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		data, err := json.Marshal(doc)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := valid(t, s, string(data)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A document that breaks the model is not valid by the schema.
func TestSchemaRefuses(t *testing.T) {
	s := compiled(t)
	for bad, good := range map[string]string{
		`{"routs":[]}`:                              `{"routes":[]}`,
		`{"project":1}`:                             `{"project":"p"}`,
		`{"limits":{"depth":0}}`:                    `{"limits":{"depth":1}}`,
		`{"limits":{"requestBody":"1MB"}}`:          `{"limits":{"requestBody":"1MiB"}}`,
		`{"auth":{"leeway":"x"}}`:                   `{"auth":{"leeway":"1m30s"}}`,
		`{"mode":"on"}`:                             `{"mode":"${MODE}"}`,
		`{"routes":[{"match":{"path":"/"}}]}`:       `{"routes":[{"match":{"path":"/"},"rule":{"rule":"allow"}}]}`,
		`{"files":[{"prefix":"/"}]}`:                `{"files":[{"prefix":"/","rules":{}}]}`,
		`{"auth":{"tokens":[{"jwks":{"url":""}}]}}`: `{"auth":{"tokens":[{"jwks":{"keys":[{}]}}]}}`,
		`{"routes":[{"match":{"path":"/"},"auth":"maybe","rule":{"rule":"allow"}}]}`:             `{"routes":[{"match":{"path":"/"},"auth":{"providers":["a"]},"rule":{"rule":"allow"}}]}`,
		`{"routes":[{"match":{"path":"/"},"rule":{"rule":"allow"},"response":{"rule":"allw"}}]}`: `{"routes":[{"match":{"path":"/"},"rule":{"rule":"allow"},"response":{"rule":"allow"}}]}`,
		`{"files":[{"prefix":"/","rules":{},"response":{"rule":"allow"}}]}`:                      `{"files":[{"prefix":"/","rules":{},"response":{"read":{"rule":"allow"}}}]}`,
	} {
		if valid(t, s, bad) == nil {
			t.Errorf("valid: %s", bad)
		}
		if err := valid(t, s, good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
}

// The schema and rules.Compile agree on the fields of each rule, on those that it
// needs, and on the words that a field allows.
func TestSchemaOfRules(t *testing.T) {
	s := compiled(t)
	values := map[string]string{
		"type": `"string"`, "eval": `"=="`, "f1": `"args.a"`, "f2": `"args.a"`, "clauses": `[{"rule":"allow"}]`, "db": `"d"`, "col": `"c"`, "find": `{}`,
		"clause": `{"rule":"allow"}`, "store": `"args.x"`, "cache": `"5s"`, "url": `"https://a/"`, "claims": `{}`, "body": `1`,
		"field": `"args.a"`, "value": `1`, "fields": `["args.a"]`, "algorithm": `"aes-gcm"`, "encoding": `"hex"`, "onUnknown": `"drop"`, "keys": `["a"]`, "headers": `{"x-a":"b"}`, "of": `"named"`, "members": `true`, "optional": `true`, "status": `404`,
		"name": `"n"`, "error": `"e"`, "nonsense": `1`,
	}
	scope := &rules.Env{AESKey: make([]byte, 16), CanSign: true, Define: func(string) (value.Value, string, bool) {
		return value.Obj(value.Member{Key: "rule", Value: value.Str("allow")}), "define", true
	}}
	agree := func(t *testing.T, rule value.Value) {
		t.Helper()
		_, faults := rules.Compile(rule, "rule", scope)
		err := valid(t, s, `{"routes":[{"match":{"path":"/"},"rule":`+rule.String()+`}]}`)
		if (err == nil) != (len(faults) == 0) {
			t.Errorf("%s: schema %v, compiler %v", rule, err, faults)
		}
	}
	fields := make([]string, 0, len(values))
	for f := range values {
		fields = append(fields, f)
	}
	slices.Sort(fields)
	sample := func(field, kind string) value.Value {
		text := values[field]
		switch {
		case field == "algorithm" && kind == "hash":
			text = `"hmac-sha256"`
		case field == "clauses" && kind == "each":
			text = `[{"rule":"remove","fields":["item.a"]}]`
		}
		v, err := value.Parse(text, 9)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, r := range ruleShapes {
		whole := value.Obj(value.Member{Key: "rule", Value: value.Str(r.name)})
		for _, k := range r.shape.keys {
			whole = whole.With(k.name, sample(k.name, r.name))
		}
		agree(t, whole)
		for _, k := range r.shape.keys {
			agree(t, whole.Without(k.name))
			if k.shape != anyValue && k.shape != operand {
				agree(t, whole.With(k.name, value.Boolean(true)))
			}
			for _, word := range k.shape.words {
				changed := whole.With(k.name, value.Str(word))
				if word == "matches" {
					changed = changed.With("f2", value.Str("a")) // a pattern is written in the rule
				}
				agree(t, changed)
			}
		}
		for _, f := range fields {
			if whole.Key(f).Kind() == value.Missing {
				agree(t, whole.With(f, sample(f, r.name)))
			}
		}
	}
	match := func(typeName, eval string) value.Value {
		text := `{"rule":"match","type":"` + typeName + `","eval":"` + eval + `","f1":"args.a","f2":"args.b"}`
		if eval == "matches" {
			text = strings.Replace(text, "args.b", "b", 1)
		}
		v, err := value.Parse(text, 2)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	shape := ruleShapes[slices.IndexFunc(ruleShapes, func(k key) bool { return k.name == "match" })].shape
	for _, typeName := range shape.key("type").shape.words {
		for _, eval := range shape.key("eval").shape.words {
			agree(t, match(typeName, eval))
		}
	}
	agree(t, value.Obj(value.Member{Key: "rule", Value: value.Str("nonsense")}))
	agree(t, value.Obj())
}
