package explain

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/host/trace"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the expectations in testdata")

// secrets are texts of the cases that no explanation may show.
var secrets = []string{"secret-of-the-policy", "sensitive-value", "4711"}

// explained decides the request of a case and returns its trace.
func explained(t *testing.T, a *txtar.Archive, limits trace.Limits) *trace.Trace {
	t.Helper()
	dir := t.TempDir()
	var q value.Value
	for _, f := range a.Files {
		switch f.Name {
		case "policy.yaml":
			if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		case "request.json":
			var err error
			if q, err = value.Parse(string(f.Data), 64); err != nil {
				t.Fatal(err)
			}
		}
	}
	p, file, _, err := policyfile.Load(filepath.Join(dir, "policy.yaml"), policy.Options{Getenv: func(name string) (string, bool) {
		return map[string]string{"SECRET": "the-secret-of-the-policy", "KEY": "key-secret-of-the-policy"}[name], true
	}})
	if err != nil {
		t.Fatal(err)
	}
	text := func(v value.Value) string { s, _ := v.Text(); return s }
	rec := trace.NewRecorder(trace.Options{
		Limits: limits,
		Mask:   trace.PolicyMask(p, map[string]string{"the-secret-of-the-policy": "${SECRET}", "key-secret-of-the-policy": "${KEY}"}),
		Locate: func(place string) trace.Position {
			_, line, column := file.Locate(place)
			return trace.Position{File: "policy.yaml", Line: line, Column: column}
		},
	})
	method, target, _ := strings.Cut(text(q.Key("request")), " ")
	req := &simulate.Request{
		Method: method, Target: target, Body: text(q.Key("body")), Claims: q.Key("as"), IP: text(q.Key("ip")),
		Now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Tracer: rec,
	}
	fields := func(v value.Value) (out [][2]string) {
		v.Each(func(name string, x value.Value) bool {
			out = append(out, [2]string{name, text(x)})
			return true
		})
		return out
	}
	req.Headers = fields(q.Key("headers"))
	if q.Key("json").Kind() != value.Missing {
		req.Body = q.Key("json").String()
		req.Headers = append(req.Headers, [2]string{"content-type", "application/json"})
	}
	answers := &simulate.Answers{Policy: p, Tables: map[string]*simulate.Table{}, Webhooks: map[string]*simulate.Webhook{}}
	q.Key("data").Each(func(name string, rows value.Value) bool {
		table, err := simulate.NewTable(rows.Elements(), true)
		if err != nil {
			t.Fatal(err)
		}
		answers.Tables[name] = table
		return true
	})
	q.Key("webhooks").Each(func(url string, v value.Value) bool {
		status, _ := value.Index(v.Key("status"))
		answers.Webhooks[url] = &simulate.Webhook{Status: status, Body: v.Key("json").String()}
		return true
	})
	answers.Tokens = map[string]*simulate.Token{}
	q.Key("opaque").Each(func(raw string, claims value.Value) bool {
		answers.Tokens[raw] = &simulate.Token{Claims: claims}
		return true
	})
	req.Companion = answers
	if r := q.Key("response"); r.Kind() != value.Missing {
		req.Response = &simulate.Response{Status: 200, Body: r.String(), Headers: [][2]string{{"content-type", "application/json"}}}
	}
	result, err := simulate.New(p, simulate.Options{}).Decide(req)
	if err != nil {
		t.Fatal(err)
	}
	return rec.Trace(&trace.Subject{Policy: p, Path: "policy.yaml", Request: req, Result: result})
}

// TestText compares the text of each case in testdata. No format may show a secret,
// and the page needs nothing from elsewhere.
func TestText(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no cases", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			tr := explained(t, a, trace.Limits{})
			var text, page, coloured bytes.Buffer
			if err := Text(&text, tr, Options{}); err != nil {
				t.Fatal(err)
			}
			last := &a.Files[len(a.Files)-1]
			if *update {
				last.Data = text.Bytes()
				if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(last.Data), text.String()); diff != "" || last.Name != "text" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if err := Text(&coloured, tr, Options{Colour: true}); err != nil {
				t.Fatal(err)
			}
			if plain := regexp.MustCompile(`\x1b\[\d+m`).ReplaceAllString(coloured.String(), ""); plain != text.String() || plain == coloured.String() {
				t.Error("the text with colours is another one, or has none")
			}
			if err := HTML(&page, tr); err != nil {
				t.Fatal(err)
			}
			for _, s := range []string{"<script", "src=", "href=", "@import", "url("} {
				if strings.Contains(page.String(), s) {
					t.Errorf("the page has %s", s)
				}
			}
			written, err := json.Marshal(tr)
			if err != nil {
				t.Fatal(err)
			}
			// What is masked does not depend on what is recorded.
			short, err := json.Marshal(explained(t, a, trace.Limits{Clauses: 1, Elements: 1}))
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range secrets {
				for format, out := range map[string]string{"text": text.String(), "html": page.String(), "json": string(written), "short json": string(short)} {
					if strings.Contains(out, s) {
						t.Errorf("%s shows %q:\n%s", format, s, out)
					}
				}
			}
		})
	}
}
