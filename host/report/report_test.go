package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/host/report/reporttest"
)

var cases = []Case{
	{Suite: "policy.yaml", Name: "policy.yaml", Findings: []Finding{
		{Code: "fault", Level: Error, Message: "routes[0].rule.f2: want number, found string", Detail: "12 | f2: x\n   |     ^", File: "policy.yaml", Line: 12, Column: 9},
		{Code: "or-allow", Level: Warning, Message: "always yes, 100% of the time: really", File: "a b/ü.yaml", Line: 3},
	}},
	{Suite: "policy.yaml", Name: "the second"},
	{Suite: "other.yaml", Name: "other.yaml", Findings: []Finding{{Code: "not-proved", Level: Note, Message: "a\x1b[31m text", File: "other.yaml"}}},
}

var about = map[string]string{"fault": "A fault.\nThe policy is not loaded.", "or-allow": "A branch that always holds."}

func TestGitHub(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, "github", "", cases, about); err != nil {
		t.Fatal(err)
	}
	want := "::error file=policy.yaml,line=12,col=9,title=fault::routes[0].rule.f2: want number, found string%0A12 | f2: x%0A   |     ^\n" +
		"::warning file=a b/ü.yaml,line=3,title=or-allow::always yes, 100%25 of the time: really\n" +
		"::notice file=other.yaml,title=not-proved::a\ufffd[31m text\n"
	if b.String() != want {
		t.Errorf("got\n%q\nwant\n%q", b.String(), want)
	}
}

func TestJUnit(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, "junit", "", cases, about); err != nil {
		t.Fatal(err)
	}
	var got JUnitReport
	if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatalf("%v\n%s", err, &b)
	}
	if got.Tests != 3 || got.Failures != 1 || len(got.Suites) != 2 || got.Suites[0].Tests != 2 || got.Suites[0].Failures != 1 {
		t.Errorf("%+v", got)
	}
	first, last := got.Suites[0].Cases[0], got.Suites[1].Cases[0]
	if f := first.Failure; f == nil || f.Message != "routes[0].rule.f2: want number, found string" || !strings.Contains(f.Text, "policy.yaml:12:9") || first.Line != 12 {
		t.Errorf("%+v", first)
	}
	if last.Failure != nil || !strings.Contains(last.Output, "other.yaml: a\ufffd[31m text [not-proved]") {
		t.Errorf("%+v", last)
	}
}

// The validator of SARIF's makers has nothing to say about a log.
func TestSARIF(t *testing.T) {
	validate := func(t *testing.T, text string) string {
		path := filepath.Join(t.TempDir(), "log.sarif")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return strings.Join(reporttest.SARIF(t, "../..", path), "\n")
	}
	var b bytes.Buffer
	if err := Write(&b, "sarif", "v0.1.0", cases, about); err != nil {
		t.Fatal(err)
	}
	if out := validate(t, b.String()); out != "" {
		t.Errorf("%s\n%s", out, &b)
	}
	b.Reset()
	if err := Write(&b, "sarif", "", nil, about); err != nil {
		t.Fatal(err)
	}
	if out := validate(t, b.String()); strings.Contains(out, ": error ") {
		t.Errorf("an empty log: %s\n%s", out, &b)
	}
	// The validator finds mistakes.
	if out := validate(t, strings.Replace(b.String(), `"results": []`, `"results": [{"ruleId": "x"}]`, 1)); !strings.Contains(out, ": error ") {
		t.Errorf("a wrong log passes: %s", out)
	}
}

func TestPrintable(t *testing.T) {
	var b bytes.Buffer
	// Controls of 7 and 8 bits, directions of text, a byte that is no UTF-8.
	n, err := fmt.Fprint(Plain(&b), "a\tä\u00a0\u2713\n\x1b[31m\u009b1m\x7f\u202e\u2066\xff\r")
	if want := "a\tä\u00a0\u2713\n\ufffd[31m\ufffd1m\ufffd\ufffd\ufffd\ufffd\ufffd"; b.String() != want || err != nil || n != 28 {
		t.Errorf("%d %v %q, want %q", n, err, &b, want)
	}
}
