package policy

import (
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/value"
)

// TestLog: the section log, its defaults, and what it refuses.
func TestLog(t *testing.T) {
	const head = `{"auth":{"tokens":[{"alg":"HS256","secret":"0123456789abcdef0123456789abcdef"}],"from":[{"header":"x-token"},{"query":"access"}]},
		"sensitive":["args.auth.email"],"routes":[{"match":{"path":"/"},"rule":{"rule":"match","type":"string","eval":"==","f1":"args.auth.email","f2":"args.params.n"}}],"log":`
	for text, want := range map[string]string{
		`{}`: "", `{"claims":["id","realm.roles","['https://id.example/x']"],"body":["args.params.n","args.request.query.page","args.request.vars.id"],"sample":0.25,"always":["token"],"to":["metadata"]}`: "",
		`{"sample":1.5}`:                                     "log.sample: want a number from 0 to 1, found another number",
		`{"sample":"1"}`:                                     "log.sample: want a number from 0 to 1, found string",
		`{"always":["nay"]}`:                                 "log.always[0]: want one of yes, no, unknown, error",
		`{"to":["file"]}`:                                    "log.to[0]: want one of log, metadata",
		`{"to":[]}`:                                          "log.to: empty",
		`{"claims":["id","id"]}`:                             "log.claims[1]: id is listed already",
		`{"claims":["args.auth.id"]}`:                        "log.claims[0]: want the path of a claim",
		`{"claims":["email"]}`:                               "log.claims[0]: email is among `sensitive`",
		`{"claims":["email.host"]}`:                          "log.claims[0]: email.host is among `sensitive`",
		`{"body":["params.n"]}`:                              "log.body[0]: want a path such as args.params.order",
		`{"body":["args.token"]}`:                            "log.body[0]: a token is never logged",
		`{"body":["args.auth.id"]}`:                          "log.body[0]: want the claim under log.claims",
		`{"body":["args.res.x"]}`:                            "log.body[0]: want a part of the request",
		`{"body":["args.request.headers"]}`:                  "log.body[0]: want one header or parameter",
		`{"body":["args.request.headers.cookie"]}`:           "log.body[0]: args.request.headers.cookie holds a token",
		`{"body":["args.request.headers.authorization"]}`:    "log.body[0]: args.request.headers.authorization holds a token",
		`{"body":["args.request.headers.x-token"]}`:          "log.body[0]: args.request.headers.x-token holds a token",
		`{"body":["args.request.query.access"]}`:             "log.body[0]: args.request.query.access holds a token",
		`{"body":["args.params.access"]}`:                    "log.body[0]: args.params.access holds a token",
		`{"claims":[` + strings.Repeat(`"a",`, 40) + `"b"]}`: "log.claims: want at most 32, found 41",
	} {
		p, _, err := Load(parse(t, head+text+"}"), Options{})
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %s", text, err, want)
		case want == "" && p.Log == nil:
			t.Errorf("%s: no log", text)
		case text == `{}` && (p.Log.Sample != 1 || strings.Join(p.Log.Always, " ") != "no unknown error" || strings.Join(p.Log.To, " ") != "log metadata"):
			t.Errorf("defaults: %+v", p.Log)
		}
	}
}

// TestVersion: equal policies have equal versions, whoever loads them.
func TestVersion(t *testing.T) {
	const text = `{"routes":[{"match":{"path":"/"},"rule":{"rule":"allow"}}]`
	version := func(text string, o Options) string {
		t.Helper()
		p, _, err := Load(parse(t, text), o)
		if err != nil {
			t.Fatal(err)
		}
		return p.Version
	}
	v := version(text+"}", Options{})
	if len(v) != versionDigits {
		t.Errorf("version %q", v)
	}
	if other := version(text+`,"gateway":"gw-2"}`, Options{}); other != v {
		t.Errorf("another machine: %s, want %s", other, v)
	}
	if other := version(text+`,"limits":{"calls":3}}`, Options{}); other == v {
		t.Error("another policy has the same version")
	}
	if other := version(text+`,"version":"abc"}`, Options{Module: true}); other != "abc" {
		t.Errorf("the module has %s, want what the command says", other)
	}
	if _, _, err := Load(parse(t, text+`,"version":"abc"}`), Options{}); err == nil || !strings.Contains(err.Error(), "unknown key `version`") {
		t.Errorf("a version in a file: %v", err)
	}
}

func parse(t *testing.T, text string) value.Value {
	t.Helper()
	doc, err := value.Parse(text, MaxDepth)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}
