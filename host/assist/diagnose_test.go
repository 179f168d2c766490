package assist

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/host/policyfile"
	"golang.org/x/tools/txtar"
)

// open is the disk, with one text that is not saved.
type open struct {
	policyfile.Disk
	path, text string
}

func (o open) Read(path string, limit int64) ([]byte, error) {
	if path == o.path {
		return []byte(o.text), nil
	}
	return o.Disk.Read(path, limit)
}

func (o open) IsFile(path string) bool { return path == o.path || o.Disk.IsFile(path) }

func diagnose(path, text string) []Diagnostic {
	found, _ := Diagnose(open{path: path, text: text}, path, nil)
	return found
}

func TestDiagnose(t *testing.T) {
	for _, test := range []struct {
		text     string
		want     string // in the message
		at       string // the text of the range
		code     string
		repaired string // the text after the first fix; "" for none
	}{
		{"routs: []\n", "unknown key", "routs", "fault", "routes: []\n"},
		{"routes:\n  - {match: {path: /a}, rule: {rule: matc, type: string, eval: \"==\", f1: a, f2: b}}\n", "did you mean", "matc", "fault",
			"routes:\n  - {match: {path: /a}, rule: {rule: match, type: string, eval: \"==\", f1: a, f2: b}}\n"},
		{"routes:\n  - match: {path: /a}\n    rule: {rule: match, type: string, eval: \"==\", f1: \"utils.lowr(args.auth.id)\", f2: b}\n", "unknown function", `"utils.lowr(args.auth.id)"`, "fault",
			"routes:\n  - match: {path: /a}\n    rule: {rule: match, type: string, eval: \"==\", f1: \"utils.lower(args.auth.id)\", f2: b}\n"},
		{"routes:\n  - match: {path: /a}\n    rule: {rule: match, type: string, eval: \"==\", f1: args.autth.id, f2: b}\n", "did you mean", "args.autth.id", "fault",
			"routes:\n  - match: {path: /a}\n    rule: {rule: match, type: string, eval: \"==\", f1: args.auth.id, f2: b}\n"},
		{"routes:\n  - match: {path: /a}\n    rule:\n      rule: match\n      eval: !=\n", "put the operator in quotes", "!=", "fault",
			"routes:\n  - match: {path: /a}\n    rule:\n      rule: match\n      eval: \"!=\"\n"},
		{"routes:\n  - match: {path: /a, methods: [GTE]}\n    rule: {rule: allow}\n", "not a method", "GTE", "fault",
			"routes:\n  - match: {path: /a, methods: [GET]}\n    rule: {rule: allow}\n"},
		{"routes:\n  - match: {path: \"/{all...}\"}\n    rule: {rule: allow}\n", "", "{", "allow-all",
			"routes:\n  - lint: {off: [allow-all], why: \"say why\"}\n    match: {path: \"/{all...}\"}\n    rule: {rule: allow}\n"},
		{"# TODO: which role?\nroutes:\n  - {match: {path: /a}, rule: {rule: allow}}\n", "an import has left a question", "# TODO", "todo",
			"routes:\n  - {match: {path: /a}, rule: {rule: allow}}\n"},
		{"routes:\n  - {match: {path: /a, rule: {rule: allow}}\n", "", "", "fault", ""},
	} {
		found := diagnose("policy.yaml", test.text)
		if len(found) == 0 {
			t.Errorf("%q: nothing found", test.text)
			continue
		}
		d := found[0]
		token := part(strings.Split(test.text, "\n"), d.Range)
		if !strings.Contains(d.Message, test.want) || test.at != "" && token != test.at || d.Code != test.code {
			t.Errorf("%q: %s %q at %q", test.text, d.Code, d.Message, token)
		}
		switch {
		case test.repaired == "" && len(d.Fixes) > 0:
			t.Errorf("%q: a fix %v", test.text, d.Fixes)
		case test.repaired != "" && len(d.Fixes) == 0:
			t.Errorf("%q: no fix for %s", test.text, d.Message)
		case test.repaired != "":
			if got := apply(test.text, d.Fixes[0].Edits...); got != test.repaired {
				t.Errorf("%q: repaired to %q", test.text, got)
			}
		}
	}
}

// Each fix takes its fault away, in all cases with faults.
func TestFixesHelp(t *testing.T) {
	files, err := filepath.Glob("../../testdata/cases/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	fixed := 0
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range txtar.Parse(data).Files {
			if part.Name != "policy.yaml" {
				continue
			}
			text := string(part.Data)
			for _, d := range diagnose("policy.yaml", text) {
				for _, fix := range d.Fixes {
					fixed++
					for _, after := range diagnose("policy.yaml", apply(text, fix.Edits...)) {
						if after.Message == d.Message && after.Range == d.Range {
							t.Errorf("%s: %q does not help against %s", name, fix.Title, d.Message)
						}
					}
				}
			}
		}
	}
	if fixed < 20 {
		t.Errorf("only %d fixes in the cases", fixed)
	}
	t.Logf("%d fixes", fixed)
}

// Nothing panics at any place of any text, and an answer is bounded.
func FuzzAssist(f *testing.F) {
	f.Add(policyText, 12, 30)
	f.Add("- {name: a, for: /a, never: allowed, when: {rule: deny}}\n", 1, 20)
	f.Add("tests:\n  - {name: a, as: x, request: GET /}\n", 2, 18)
	f.Add("a: &a [*a]\nroutes: *a", 2, 9)
	f.Add("routes: [{rule: {{{", 1, 19)
	f.Fuzz(func(t *testing.T, text string, line, column int) {
		p := Position{line % 100, column % 200}
		for _, name := range []string{"policy.yaml", "policy_test.yaml", "claims.yaml"} {
			d := Document{name, text}
			if items := d.Complete(p); len(items) > maxItems {
				t.Errorf("%d items", len(items))
			}
			d.Hover(p)
			d.Uses(p)
			diagnose(name, text)
		}
	})
}
