package policyfile

import (
	"errors"
	"strings"
	"testing"
	"time"
)

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

// A file that is not YAML gets a message that names the change to make, at its
// place.
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
		"{ // b\n\"a\": 1}":      {"1:3: a comment begins with #; put the text in quotes if this is none", "{ # b\n\"a\": 1}"},
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
