package policytest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/rules/value"
)

const appendPolicy = `auth: {tokens: [{name: own, alg: HS256, secret: a-secret-of-the-tests-of-append-1234}]}
routes:
  - match: {path: "/a/{id}"}
    rule: {rule: match, name: owner, type: string, eval: "==", f1: args.auth.id, f2: args.request.vars.id}
`

func TestAppend(t *testing.T) {
	ana := `{"who":{"user":{"id":"ana"}},"tests":[{"as":"user","request":"GET /a/ana"}]}`
	nobody := `{"tests":[{"request":"GET /a/ana"}]}`
	for name, c := range map[string]struct{ before, doc, want string }{
		"a new file": {"", ana, "who:\n  ana: {id: ana}\ntests:\n  - name: new\n    as: ana\n    request: GET /a/ana\n    want: allow\n"},
		"after the last test, before a comment and a section": {
			"# tests\ntests:\n- name: new\n  request: GET /b\n  want: 403\n# end\n\nwho: {ana: {id: ana}}\n", ana,
			"# tests\ntests:\n- name: new\n  request: GET /b\n  want: 403\n- name: new 2\n  as: ana\n  request: GET /a/ana\n  want: allow\n# end\n\nwho: {ana: {id: ana}}\n",
		},
		"a user of the same name": {
			"who:\n    ana: {id: eve}\ntests:\n  - request: GET /a/eve\n    as: ana\n    want: allow", ana,
			"who:\n    ana2: {id: ana}\n    ana: {id: eve}\ntests:\n  - request: GET /a/eve\n    as: ana\n    want: allow\n  - name: new\n    as: ana2\n    request: GET /a/ana\n    want: allow\n",
		},
		"who in braces": {
			"who: {eve: {id: eve}}\ntests:\n  - request: GET /a/eve\n    as: eve\n    want: allow\n", ana,
			"who: {ana: {id: ana}, eve: {id: eve}}\ntests:\n  - request: GET /a/eve\n    as: eve\n    want: allow\n  - name: new\n    as: ana\n    request: GET /a/ana\n    want: allow\n",
		},
		"a refusal":         {"tests:\n  - {request: GET /b, want: 403}\n", nobody, "tests:\n  - {request: GET /b, want: 403}\n  - name: new\n    request: GET /a/ana\n    want: {status: 401, error: a valid token is needed}\n"},
		"tests in brackets": {"tests: [{request: GET /b, want: 403}]\n", nobody, "error: its tests are in brackets; write this test by hand:\n- name: new\n  request: GET /a/ana\n"},
		"JSON":              {`{"tests":[{"request":"GET /b","want":403}]}`, nobody, "error: a file of JSON is not changed"},
	} {
		t.Run(name, func(t *testing.T) {
			files := policyfile.Memory{"policy.yaml": appendPolicy}
			if c.before != "" {
				files["policy_test.yaml"] = c.before
			}
			doc, err := value.Parse(c.doc, 32)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Append(files, &NewTest{Path: "policy_test.yaml", Policy: "policy.yaml", Name: "new", Doc: doc})
			if wrong, ok := strings.CutPrefix(c.want, "error: "); ok {
				if err == nil || !strings.Contains(err.Error(), wrong) {
					t.Errorf("%v, want %s", err, wrong)
				}
				return
			}
			if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
				t.Error(diff, err)
			}
			files["policy_test.yaml"] = got
			s, err := Load("policy_test.yaml", Options{Files: files})
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range s.Cases {
				if r := s.Run(NewNative(s.Policy, 0), c); r.Outcome != Pass {
					t.Errorf("%s: %v %v", c.Name, r.Differences, r.Err)
				}
			}
		})
	}
}
