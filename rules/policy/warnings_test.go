package policy

import (
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/policy/lint"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
	"github.com/rulegate/rulegate/rules/token/keys/keytest"
	"golang.org/x/tools/txtar"
)

// docOptions are the variables and files of testdata and of POLICY.md.
func docOptions() Options {
	vars := map[string]string{
		"JWT_SECRET": strings.Repeat("j", 32), "COMPANION_SECRET": strings.Repeat("c", 32), "CLIENT_SECRET": "secret", "LEGACY_SECRET_BASE64": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "NEW_COMPANION_SECRET": strings.Repeat("n", 32),
		"DATABASE_URL": "postgres://localhost/db", "AES_KEY": "Olw6AhA/GzSxfhwKLxO7JJsUL6VUwwGEFTgxzoZPy9g=",
	}
	files := map[string]string{
		"key.pem": keytest.P256().PublicPEM, "partner.pem": keytest.P256().PublicPEM, "partner-key.pem": keytest.P256().PKCS8,
		"keys.json": `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`,
		"ca.pem":    "CA", "client.pem": "certificate", "client-key.pem": "key",
	}
	return Options{
		Crypto:   gocrypto.Crypto(),
		Getenv:   func(name string) (string, bool) { v, ok := vars[name]; return v, ok },
		ReadFile: func(name string) ([]byte, error) { return []byte(files[name]), nil },
	}
}

// Sound policies of common shapes give no warning.
func TestSoundPoliciesGiveNoWarning(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/sound.txtar")
	if err != nil || len(archive.Files) < 30 {
		t.Fatalf("%d policies, %v", len(archive.Files), err)
	}
	for _, f := range archive.Files {
		text := string(f.Data)
		if !strings.Contains(text, "auth: {tokens") && !strings.Contains(text, "auth:\n") {
			text = "auth: {tokens: [{alg: HS256, secret: \"${JWT_SECRET}\"}]}\n" + text
		}
		_, warnings, err := Load(document(t, text), docOptions())
		if err != nil || len(warnings) > 0 {
			t.Errorf("%s: %v %v", f.Name, err, warnings)
		}
	}
}

// Each policy has the warnings, as `place code`. In the file, · stands for the
// rest of a match of texts.
func TestWarnings(t *testing.T) {
	const key = "auth: {tokens: [{alg: HS256, secret: \"${JWT_SECRET}\", primary: true}]}\n"
	route := func(path, rule string) string {
		return key + "crypto: {aesKey: \"${AES_KEY}\"}\nwebhooks: {allow: [h, 127.0.0.1]}\nroutes: [{match: " + path + ", rule: " + strings.ReplaceAll(rule, "·", "rule: match, type: string, eval: '=='") + "}]"
	}
	const role = "{·, f1: args.auth.role, f2: admin}"
	for name, c := range map[string]struct{ text, want string }{
		"short and written secrets": {"auth: {tokens: [{alg: HS256, secret: short}]}\ncompanion: {secrets: [a, bc]}\n" + pages,
			"auth.tokens[0].secret short-secret|auth.tokens[0].secret written-secret|companion.secrets[0] short-secret|companion.secrets[0] written-secret|companion.secrets[1] short-secret|companion.secrets[1] written-secret"},
		"a short binary secret":         {"auth: {tokens: [{alg: HS256, secretBase64: 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='}, {alg: HS256, secretBase64: 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg=='}]}\n" + pages, "auth.tokens[0].secretBase64 written-secret|auth.tokens[1].secretBase64 short-secret|auth.tokens[1].secretBase64 written-secret"},
		"a password":                    {key + "databases: {d: {type: sql-postgres, conn: 'postgres://u:p@h/d'}, e: {type: embedded, conn: a.db}}\n" + pages, "databases.d.conn written-secret"},
		"nothing":                       {key, "routes nothing-covered"},
		"no keys":                       {"routes: [{match: {path: /}, rule: {rule: authenticated}}, {match: {path: /a}, auth: optional, rule: {rule: allow}}]", "routes[0].rule no-token-key"},
		"sources":                       {"auth: {from: [{query: q}, {cookie: c}, {header: authorization, prefix: Bearer}], tokens: [{alg: HS256, secret: '${JWT_SECRET}'}]}\n" + pages, "auth.from[0] token-in-query|auth.from[1] cookie-origins|auth.from[2].prefix bearer-prefix"},
		"an issuer over http":           {"auth: {tokens: [{oidc: 'http://id.example'}, {oidc: {issuer: 'http://b.example'}, audience: [a]}]}\n" + pages, "auth.tokens[0].oidc jwks-audience|auth.tokens[0].oidc plain-http|auth.tokens[1].oidc.issuer plain-http|auth.tokens unshared-keys"},
		"introspection over http":       {"auth: {tokens: [{introspect: {url: 'http://id.example/introspect', clientId: gw, clientSecret: plain}}]}\ncompanion: {secret: '${COMPANION_SECRET}'}\n" + pages, "auth.tokens[0].introspect.clientSecret written-secret|auth.tokens[0].introspect.url plain-http"},
		"introspection on this machine": {"auth: {tokens: [{introspect: {url: 'http://127.0.0.1:1/introspect', clientId: gw, clientSecret: '${CLIENT_SECRET}'}}]}\ncompanion: {secret: '${COMPANION_SECRET}'}\n" + pages, ""},
		"no audience":                   {"auth: {tokens: [{jwks: {url: 'http://id.example/keys'}}]}\n" + pages, "auth.tokens[0].jwks jwks-audience|auth.tokens[0].jwks.url plain-http|auth.tokens unshared-keys"},
		"keys of a URL, and a secret":   {"auth: {tokens: [{jwks: {url: 'https://id.example/keys'}, audience: [a]}]}\ncompanion: {secret: '${COMPANION_SECRET}'}\n" + pages, ""},
		"keys of a file":                {"auth: {tokens: [{jwks: {file: keys.json}, audience: [a]}]}\n" + pages, ""},
		"no rules":                      {key + "project: p\nservices: {s: {endpoints: {}}}\ndatabases: {d: {type: mongo, collections: {c: {rules: {}}}}}\nfiles: [{prefix: /a, rules: {}}]\n" + pages, "services.s no-rule|databases.d.collections.c no-rule|files[0] no-rule"},
		"aes-cfb":                       {route("{path: /a}", "{rule: or, clauses: [{rule: encrypt, fields: [args.params.a]}, {rule: encrypt, fields: [args.params.a], algorithm: aes-gcm}]}"), "routes[0].rule.clauses[0] aes-cfb"},
		"http":                          {route("{path: /a}", "{rule: webhook, url: 'HTTP://h/'}"), "routes[0].rule.url plain-http"},
		"http to loopback":              {route("{path: /a}", "{rule: webhook, url: 'http://127.0.0.1:1/'}"), ""},
		"a tenant":                      {route("{path: '/{tenant}/a'}", role), "routes[0].rule unread-capture"},
		"an owner":                      {route("{path: '/users/{user_id}'}", "{rule: authenticated}"), "routes[0].rule unread-capture"},
		"or with allow":                 {route("{path: /a}", "{rule: or, clauses: ["+role+", {rule: allow}]}"), "routes[0].rule.clauses[1] or-allow"},
		"allow for all":                 {route("{path: '/{rest...}'}", "{rule: allow}"), "routes[0].rule allow-all"},
		"after a deny":                  {route("{path: /a}", "{rule: and, clauses: [{rule: deny}, "+role+"]}"), "routes[0].rule.clauses[1] unreachable"},
		"a constant guard":              {route("{path: /a}", "{rule: remove, fields: [args.params.a], clause: {rule: allow}}"), "routes[0].rule.clause constant-guard"},
		"a guard's header":              {route("{path: /a}", "{rule: remove, fields: [args.params.a], clause: {·, f1: args.request.headers.x, f2: a}}"), "routes[0].rule.clause.f1 optional-input"},
		"a guard's body":                {route("{path: /a}", "{rule: remove, fields: [args.params.a], clause: {·, f1: args.params.b, f2: a}}"), "routes[0].rule.clause.f1 optional-input"},
		"a guard's claim":               {route("{path: /a}", "{rule: remove, fields: [args.params.a], clause: {·, f1: args.auth.b, f2: a}}"), ""},
		"a part of a role":              {route("{path: /a}", "{rule: match, type: string, eval: contains, f1: args.auth.roles, f2: admin}"), "routes[0].rule.eval contains-role"},
		"members of a text":             {route("{path: /a, methods: [GET]}", "{·, f1: args.params.a.b, f2: x}"), "routes[0].rule.f1 query-params"},
		"a number":                      {route("{path: /a, methods: [GET, DELETE]}", "{rule: match, type: number, eval: '<', f1: args.params.a, f2: 1}"), "routes[0].rule.f1 query-params"},
		"a number of JSON":              {route("{path: /a, methods: [GET, POST]}", "{rule: match, type: number, eval: '<', f1: args.params.a, f2: 1}"), ""},
		"a token's header":              {"cors: {origins: [https://a.example]}\n" + route("{path: /a}", "{rule: authenticated}"), "cors cors-headers"},
		"a route's own cors":            {strings.Replace(route("{path: /a}", "{rule: authenticated}"), "rule:", "cors: {origins: [https://a.example], headers: [x]}, rule:", 1), "routes[0].cors cors-headers"},
		"a header that is listed":       {"cors: {origins: [https://a.example], headers: [Authorization]}\n" + route("{path: /a}", "{rule: authenticated}"), ""},
		"a route without a token":       {"cors: {origins: [https://a.example]}\n" + route("{path: /a}", "{rule: allow}"), ""},
		"a token in a cookie":           {"cors: {origins: [https://a.example], credentials: true}\nauth: {from: [{cookie: c, origins: [https://a.example]}], tokens: [{alg: HS256, secret: '${JWT_SECRET}'}]}\n" + pages, ""},
		"switched off":                  {strings.Replace(route("{path: '/{rest...}'}", "{rule: allow}"), "rule: {rule: allow}}", "rule: {rule: allow}, lint: {off: [allow-all], why: a mirror of public files}}", 1), ""},
		"switched off for all":          {"lint: {off: [short-secret, written-secret], why: a demonstration}\nauth: {tokens: [{alg: HS256, secret: a}]}\n" + pages, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, warnings, err := Load(document(t, c.text), docOptions())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, w := range warnings {
				got = append(got, w.Place+" "+string(w.Code))
			}
			if s := strings.Join(got, "|"); s != c.want {
				t.Errorf("got  %s\nwant %s", s, c.want)
			}
		})
	}
}

// Each code has an explanation, and is the code of a warning above.
func TestCodesAreExplained(t *testing.T) {
	for _, code := range lint.Codes() {
		if text, ok := lint.Explain(code); !ok || len(text) < 50 {
			t.Errorf("%s: %q", code, text)
		}
	}
	if _, ok := lint.Explain("nonsense"); ok {
		t.Error("nonsense is explained")
	}
}
