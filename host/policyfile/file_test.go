package policyfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rulegate/rulegate/rules/policy"
)

func parse(text string) (*File, error) { return Parse("policy.yaml", []byte(text)) }

// Places are those of the file, whatever its line ends and characters are.
func TestPositions(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want map[string]position
	}{
		"blocks": {"# c\na: 1\nb:\n  - x: é\n    y: 2\n  -   z\nc: |\n  text\n  more\nd:\n", map[string]position{
			"": {2, 1}, "a": {2, 4}, "b": {4, 3}, "b[0]": {4, 5}, "b[0].x": {4, 8}, "b[0].y": {5, 8}, "b[1]": {6, 7}, "c": {7, 4}}},
		"braces":          {"a: {é: ä, \"b.c\": [1, 2]}", map[string]position{"a": {1, 4}, `a["é"]`: {1, 8}, `a["b.c"]`: {1, 18}, `a["b.c"][1]`: {1, 22}}},
		"CRLF":            {"a: 1\r\nb:\r\n  c: 2\r\n", map[string]position{"a": {1, 4}, "b.c": {3, 6}}},
		"byte order mark": {"\ufeffa: 1\nb: 2", map[string]position{"a": {1, 4}, "b": {2, 4}}},
		"JSON":            {"{\"a\": 1,\n\t\"é\": [true,\n {\"b\":\t null}]}\n", map[string]position{"": {1, 1}, "a": {1, 7}, `["é"]`: {2, 7}, `["é"][0]`: {2, 8}, `["é"][1]`: {3, 2}, `["é"][1].b`: {3, 9}}},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := parse(c.text)
			if err != nil {
				t.Fatal(err)
			}
			for place, want := range c.want {
				if got := f.marks[place].value; got != want {
					t.Errorf("%s is at %v, want %v", place, got, want)
				}
			}
		})
	}
}

func TestJSON(t *testing.T) {
	f, err := Parse("policy.json", []byte(`{"limits": {"depth": 12345678901234567890, "a\u0062": "\u00e9"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := f.Doc.String(), `{"limits": {"depth": 12345678901234567890, "a\u0062": "\u00e9"}}`; got != want {
		t.Errorf("got %s", got)
	}
	for text, want := range map[string]string{
		"{\"a\": 1,\n \"a\": 2}":  "p.json:2:2: repeated key",
		"{\"a\": 1,\n \"é\": 2,}": "p.json:2:9: want a key, found '}'",
		"a: 1":                    "p.json:1:1: want a value, found 'a'",
		"{\n// a\n\"b\": 1}":      "p.json:2:1: JSON has no comments",
		"":                        "p.json:1:1: want a value, found the end",
		"{} {}":                   "p.json:1:4: want the end, found '{'",
	} {
		_, err := Parse("p.json", []byte(text))
		if err == nil {
			t.Errorf("%q: no fault", text)
			continue
		}
		if got, _, _ := strings.Cut(err.Error(), "\n"); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Every fault comes with its line and a caret, in the order of the file.
func TestLoadReports(t *testing.T) {
	path := write(t, "policy.yaml", `project: shop
auth:
  tokens:
    - {name: own, alg: HS265, secret: hunter2hunter2}
routes:
  - name: a
    match: {path: "/a//b"}
    rulee: {rule: allow}
  - match: {path: /ä, metods: [GET]}
    rule:
      rule: and
      clauses:
        - rule: match
          type: strin
          eval: "=="
          f1: args.auth.id
          f2: x
          f3: y
`)
	_, f, _, err := Load(path, policy.Options{})
	if f == nil || err == nil {
		t.Fatal(f, err)
	}
	want := `policy.yaml:4:24: auth.tokens[0].alg: want one of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519; did you mean HS256?
  4 |     - {name: own, alg: HS265, secret: **************}
    |                        ^
policy.yaml:6:5: routes[0].rule: missing; want an object
  6 |   - name: a
    |     ^
policy.yaml:7:19: routes[0].match.path: an empty segment: no request that has one is let in
  7 |     match: {path: "/a//b"}
    |                   ^
policy.yaml:8:5: routes[0].rulee: unknown key ` + "`rulee`: did you mean `rule`?" + `
  8 |     rulee: {rule: allow}
    |     ^
policy.yaml:9:23: routes[1].match.metods: unknown key ` + "`metods`: did you mean `methods`?" + `
  9 |   - match: {path: /ä, metods: [GET]}
    |                       ^
policy.yaml:14:17: routes[1].rule.clauses[0].type: unknown type "strin": want one of string, number, bool, date, ip, any; did you mean string?
  14 |           type: strin
     |                 ^
policy.yaml:18:11: routes[1].rule.clauses[0].f3: a rule match has no field "f3"
  18 |           f3: y
     |           ^`
	got := strings.ReplaceAll(err.Error(), path, "policy.yaml")
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("(- want, + got):\n%s", diff)
	}
}

// Secrets are in no excerpt, in whatever form they stand in the file.
func TestExcerptsHideSecrets(t *testing.T) {
	for name, text := range map[string]string{
		"on the line of a fault":    "auth: {tokens: [{secret: hunter2, algg: HS256}]}",
		"in quotes":                 "auth: {tokens: [{secret: \"hunter2\", algg: HS256}]}",
		"escaped":                   `auth: {tokens: [{secret: "\x68unter2hunter2", algg: HS256}]}`,
		"under a misspelt key":      "auth: {tokens: [{scret: hunter2}]}",
		"the key twice":             "auth: {tokens: [{secret: a, secret: hunter2}]}",
		"under a number":            "auth: {tokens: [{1: hunter2}]}",
		"a key set":                 "auth: {tokens: [{jwks: {keys: [{kty: oct, kid: a, k: hunter2}]}}]}",
		"an aesKey":                 "crypto: {aesKey: hunter2}",
		"a companion's":             "companion: {timeout: x, secrets: [hunter2, b]}",
		"a connection":              "databases: {d: {type: mango, conn: 'mongodb://u:hunter2@h/'}}",
		"by an alias":               "gateway: &s hunter2\ncompanion: {secret: *s}\nmode: 1",
		"in JSON":                   `{"companion": {"secret": "hunter2", "x": 1}}`,
		"in a broken file":          "companion: {secret: hunter2",
		"in a broken line":          "companion:\n  secret: \"hunter2\" x",
		"before more":               "auth: {tokens: [{secret: 'hunter2\n  hunter2', primary: 1}]}",
		"in a folded text":          "auth:\n  tokens:\n    - secret: hunter2\n        hunter2\n      primary: 1\n    - secret: >\n        hunter2\n\n        hunter2\n      primary: 1",
		"in a block":                "auth:\n  tokens:\n    - privateKey: |\n        hunter2\n        hunter2\n      primary: 1",
		"in lines":                  "auth:\n  tokens:\n    - privateKey: \"hunter2\n        hunter2\"\n      primary: 1",
		"with a variable beside":    "companion: {secret: \"hunter2${X}\", y: 1}",
		"after a control character": "crypto: {aesKey: hunter2\x01}",
	} {
		t.Run(name, func(t *testing.T) {
			_, _, _, err := Load(write(t, "policy.yaml", text), policy.Options{Getenv: func(string) (string, bool) { return "", false }})
			if err == nil {
				t.Fatal("no fault")
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%v", err)
			}
		})
	}
	_, _, _, err := Load(write(t, "policy.yaml", "companion: {secret: \"${X}\", cluster: c1, y: 1}"), policy.Options{Getenv: func(string) (string, bool) { return "", false }})
	if err == nil || !strings.Contains(err.Error(), `{secret: "${X}", cluster: c1,`) {
		t.Errorf("a variable or an open value is hidden: %v", err)
	}
}

func TestLoadDefaults(t *testing.T) {
	t.Setenv("POLICYFILE_TEST", "from the environment")
	path := write(t, "policy.yaml", "project: p\napiPrefix: '/${file:sub.txt}'\ncompanion: {secret: '${POLICYFILE_TEST}'}\nservices: {s: {endpoints: {e: {rule: {rule: allow}}}}}")
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "sub.txt"), []byte("v2\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, f, warnings, err := Load(path, policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	host, _ := os.Hostname()
	if _, err := p.Find("POST", "h", "/v2/p/services/s/e"); err != nil || p.Companion.Secrets[0] != "from the environment" || p.Gateway != host {
		t.Errorf("%+v", p)
	}
	if got := f.Doc.Key("companion").String(); got != `{"secret":"${POLICYFILE_TEST}"}` {
		t.Errorf("Doc is substituted: %s", got)
	}
	want := path + ":3:21: warning: companion.secret: a secret of 20 bytes; one that cannot be guessed has 32 or more [short-secret]\n" +
		"  3 | companion: {secret: '${POLICYFILE_TEST}'}\n    |                     ^"
	if len(warnings) != 1 || f.Warning(warnings[0]) != want {
		t.Errorf("%v\n%s", warnings, f.Warning(warnings[0]))
	}
	if _, _, _, err := Load(filepath.Join(t.TempDir(), "none.yaml"), policy.Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if _, err := Read(write(t, "large.yaml", "a: "+strings.Repeat("x", maxFile))); err == nil || !strings.Contains(err.Error(), "more than 4 MiB") {
		t.Error(err)
	}
}

// A long line is shown around the fault.
func TestLongLine(t *testing.T) {
	_, err := parse("{a: [" + strings.Repeat("xxxxx, ", 100) + "010, " + strings.Repeat("yyyyy, ", 100) + "z]}")
	if err == nil {
		t.Fatal("no fault")
	}
	lines := strings.Split(err.Error(), "\n")
	at := strings.IndexByte(lines[2], '^')
	if len(lines) != 3 || !strings.HasPrefix(string([]rune(lines[1])[at:]), "010,") || len([]rune(lines[1])) > 140 {
		t.Errorf("%s", err)
	}
}

func FuzzParse(f *testing.F) {
	seeds, _ := filepath.Glob("../../envoy/*/policy.yaml")
	for _, s := range seeds {
		if data, err := os.ReadFile(s); err == nil {
			f.Add(data)
		}
	}
	for _, s := range []string{"a: &a [*a]", "? [x]\n: y", "a: |\n  b", "{\"a\": [1]}", "a: 'b\n  c'", "- - - a", "a: !!x y", "&a b: *a", "<<: {}", "a: \"\\ud800\"", "%YAML 1.2\n---\na", "a:\r\n\tb", "\ufeff{}", "a: >+\n\n b\n", "{a: 1, a}", "[a: b]", "? a", "*a : b", "a: &x\nb: *x", "--- a\n---\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4<<10 {
			return
		}
		file, err := Parse("policy.yaml", data)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || len(e.Faults) == 0 {
				t.Fatalf("%v", err)
			}
			_ = e.Error()
			return
		}
		_, _, err = policy.Load(file.Doc, policy.Options{})
		_ = err
	})
}

func BenchmarkLoad(b *testing.B) {
	text := "routes:\n" + strings.Repeat("  - match: {path: '/v1/rN/{id}', methods: [GET]}\n    rule:\n      rule: match\n      type: string\n      eval: '=='\n      f1: args.auth.id\n      f2: args.request.vars.id\n", 1000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
