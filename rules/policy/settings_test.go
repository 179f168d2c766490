package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
	"github.com/rulegate/rulegate/rules/value"
)

func TestDefaults(t *testing.T) {
	p := mustLoad(t, "{}")
	if want := (Limits{RequestBody: 1 << 20, ResponseBody: 4 << 20, Depth: 64, Calls: 32, Fields: 1000, Steps: 750_000, Memory: 256 << 20, BodyTimeout: 10 * time.Second, Idle: 5 * time.Minute}); p.Limits != want {
		t.Errorf("limits %+v, want %+v", p.Limits, want)
	}
	if diff := cmp.Diff([]Source{{Header: "authorization", Prefix: "Bearer "}}, p.Sources); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Companion{Cluster: "rulegate-companion", Timeout: 500 * time.Millisecond}, p.Companion); diff != "" {
		t.Error(diff)
	}
	if p.AESKey != nil || !p.Forward || p.Calls {
		t.Errorf("%+v", p)
	}
}

func TestSettings(t *testing.T) {
	p := mustLoad(t, own+`
project: shop
gateway: gw-1
apiPrefix: /api/
crypto: {aesKey: Olw6AhA/GzSxfhwKLxO7JJsUL6VUwwGEFTgxzoZPy9g=}
companion: {cluster: c, timeout: 2s}
limits: {requestBody: 64KiB, responseBody: 100, depth: 10, calls: 3, fields: 7, steps: 5000, memory: 192KiB, bodyTimeout: 1m, idle: 2m}
webhooks: {allow: [Hooks.internal]}
databases: {d: {type: embedded, conn: "${WEIRD}"}, m: {type: mongo}}
routes:
  - {match: {path: /a}, rule: {rule: query, db: d, col: t2}}
  - {match: {path: /b}, rule: {rule: query, db: d, col: t1, clause: {rule: query, db: d, col: t2}}}
`)
	p2 := mustLoad(t, "auth: {from: [{header: X-Token}, {header: Authorization}, {query: q}], forward: false, claimsToHeaders: {X-User: a.b}}")
	if diff := cmp.Diff([]Source{{Header: "x-token"}, {Header: "authorization", Prefix: "Bearer "}, {Query: "q"}}, p2.Sources); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]ClaimHeader{{Header: "x-user", Path: []string{"a", "b"}}}, p2.ClaimHeaders); diff != "" || p2.Forward {
		t.Error(diff, p2.Forward)
	}
	if diff := cmp.Diff(Limits{RequestBody: 64 << 10, ResponseBody: 100, Depth: 10, Calls: 3, Fields: 7, Steps: 5000, Memory: 192 << 10, BodyTimeout: time.Minute, Idle: 2 * time.Minute}, p.Limits); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Companion{Cluster: "c", Timeout: 2 * time.Second, Secrets: []string{secret}}, p.Companion); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]DB{{Name: "d", Type: "embedded", Conn: "two words", Queried: []string{"t1", "t2"}}, {Name: "m", Type: "mongo"}}, p.Databases); diff != "" {
		t.Error(diff)
	}
	if p.Project != "shop" || p.Gateway != "gw-1" || len(p.AESKey) != 32 || !p.Calls || p.Webhooks[0] != "hooks.internal" {
		t.Errorf("%+v", p)
	}
}

// A substituted text is not substituted again, and `$${` is a `${` that stays.
func TestSubstitution(t *testing.T) {
	for in, want := range map[string]string{
		"a${WEIRD}b":        "atwo wordsb",
		"${TEXT}":           "${SECRET}",
		"$${WEIRD}":         "${WEIRD}",
		"$$${WEIRD}":        "$${WEIRD}",
		"$WEIRD":            "$WEIRD",
		"a$":                "a$",
		"${file:is:x}y":     "xy",
		"${WEIRD}${WEIRD}":  "two wordstwo words",
		"$${a}${WEIRD}$${b": "${a}two words${b",
	} {
		p := mustLoad(t, "gateway: '"+in+"'")
		if p.Gateway != want {
			t.Errorf("%q: %q, want %q", in, p.Gateway, want)
		}
	}
	p := mustLoad(t, "auth: {claimsToHeaders: {\"$a\": id}}")
	if p.ClaimHeaders[0].Header != "$a" {
		t.Error("a key was substituted")
	}
}

// No reason of a verdict holds the value of a variable. It quotes the policy.
func TestReasonsHoldNoVariables(t *testing.T) {
	args := value.Obj(value.Member{Key: "auth", Value: value.Obj(value.Member{Key: "a", Value: value.Str("x")}, value.Member{Key: "n", Value: value.Int(1)})})
	for rule, want := range map[string]string{
		`{rule: match, type: string, eval: "==", f1: args.auth.a, f2: "${SECRET}"}`:                                                   `args.auth.a == "${SECRET}" does not hold`,
		`{rule: match, type: string, eval: "==", f1: args.auth.a, f2: {literal: "x ${SECRET}"}}`:                                      `args.auth.a == "x ${SECRET}" does not hold`,
		`{rule: match, type: string, eval: matches, f1: args.auth.a, f2: "^${SECRET}$"}`:                                              `args.auth.a matches "^${SECRET}$" does not hold`,
		`{rule: match, type: string, eval: in, f1: "${SECRET}", f2: [args.auth.a]}`:                                                   `"${SECRET}" is not in the list`,
		`{rule: match, type: number, eval: "==", f1: "utils.default(args.auth.a, '${SECRET}')", f2: args.auth.n}`:                     `"utils.default(args.auth.a, '${SECRET}')": want number, found string`,
		`{rule: match, type: string, eval: in, f1: args.auth.a, f2: "utils.split(args.auth.a, '${SECRET}')"}`:                         "",
		`{rule: match, type: string, eval: notIn, f1: args.auth.a, f2: "utils.split(args.auth.a, '${SECRET}')"}`:                      `args.auth.a is in "utils.split(args.auth.a, '${SECRET}')"`,
		`{rule: some, field: "utils.split(args.auth.a, '${SECRET}')", clause: {rule: match, type: any, eval: "==", f1: item, f2: 1}}`: `no element of "utils.split(args.auth.a, '${SECRET}')" fits`,
		`{rule: force, field: args.params.a, value: "utils.concat(args.auth.n, '${SECRET}')"}`:                                        "args.auth.n: want string, found number",
	} {
		p := mustLoad(t, own+"routes: [{match: {path: /, methods: [POST]}, rule: "+rule+"}]\n")
		v := p.Resources()[0].Rule.Eval(&rules.Input{Args: args, Verified: true}, rules.Memo{})
		if secret, _ := getenv("SECRET"); v.Reason != want || strings.Contains(v.Reason, secret) {
			t.Errorf("%s\ngot  %s\nwant %s", rule, v.Reason, want)
		}
	}
}

// No message about a variable holds its value.
func TestFaultsHoldNoSecrets(t *testing.T) {
	for _, text := range []string{
		"auth: {tokens: [{alg: '${SECRET}', secret: '${SECRET}'}, {alg: RS256, publicKey: '${SECRET}'}, {alg: RS256, privateKey: '${SECRET}'}, {alg: HS256, secret: ['${SECRET}']}]}",
		"crypto: {aesKey: '${SECRET}!'}\nmode: '${SECRET}'\nlimits: {requestBody: '${SECRET}'}\nproject: '${SECRET}/'",
		own + "routes: [{match: {path: '${SECRET}'}, rule: {rule: '${SECRET}'}}, {match: {path: '/{${SECRET}', host: '${SECRET}:1'}, auth: '${SECRET}', rule: {rule: match, type: '${SECRET}', eval: '${SECRET}', f1: 'args.${SECRET}[', f2: 'utils.${SECRET}()'}}]",
		own + "webhooks: {allow: ['${SECRET}/']}\nroutes: [{match: {path: /}, rule: {rule: webhook, url: '${HOOK}'}}, {match: {path: /b}, rule: {rule: webhook, url: '${SECRET}'}}]",
		own + "databases: {d: {type: embedded, conn: '${SECRET}'}}\nroutes: [{match: {path: /}, rule: {rule: query, db: '${SECRET}', col: c, cache: '${SECRET}', store: '${SECRET}', find: {a: {$regex: '(${SECRET}'}}}}]",
		"auth: {tokens: [{scret: '${SECRET}', alg: HS256}], from: [{header: '${SECRET} x'}, {header: a, prefix: \"${SECRET}\\n\"}], leeway: '${SECRET}'}",
		"crypto: {aesKey: " + secret + secret + "}\nauth: {tokens: [{alg: " + secret + ", secret: 1, publicKey: " + secret + "}]}",
	} {
		_, _, err := load(t, text)
		if err == nil {
			t.Errorf("no faults: %s", text)
			continue
		}
		if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), secret[:8]) {
			t.Errorf("a secret is in\n%v", err)
		}
	}
}

// In the module the keys that only the companion reads are missing.
func TestModule(t *testing.T) {
	full := own + "databases: {d: {type: embedded, conn: x}}\nwebhooks: {allow: [a]}\nroutes: [{match: {path: /}, rule: {rule: and, clauses: [{rule: query, db: d, col: c}, {rule: webhook, url: 'https://a/'}]}}]"
	stripped := strings.NewReplacer(", conn: x", "", "webhooks: {allow: [a]}\n", "").Replace(full)
	mustLoad(t, full)
	if _, _, err := load(t, stripped); err == nil {
		t.Error("outside the module: no fault")
	}
	p, _, err := Load(document(t, stripped), Options{Crypto: gocrypto.Crypto(), Getenv: getenv, Module: true})
	if err != nil || !p.Calls || p.Companion.Secrets[0] != secret {
		t.Errorf("%v", err)
	}
	if _, _, err := Load(document(t, "gateway: '${file:is:x}'"), Options{Getenv: getenv, Module: true}); err == nil {
		t.Error("the module read a file")
	}
}

func TestAllowUnset(t *testing.T) {
	text := `
auth: {tokens: [{alg: HS256, secret: "${A}", primary: true}, {alg: RS256, publicKey: "${B}"}]}
crypto: {aesKey: "${C}"}
mode: "${D}"
webhooks: {allow: ["${E}"]}
routes:
  - {match: {path: "${F}", host: "${F}"}, rule: {rule: and, clauses: [{rule: webhook, url: "${G}"}, {rule: encrypt, fields: [args.params.a]}]}}
  - {match: {path: /}, rule: {rule: match, type: number, eval: ==, f1: "${A}", f2: 1}}`
	_, _, err := Load(document(t, text), Options{Crypto: gocrypto.Crypto(), Getenv: getenv})
	if n := len(err.(rules.Faults)); n != 9 {
		t.Errorf("%d faults without AllowUnset:\n%v", n, err)
	}
	p, warnings, err := Load(document(t, text), Options{Crypto: gocrypto.Crypto(), Getenv: getenv, AllowUnset: true})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"A", "B", "C", "D", "E", "F", "G"}, p.Unset); diff != "" {
		t.Error(diff)
	}
	if !p.Calls {
		t.Error("a webhook whose url is not known is no call")
	}
	if len(warnings) != 0 {
		t.Error(warnings)
	}
	if _, _, err := Load(document(t, text+"\nzebra: 1"), Options{Getenv: getenv, AllowUnset: true}); err == nil {
		t.Error("another fault went unseen")
	}
}

func TestParent(t *testing.T) {
	for place, want := range map[string]string{
		"": "", "a": "", "a.b": "a", "a[1]": "a", "a[1].b": "a[1]", `a["b.c"]`: "a", `a["b\"].c"].d`: `a["b\"].c"]`, `["x"]`: "", `a["`: "a",
	} {
		if got := Parent(place); got != want {
			t.Errorf("Parent(%s) = %s, want %s", place, got, want)
		}
	}
}

// redact removes a value, and every quoted part of it, from a message.
func TestRedact(t *testing.T) {
	l := &loader{substituted: map[string]string{"a": "x${S}"}, doc: value.Obj(value.Member{Key: "a", Value: value.Str("xhunter2.y")})}
	for in, want := range map[string]string{
		`no "hunter2" in "key"`:         `no "x${S}" in "key"`,
		"no `hunter2` in it":            "no \"x${S}\" in it",
		`"xhunt…" is none`:              `"x${S}" is none`,
		`found xhunter2.y there`:        `found x${S} there`,
		`"other" than (xhunter2.y)`:     `"other" than (x${S})`,
		`"around xhunter2.y in quotes"`: `"x${S}"`,
	} {
		f := rules.Fault{Place: "a", Message: in}
		l.redact(&f)
		if f.Message != want {
			t.Errorf("%s: %s, want %s", in, f.Message, want)
		}
		f = rules.Fault{Place: "b", Message: in}
		if l.redact(&f); f.Message != in {
			t.Errorf("another place: %s", f.Message)
		}
	}
}
