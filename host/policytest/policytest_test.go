package policytest

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/report"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/policy/schema"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/tools/txtar"
)

func parse(t testing.TB, text string) value.Value {
	t.Helper()
	v, err := value.Parse(text, 64)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func TestFits(t *testing.T) {
	for _, tt := range []struct {
		want, got string
		fits      bool
	}{
		{`{"a":1,"b":[1,2]}`, `{"b":[1.0,2],"a":1}`, true},
		{`{"a":1}`, `{"a":1,"b":2}`, false},
		{`{"a":1,"b":2}`, `{"a":1}`, false},
		{`{"a":1,"...":true}`, `{"a":1,"b":2}`, true},
		{`{"a":1,"...":true}`, `{"a":2,"b":2}`, false},
		{`{"...":true,"b":null}`, `{"a":2}`, true},
		{`{"...":true,"b":null}`, `{"a":2,"b":null}`, false},
		{`{"b":null}`, `{"b":null}`, true},
		{`{"b":null}`, `{}`, false},
		{`[{"...":1}]`, `[{"a":1}]`, true},
		{`[1,2]`, `[2,1]`, false},
		{`[1]`, `[1,2]`, false},
		{`[]`, `{}`, false},
		{`"1"`, `1`, false},
		{`9007199254740993`, `9007199254740992`, false},
		{`null`, `false`, false},
	} {
		if got := fits(parse(t, tt.want), parse(t, tt.got)); got != tt.fits {
			t.Errorf("%s, %s: %v", tt.want, tt.got, got)
		}
	}
	if fits(value.NullValue, value.Value{}) {
		t.Error("null fits nothing at all")
	}
}

// unpack writes the files of an archive into a folder.
func unpack(t testing.TB, archive string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// everything is a file with tests that has every key. Each of its tests passes, and each
// of its expectations is checked: see TestEveryExpectation.
const everything = `
-- policy.yaml --
auth:
  tokens:
    - {name: own, alg: HS256, secret: "${SECRET}", primary: true}
    - {name: partner, jwks: {url: "https://id.example/keys"}}
  claimsToHeaders: {x-user: id}
databases:
  social: {type: embedded, conn: social.db}
  docs: {type: mongo, conn: "mongodb://nowhere/x"}
webhooks: {allow: [hooks.internal]}
routes:
  - name: everything
    match: {methods: [POST, PUT], host: api.example, path: "/v1/{id}"}
    auth: {providers: [partner]}
    rule:
      rule: and
      error: not so
      clauses:
        - {rule: match, name: secure, type: string, eval: "==", f1: args.request.scheme, f2: https}
        - {rule: match, type: ip, eval: in, f1: args.request.ip, f2: [10.0.0.0/8]}
        - {rule: match, type: string, eval: "==", f1: args.peer.uriSan, f2: "spiffe://a"}
        - {rule: match, type: any, eval: "==", f1: args.request.query.q, f2: ["1", "2"]}
        - {rule: match, type: any, eval: "==", f1: args.request.headers.x-in, f2: [a, b]}
        - {rule: match, type: date, eval: "<", f1: utils.now(), f2: "2026-03-02"}
        - {rule: query, db: social, col: people, find: {id: args.auth.id, born: {$lt: {$date: "2000-01-01"}}}, store: args.person}
        - {rule: query, db: docs, col: things, find: {_id: {$oid: 507f1f77bcf86cd799439011}}}
        - {rule: webhook, url: "https://hooks.internal/a", body: {n: args.params.n}, claims: {sub: args.auth.id}, headers: {x-h: args.auth.id}}
        - {rule: force, field: args.params.name, value: args.person.0.name}
        - {rule: remove, fields: [args.request.headers.x-in, args.request.query.q]}
        - {rule: remove, fields: [res.secret]}
    response: {rule: match, type: number, eval: "<", f1: args.response.status, f2: 400}
  - name: cookie
    match: {path: /cookie}
    auth: none
    rule: {rule: match, type: string, eval: startsWith, f1: args.request.headers.cookie, f2: "a=b"}
  - name: form
    match: {methods: [POST], path: /form}
    auth: none
    rule: {rule: match, type: any, eval: "==", f1: args.params.a, f2: ["1", "2"]}
  - name: text
    match: {methods: [POST], path: /text}
    rule: {rule: allow}
-- people.csv --
id,born,name
ana,"{""$date"":""1990-01-01""}",Ana
eve,,Eve
-- things.json --
[{"_id": {"$oid": "507f1f77bcf86cd799439011"}}]
-- policy_test.yaml --
policy: policy.yaml
now: 2026-03-01T12:00:00Z
env: {SECRET: a-secret-of-the-tests-of-rulegate}
who:
  ana: {id: ana}
  old: {id: ana, exp: 1}
  raw: {token: not-a-token}
data:
  social.people: people.csv
  docs.things: {rows: things.json, delay: 100ms}
webhooks:
  https://hooks.internal/a: {status: 201, json: {ok: true}}
tests:
  - name: all
    as: ana
    request: POST /v1/7
    host: api.example
    scheme: https
    ip: 10.0.0.9
    peer: {uriSan: "spiffe://a"}
    query: {q: [1, "2"]}
    headers: {X-In: [a, b]}
    json: {n: 1}
    response: {status: 201, headers: {content-type: application/json, x-out: [c, d]}, json: {secret: 1, shown: 2}}
    want:
      status: 201
      route: everything
      upstream:
        method: POST
        path: /v1/7
        query: {}
        headers: {x-user: ana, x-in: null}
        json: {n: 1, name: Ana}
      headers: {x-out: [c, d], x-none: null}
      json: {shown: 2}
      calls:
        social.people: {find: {id: ana, born: {$lt: {$date: 2000-01-01}}}, times: 1}
        docs.things: true
        https://hooks.internal/a: {json: {n: 1}, claims: {sub: ana}, headers: {X-H: ana, x-none: null}}
  - name: refused
    as: ana
    request: POST /v1/7
    host: api.example
    json: {n: 1}
    headers: {x-in: [a, b]}
    each:
      - {name: not secure, want: {status: deny, error: not so, reason: does not hold, clause: secure, calls: []}}
      - {name: by place, want: {clause: "routes[0].rule.clauses[0]"}}
      - {name: too old, as: old, want: {status: 401, route: everything}}
      - {name: no token, as: raw, want: {status: 401, reason: token}}
  - name: late
    as: ana
    request: POST /v1/7?q=1
    host: api.example
    scheme: https
    ip: 10.0.0.9
    peer: {uriSan: "spiffe://a"}
    query: {q: 2}
    headers: {x-in: [a, b]}
    body: '{"n": 1}'
    each:
      - {name: type, want: 415}
      - {name: data, json: {n: 1}, data: {docs.things: {fails: refused}}, want: {status: 503, reason: refused}}
      - {name: webhook, json: {n: 1}, webhooks: {"https://hooks.internal/a": {delay: 5s}}, want: {status: 503, reason: timeout}}
      - {name: no, json: {n: 1}, webhooks: {"https://hooks.internal/a": {status: 403, body: no}}, want: 403}
      - {name: now, json: {n: 1}, now: 2026-03-03T00:00:00Z, want: {status: 403, calls: {social.people: false}}}
      - {name: no rows, json: {n: 1}, data: {social.people: []}, want: {status: 403, calls: [social.people, docs.things]}}
      - {name: response, json: {n: 1}, response: {status: 404, headers: {content-type: application/json}, body: "{}"}, want: {status: 403, upstream: {path: /v1/7}}}
  - {name: cookies, request: GET /cookie, cookies: {a: b, c: d}, want: allow}
  - {name: form, request: POST /form, form: {a: [1, 2], b: x y}, want: {upstream: {form: {b: x y, a: [1, 2]}}}}
  - {name: text, request: POST /text, headers: {content-type: text/plain}, body: "a\nb", response: {body: c}, want: {upstream: {body: "a\nb"}, body: c}}
`

func TestEverything(t *testing.T) {
	Run(t, filepath.Join(unpack(t, everything), "policy_test.yaml"))
}

// Each expectation of the file above is checked: with another value, its test fails.
func TestEveryExpectation(t *testing.T) {
	changes := []struct{ test, from, to string }{
		{"all", "status: 201\n      route", "status: 200\n      route"},
		{"all", "route: everything\n      up", "route: form\n      up"},
		{"all", "method: POST", "method: PUT"},
		{"all", "path: /v1/7\n        query", "path: /v1/8\n        query"},
		{"all", "query: {}", "query: {a: b}"},
		{"all", "x-user: ana", "x-user: eve"},
		{"all", "x-in: null", "x-in: a"},
		{"all", "name: Ana}", "name: Eve}"},
		{"all", "x-out: [c, d], x-none", "x-out: [d, c], x-none"},
		{"all", "x-none: null}\n      json", "x-none: a}\n      json"},
		{"all", "json: {shown: 2}", "json: {shown: 3}"},
		{"all", "find: {id: ana", "find: {id: eve"},
		{"all", "times: 1", "times: 2"},
		{"all", "docs.things: true", "docs.things: false"},
		{"all", "json: {n: 1}, claims", "json: {n: 2}, claims"},
		{"all", "sub: ana", "sub: eve"},
		{"all", "X-H: ana", "X-H: eve"},
		{"all", "x-none: null}}", "x-none: a}}"},
		{"refused/not secure", "status: deny", "status: allow"},
		{"refused/not secure", "error: not so, reason", "error: so, reason"},
		{"refused/not secure", "reason: does not hold", "reason: holds"},
		{"refused/not secure", "calls: []", "calls: [docs.things]"},
		{"refused/by place", "rule.clauses[0]", "rule.clauses[1]"},
		{"late/type", "want: 415", "want: 403"},
		{"late/now", "social.people: false", "social.people: true"},
		{"late/no rows", "[social.people, docs.things]}", "[docs.things]}"},
		{"cookies", "cookies: {a: b, c: d}, want: allow", "cookies: {a: b, c: d}, want: deny"},
		{"form", "b: x y, a: [1, 2]}}", "b: x y, a: [2, 1]}}"},
		{"text", "body: c}}", "body: d}}"},
		{"text", `{body: "a\nb"}`, `{body: "a"}`},
	}
	for _, c := range changes {
		if strings.Count(everything, c.from) != 1 {
			t.Fatalf("%q is there %d times", c.from, strings.Count(everything, c.from))
		}
		text := strings.Replace(everything, c.from, c.to, 1)
		if c.to == "status: allow" {
			text = strings.Replace(text, ", error: not so, reason: does not hold, clause: secure", "", 1)
		}
		path := filepath.Join(unpack(t, text), "policy_test.yaml")
		s, err := Load(path, Options{})
		if err != nil {
			t.Errorf("%s: %v", c.to, err)
			continue
		}
		n := NewNative(s.Policy, 0)
		var failed []string
		for _, k := range s.Cases {
			if r := s.Run(n, k); r.Outcome != Pass {
				failed = append(failed, k.Name)
			}
		}
		if !slices.Equal(failed, []string{c.test}) {
			t.Errorf("%s: %v fail, want %s", c.to, failed, c.test)
		}
	}
}

// The file above is valid by the JSON Schema, and one with an unknown key is not.
func TestSchema(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(Schema().String()))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiler.AddResource("tests.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("tests.json")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Load(filepath.Join(unpack(t, everything), "policy_test.yaml"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	good := s.file.Doc.String()
	for text, valid := range map[string]bool{
		good: true,
		strings.Replace(good, `"uriSan"`, `"uri"`, 1):                   false,
		strings.Replace(good, `"want":415`, `"want":1000`, 1):           false,
		strings.Replace(good, `"want":415`, `"want":"yes"`, 1):          false,
		strings.Replace(good, `"fails":"refused"`, `"fails":"x"`, 1):    false,
		strings.Replace(good, `"delay":"5s"`, `"delay":5`, 1):           false,
		strings.Replace(good, `"tests":[`, `"tests":[{"nam":"x"},`, 1):  false,
		`{"tests":[{"request":"GET /","want":{"status":"allow"}}]}`:     true,
		`{"tests":[{"request":"GET /","want":{"calls":{"a.b":true}}}]}`: true,
		`{"tests":[{"request":"GET /","want":{"calls":{"a.b":1}}}]}`:    false,
		`{}`: false,
	} {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiled.Validate(v); (err == nil) != valid {
			t.Errorf("%.200s: %v", text, err)
		}
	}
}

func TestSelected(t *testing.T) {
	s, err := Load(filepath.Join(unpack(t, everything), "policy_test.yaml"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	names := func(cases []*Case) (list []string) {
		for _, c := range cases {
			list = append(list, c.Name)
		}
		return list
	}
	inOrder, shuffled := names(s.Selected(nil, 0)), names(s.Selected(nil, 7))
	if slices.Equal(inOrder, shuffled) || !slices.Equal(shuffled, names(s.Selected(nil, 7))) {
		t.Errorf("%v, then %v", inOrder, shuffled)
	}
	slices.Sort(inOrder)
	if slices.Sort(shuffled); !slices.Equal(inOrder, shuffled) {
		t.Errorf("%v, want %v", shuffled, inOrder)
	}
	if got := names(s.Selected(regexp.MustCompile("^late/(data|no)$"), 0)); !slices.Equal(got, []string{"late/data", "late/no"}) {
		t.Errorf("%v", got)
	}
}

// The reports are well formed, whatever the names of the tests.
func TestReports(t *testing.T) {
	dir := unpack(t, `
-- policy.yaml --
routes: [{match: {path: /}, auth: none, rule: {rule: deny}}]
-- policy_test.yaml --
tests:
  - {name: "<a> & \"b\" ]]>", request: GET /, want: allow}
  - {name: c, request: GET /, want: {error: "</x>"}}
`)
	for format, read := range map[string]func(string) error{
		"json": func(text string) error {
			for line := range strings.Lines(text) {
				var v any
				if err := json.Unmarshal([]byte(line), &v); err != nil {
					return err
				}
			}
			return nil
		},
		"junit": func(text string) error {
			var suites report.JUnitReport
			if err := xml.Unmarshal([]byte(text), &suites); err != nil {
				return err
			}
			if suites.Failures != 2 || suites.Suites[0].Cases[1].Failure.Message != "error: want </x>, got not allowed" {
				t.Errorf("%+v", suites)
			}
			return nil
		},
	} {
		var out strings.Builder
		text := &Text{Out: &out}
		var r Reporter = &JSON{Out: &out}
		if format == "junit" {
			r = &JUnit{Out: &out, Detail: text.Detail}
		}
		s := Session{Files: []string{filepath.Join(dir, "policy_test.yaml")}, Reporter: r}
		_, _, sum := s.Run(t.Context())
		if err := r.Close(sum); err != nil {
			t.Fatal(err)
		}
		if err := read(out.String()); err != nil || sum.Failed != 2 {
			t.Errorf("%s: %v, %+v\n%s", format, err, sum, out.String())
		}
	}
}

// In go test, a test of a policy that fails makes its subtest fail.
func TestRun(t *testing.T) {
	run := func(text string) bool {
		dir := unpack(t, text)
		// The flags -run and -skip of this run hold for the inner one too.
		return testing.RunTests(regexp.MatchString, []testing.InternalTest{{Name: "TestRun", F: func(t *testing.T) { Run(t, dir) }}})
	}
	const policy = "-- policy.yaml --\nroutes: [{match: {path: /}, auth: none, rule: {rule: deny}}]\n-- policy_test.yaml --\n"
	for text, ok := range map[string]bool{
		policy + "tests: [{request: GET /, want: 403}]\n":                                 true,
		policy + "tests: [{request: GET /, want: 403}, {request: GET /a, want: allow}]\n": false,
		policy + "tests: []\n":                 false,
		policy + "tests: [{request: GET /}]\n": false,
		"-- policy.yaml --\n":                  false,
	} {
		if run(text) != ok {
			t.Errorf("%s: passed is %v", text, !ok)
		}
	}
}

// No file makes the reader or a run panic.
func FuzzFile(f *testing.F) {
	archive := txtar.Parse([]byte(everything))
	var policyText string
	for _, file := range archive.Files {
		switch file.Name {
		case "policy.yaml":
			policyText = string(file.Data)
		case "policy_test.yaml":
			f.Add(string(file.Data))
		}
	}
	f.Add("tests: [{request: GET /x?a=b, want: {json: null}}]")
	f.Add("tests: [{request: GET /cookie, each: [{want: {calls: {}}}]}]\ndata: {social.people: [{born: {$date: x}}]}")
	file, err := policyfile.Parse("policy.yaml", []byte(policyText))
	if err != nil {
		f.Fatal(err)
	}
	getenv := func(string) (string, bool) { return "a-secret-of-the-tests-of-rulegate", true }
	p, _, err := policy.Load(policyfile.WithZones(file.Doc), policy.Options{Getenv: getenv})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		made, err := policyfile.ParseOther(filepath.Join(t.TempDir(), "policy_test.yaml"), []byte(text))
		if err != nil || len(schema.CheckShape(made.Doc, model())) > 0 {
			return
		}
		s := &Suite{Policy: p, PolicyFile: file, PolicyPath: "policy.yaml", file: made}
		r := newReader(s, true)
		r.read()
		if len(r.faults) > 0 {
			_ = made.Faults(r.faults).Error()
			return
		}
		n := NewNative(p, 0)
		for _, c := range s.Cases {
			result := s.Run(n, c)
			(&Text{}).Detail(s, &result)
		}
	})
}
