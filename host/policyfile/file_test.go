package policyfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rulegate/rulegate/rules/policy"
)

func parse(text string) (*File, error) { return Parse("policy.yaml", []byte(text)) }

// Scalars are read by YAML 1.2's core schema, numbers digit for digit.
func TestScalars(t *testing.T) {
	for in, want := range map[string]string{
		"yes": `"yes"`, "no": `"no"`, "on": `"on"`, "y": `"y"`, "Yes": `"Yes"`,
		"true": "true", "False": "false", "TRUE": "true", "tRue": `"tRue"`,
		"null": "null", "~": "null", "": "null", "NULL": "null", "nil": `"nil"`,
		"0": "0", "-0": "-0", "42": "42", "+42": "42", "12345678901234567890123": "12345678901234567890123", "9007199254740993": "9007199254740993",
		"1.0": "1.0", "1.10": "1.10", ".5": "0.5", "-.5": "-0.5", "+1.5": "1.5", "1.": "1", "1.e3": "1e3", "1e3": "1e3", "1E-3": "1E-3", "1e400": "1e400",
		"0x1F": "31", "0o17": "15",
		"2020-01-01": `"2020-01-01"`, "2020-01-01T00:00:00Z": `"2020-01-01T00:00:00Z"`, "1:30": `"1:30"`, "10.0.0.1": `"10.0.0.1"`, "1-2": `"1-2"`,
		"'1'": `"1"`, `"1"`: `"1"`, "'true'": `"true"`, "'it''s'": `"it's"`, `"a\tb\u00e9\x41"`: "\"a\\tb\u00e9A\"", "é": `"é"`,
		"a#b": `"a#b"`, "a # b": `"a"`, "a:b": `"a:b"`, "http://a/b": `"http://a/b"`, "-a": `"-a"`,
		"|\n  a\n   b\n": `"a\n b\n"`, "|-\n  a\n": `"a"`, ">-\n  a\n  b\n": `"a b"`, "a\n  b": `"a b"`,
		"[]": "[]", "{}": "{}", "[1, [a]]": `[1,["a"]]`, "{a: 1, b: }": `{"a":1,"b":null}`,
	} {
		f, err := parse("k: " + in)
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if got := f.Doc.Key("k").String(); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

// Values that JSON lacks, or that readers of YAML disagree on, are refused at
// their place.
func TestHazards(t *testing.T) {
	const doubtful = "a number that is read in different ways; write it in decimal, or in quotes if it is a text"
	for name, c := range map[string]struct{ bad, want, good string }{
		"an octal of YAML 1.1":     {"a: 010", "1:4: a: " + doubtful, "a: '010'"},
		"a number with leading 0":  {"a: 01.5", "1:4: a: " + doubtful, "a: 1.5"},
		"underscores in a number":  {"a: 1_000", "1:4: a: " + doubtful, "a: a_1"},
		"a binary number":          {"a: 0b11", "1:4: a: " + doubtful, "a: 3"},
		"infinity":                 {"a: .inf", "1:4: a: JSON has no such number; put it in quotes if it is a text", "a: inf"},
		"not a number":             {"a: .NaN", "1:4: a: JSON has no such number; put it in quotes if it is a text", "a: NaN"},
		"a key twice":              {"a: 1\nb: 2\n'a': 3", "3:1: a: the key is there already, on line 1", "a: 1\nb: 2\n'A': 3"},
		"a key twice in braces":    {"x: {a: 1, a: 1}", "1:11: x.a: the key is there already, on line 1", "x: {a: 1, b: 1}"},
		"a key that is a number":   {"1: a", "1:1: want a string as key; put it in quotes", "'1': a"},
		"a key that is a bool":     {"x: {true: a}", "1:5: x: want a string as key; put it in quotes", "x: {'true': a}"},
		"a large number as key":    {"12345678901234567890123: a", "1:1: want a string as key; put it in quotes", "x12345678901234567890123: a"},
		"a key that is null":       {"~: a", "1:1: want a string as key; put it in quotes", "'~': a"},
		"a key that is a list":     {"? [a]\n: b", "1:3: want a string as key; put it in quotes", "a: b"},
		"a key that is an alias":   {"a: &x b\n*x : c", "2:1: want a string as key; put it in quotes", "a: &x b\nc: *x"},
		"a merge key":              {"a: &a {x: 1}\nb:\n  <<: *a", "3:3: b: merge keys (<<) are not allowed; write the keys, or use an alias for a whole value", "a: &a {x: 1}\nb: *a"},
		"a tag":                    {"a: !!str 1", "1:4: a: tags are not allowed; put a text in quotes", "a: '1'"},
		"an empty tag":             {"a: ! 1", "1:4: a: tags are not allowed; put a text in quotes", "a: '! 1'"},
		"a directive":              {"%YAML 1.1\n---\na: 1", "1:1: directives are not allowed: the file is YAML 1.2", "---\na: 1"},
		"a directive for tags":     {"%TAG ! x\n---\na: 1", "1:1: directives are not allowed: the file is YAML 1.2", "---\na: 1"},
		"two documents":            {"a: 1\n---\nb: 2", "3:1: a second document; a policy file has one", "---\na: 1\n"},
		"two documents by ...":     {"a: 1\n...\nb: 2", "3:1: a second document; a policy file has one", "a: 1\n...\n"},
		"an empty file":            {"", "1:1: empty; want an object", "{}"},
		"only comments":            {"# a\n# b\n", "1:1: empty; want an object", "# a\n{}"},
		"an unknown alias":         {"a: *x", "1:4: no anchor of this name before it; put the text in quotes if it is one", "x: &x 1\na: *x"},
		"an alias to itself":       {"a: &a [*a]", "1:8: a[0]: an alias inside its own anchor", "a: &a [b]\nb: *a"},
		"a missing space":          {"x: {a:b}", "1:5: x: want a space after the colon", "x: {a: b, \"c\":d, e:}"},
		"a capture in braces":      {"x: {path: {id}}", "1:12: x.path: `id` has no value here; put the text in quotes if the comma or the braces belong to it", "x: {path: '{id}', a: {id: }}"},
		"a text in braces":         {"x: {a: 1, b}", "1:11: x: `b` has no value here; put the text in quotes if the comma or the braces belong to it", "x: {a: 1, b:}"},
		"a number with commas":     {"x: {a: 1,000}", "1:10: x: `000` has no value here; put the text in quotes if the comma or the braces belong to it", "x: {a: 1000}"},
		"a list without a key":     {"x: {rule: or, [a]}", "1:15: x: a list without a key; the list of a rule goes under `clauses:`", "x: {rule: or, clauses: [a]}"},
		"a comment of C":           {"a: b // c", "1:4: a: a comment begins with #; put the text in quotes if this is none", "a: 'b // c' # c\nd: http://e"},
		"a port in brackets":       {"x: {a:80}", "1:5: x: want a space after the colon", "x: [a:80]"},
		"half a surrogate pair":    {`a: "\ud800"`, "1:7: this escape is not a character; write the character itself", `a: "\U0001f600"`},
		"not UTF-8":                {"a: b\nc: \"\xff\"", "2:5: not UTF-8", "a: b\nc: \"ÿ\""},
		"a control character":      {"a: \x01", "1:4: a control character (U+0001)", "a: \"\\x01\""},
		"a carriage return":        {"a: b\rc: d", "1:5: a control character (U+000D)", "a: b\r\nc: d\r\n"},
		"a line end of YAML 1.1":   {"a: b\u0085c: d", "1:5: a character that some readers take for the end of the line; write it as an escape in double quotes", `a: "b\u0085c: d"`},
		"a line separator":         {"a: b\u2028c", "1:5: a character that some readers take for the end of the line; write it as an escape in double quotes", `a: "b\u2028c"`},
		"nested too deep":          {"a: " + strings.Repeat("[", 200) + strings.Repeat("]", 200), "1:132: a" + strings.Repeat("[0]", 128) + ": nested deeper than 128", "a: " + strings.Repeat("[", 100) + strings.Repeat("]", 100)},
		"nested too deep by lists": {strings.Repeat("- ", 200) + "a", "1:259: " + strings.Repeat("[0]", 129) + ": nested deeper than 128", strings.Repeat("- ", 100) + "a"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parse(c.good); err != nil {
				t.Errorf("%q: %v", c.good, err)
			}
			_, err := parse(c.bad)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("%q: %v", c.bad, err)
			}
			got, _, _ := strings.Cut(e.Error(), "\n  ")
			if got != "policy.yaml:"+c.want {
				t.Errorf("got  %s\nwant policy.yaml:%s", got, c.want)
			}
		})
	}
}

// A file that is not YAML gets a message that says what to change, at its place.
func TestSyntax(t *testing.T) {
	for bad, c := range map[string]struct{ want, good string }{
		"eval: >=\nf1: x":        {"1:7: put the operator in quotes: \">=\"", "eval: \">=\"\nf1: x"},
		"{eval: >=, f1: x}":      {"1:8: put the operator in quotes: \">=\"", "{eval: \">=\", f1: x}"},
		"{eval: >, f1: x}":       {"1:8: put the operator in quotes: \">\"", "{eval: \">\", f1: x}"},
		"{eval: !=, f1: x}":      {"1:8: eval: put the operator in quotes: \"!=\"", "{eval: \"!=\", f1: x}"},
		"eval: !=\nf1: x":        {"1:7: eval: put the operator in quotes: \"!=\"", "eval: ==\nf1: x"},
		"eval: >\nf1: x":         {"1:7: eval: put the operator in quotes: \">\"", "eval: <\nf1: x"},
		"{path: /orders/{id}}":   {"1:8: put the text in quotes: brackets and braces end it here", "{path: '/orders/{id}'}"},
		"{path: /a/{b}/c, d: e}": {"1:8: put the text in quotes: brackets and braces end it here", "path: /a/{b}/c"},
		"{secret: ${X}}":         {"1:10: put the text in quotes: brackets and braces end it here", "{secret: '${X}'}"},
		"x: {a: b]c}":            {"1:8: put the text in quotes: brackets and braces end it here", "x: {a: 'b]c'}"},
		"a: [b}":                 {"1:6: want ',' or ']' to go on with the brackets of line 1, column 4", "a: [b]"},
		"a: [1\nb: 2":            {"2:1: want ',' or ']' before this key: the bracket in line 1, column 4 is still open", "a: [1]\nb: 2"},
		"a: {b: c":               {"1:4: this bracket is never closed", "a: {b: c}"},
		"x: {a: 1 b: 2}":         {"1:10: want ',' or '}' before this key; is a comma missing?", "x: {a: 1, b: 2}"},
		"x: {a: - b}":            {"1:8: want a value, found '-'; put a text in quotes", "x: {a: -b}"},
		"x: {a: 1,, b: 2}":       {"1:10: want a value, found ','; put a text in quotes", "x: {a: 1, b: 2}"},
		"x: ,a":                  {"1:4: want a value, found ','; put a text in quotes", "x: a,"},
		"x: [a]]":                {"1:7: want the end of the line, found ']'; put the whole text in quotes", "x: [a]"},
		"a: \"b\" c":             {"1:8: want the end of the line, found 'c'; put the whole text in quotes", "a: '\"b\" c'"},
		"// shop\na: 1":          {"1:1: a comment begins with #", "# shop\na: 1"},
		"a: {b: c} // d":         {"1:11: a comment begins with #", "a: {b: c} # d"},
		"a:\n  // b\n  c: 2":     {"2:3: a comment begins with #", "a:\n  # b\n  c: 2"},
		"a:\n\tb: 1":             {"2:1: a tab; YAML is indented with spaces", "a:\n  b: 1"},
		"a:\n  - b\n\t- c":       {"3:1: a tab; YAML is indented with spaces", "a:\n  - b\n  - c"},
		"a: 1\n\tb: 2":           {"2:1: a tab; YAML is indented with spaces", "a: 1\nb: 2"},
		"r: or\n  - a: b":        {"2:3: a list under a value: line 1 has a value already; the list of a rule goes under `clauses:`", "r:\n  - a: b"},
		"r: or\n- a: b":          {"2:1: a list under a value: line 1 has a value already; the list of a rule goes under `clauses:`", "r:\n- a: b"},
		"r:\n  - a: b\n  c: d":   {"3:3: want a dash, as in line 2; or indent this line more if it belongs to the element above", "r:\n  - a: b\n    c: d"},
		"r:\n  - a: b\n c: d":    {"3:2: the indentation is that of no line above; align this key with the keys that it belongs to", "r:\n  - a: b\nc: d"},
		"a: 1\n  b: 2":           {"2:3: a key under a value: line 1 has a value already; indent this line less", "a:\n  b: 2"},
		"f1: a, f2: b":           {"1:10: a second colon in one line; put the text in quotes, or the keys in braces", "{f1: a, f2: b}"},
		"a: @b":                  {"1:4: put the text in quotes: '@' cannot begin one", "a: '@b'"},
		`a: "^\d+$"`:             {"1:6: an unknown escape; between single quotes a backslash is only a backslash", `a: '^\d+$'`},
		"a: >18\nb: c":           {"1:4: put the text in quotes: '>' begins a text of several lines", "a: '>18'\nb: c"},
		"a: |x":                  {"1:4: put the text in quotes: '|' begins a text of several lines", "a: x|"},
		"a: *":                   {"1:4: put the text in quotes: '*' begins a name of YAML", "a: '*'"},
		"a: [*, b]":              {"1:5: put the text in quotes: '*' begins a name of YAML", "a: ['*', b]"},
		"a: [*.b.c]":             {"1:5: no anchor of this name before it; put the text in quotes if it is one", "a: ['*.b.c']"},
		"a: &":                   {"1:4: put the text in quotes: '&' begins a name of YAML", "a: x&"},
		"a: no: b":               {"1:6: a second colon in one line; put the text in quotes, or the keys in braces", "a: 'no: b'"},
		"a: - b":                 {"1:4: a list begins on a line of its own, or in brackets: [a, b]", "a: [b]"},
		"a: 1\nb\nc: 2":          {"2:1: want `key: value`", "a: 1\nb:\nc: 2"},
		"a: \"x\nb: c":           {"1:4: this quote is never closed", "a: \"x\"\nb: c"},
		"a: 'it's'":              {"1:8: want the end of the line, found 's'; put the whole text in quotes", "a: 'it''s'"},
	} {
		t.Run(bad, func(t *testing.T) {
			if _, err := parse(c.good); err != nil {
				t.Errorf("%q: %v", c.good, err)
			}
			_, err := parse(bad)
			if err == nil {
				t.Fatal("no fault")
			}
			if got, _, _ := strings.Cut(err.Error(), "\n  "); got != "policy.yaml:"+c.want {
				t.Errorf("got  %s\nwant policy.yaml:%s", got, c.want)
			}
		})
	}
}

// Hostile files are refused, or read, in the time of reading them.
func TestHostile(t *testing.T) {
	const n = 1 << 20
	for name, text := range map[string]string{
		"open brackets":    strings.Repeat("[", n),
		"open braces":      strings.Repeat("{a: ", n/4),
		"dashes":           strings.Repeat("- ", n/2),
		"question marks":   strings.Repeat("? ", n/2),
		"dashes and marks": strings.Repeat("- ? ", n/4),
		"tags":             "a: " + strings.Repeat("!a ", n/3),
		"anchors":          "a: " + strings.Repeat("&a ", n/3),
		"many anchors":     "a: [" + strings.Repeat("&a b, ", n/6) + "]",
		"a long key":       strings.Repeat("k", n) + ": 1",
		"a long line":      "a: \"" + strings.Repeat("x", n),
		"many lines":       strings.Repeat("a\n", n/2),
		"many comments":    strings.Repeat("# a\n", n/4) + "a: [",
		"many faults":      "a: [" + strings.Repeat("010, ", n/5) + "]",
		"many keys":        "{" + strings.Repeat("a: 1, ", n/6) + "}",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := parse(text)
			if err != nil {
				_ = err.Error()
			}
			if d := time.Since(start); d > 20*time.Second {
				t.Errorf("it took %v", d)
			}
			t.Log(time.Since(start))
		})
	}
}

// Aliases that repeat aliases do not fill the memory.
func TestAliasBomb(t *testing.T) {
	text := "a00: &a00 [x, x, x, x, x, x, x, x, x]\n"
	for i := range 30 {
		prev, next := i, i+1
		text += "a" + itoa(next) + ": &a" + itoa(next) + " [" + strings.Repeat("*a"+itoa(prev)+", ", 8) + "*a" + itoa(prev) + "]\n"
	}
	start := time.Now()
	_, err := parse(text)
	if err == nil || !strings.Contains(err.Error(), "aliases repeat more than 100000 values") {
		t.Errorf("%v", err)
	}
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("it took %v", d)
	}
}

func itoa(n int) string { return string([]byte{byte('0' + n/10), byte('0' + n%10)}) }

// An alias is the value of its anchor, and faults in it stand at the anchor.
func TestAliases(t *testing.T) {
	f, err := parse("a: &x {k: [1, 2]}\nb: *x\nc: &x 3\nd: *x\ne: [*x, &y z, *y]\n")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := f.Doc.String(), `{"a":{"k":[1,2]},"b":{"k":[1,2]},"c":3,"d":3,"e":[3,"z","z"]}`; got != want {
		t.Errorf("got %s", got)
	}
	for place, want := range map[string]position{"b": {2, 4}, "b.k": {1, 11}, "b.k[1]": {1, 15}, "d": {4, 4}, "e[2]": {5, 15}} {
		if got := f.marks[place].value; got != want {
			t.Errorf("%s is at %v, want %v", place, got, want)
		}
	}
}

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
	want := `policy.yaml:4:24: auth.tokens[0].alg: want one of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA; did you mean HS256?
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
policy.yaml:14:17: routes[1].rule.clauses[0].type: unknown type "strin": want one of string, number, bool, date, ip; did you mean string?
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
