package interleave

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/envoyconf"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// basePolicy has a route for each kind of request. The words in capital letters are
// replaced by a variant.
const basePolicy = `
project: shop
gateway: gw
auth:
  tokens:
    - {name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}
    - {name: partner, alg: RS256, publicKey: "${RSA_PUBLIC}", kid: partner}
    - {name: idp, jwks: {url: "http://id.example/keys", cluster: idp}, issuer: ["https://id.example"]}
AUTH
companion: {cluster: companion, timeout: 500ms}
crypto: {aesKey: "Olw6AhA/GzSxfhwKLxO7JJsUL6VUwwGEFTgxzoZPy9g="}
databases: {social: {type: embedded, conn: social.db}}
webhooks: {allow: [hooks.internal]}
limits: {requestBody: 64KiB}
MORE
define:
  admin: {rule: match, type: string, eval: "==", f1: args.auth.role, f2: admin}
  mine: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.request.headers.x-user}
  asked:
    rule: query
    db: social
    col: bans
    find: {id: args.auth.id, c: args.request.headers.x-canary}
    clause:
      rule: and
      clauses:
        - {rule: match, type: string, eval: "==", f1: "args.result.0.id", f2: args.auth.id}
        - {rule: match, type: string, eval: "==", f1: "args.result.0.c", f2: args.request.headers.x-canary}
        - {rule: match, type: number, eval: "<", f1: "args.result.0.level", f2: 3, error: "too low"}
routes:
  - {name: open, match: {path: /open}, auth: none, rule: {rule: allow}}
  - {name: closed, match: {path: /closed}, auth: none, rule: {rule: deny, error: "closed to all"}}
  - {name: any, match: {path: /any}, rule: {rule: authenticated}}
  - {name: optional, match: {path: /optional}, auth: optional, rule: {rule: allow}}
  - {name: ignore, match: {path: /ignore}, auth: {optional: true, invalid: ignore}, rule: {rule: match, type: bool, eval: "==", f1: "utils.exists(args.auth)", f2: false}}
  - {name: claim, match: {path: /claim}, rule: {rule: use, of: admin}}
  - {name: partner, match: {path: /partner}, auth: {providers: [partner]}, rule: {rule: use, of: admin}}
  - {name: owner, match: {path: "/users/{id}"}, rule: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.request.vars.id}}
  - {name: header, match: {path: /header}, rule: {rule: use, of: mine}}
  - {name: parameter, match: {path: /parameter}, rule: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.params.id}}
  - {name: body, match: {methods: [POST], path: /body}, rule: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.params.id}}
  - name: force
    match: {methods: [POST], path: /force}
    rule:
      rule: and
      clauses:
        - {rule: use, of: admin}
        - {rule: force, field: args.params.owner, value: args.auth.id}
        - {rule: force, field: args.request.headers.x-forced, value: args.auth.id}
        - {rule: remove, fields: [args.params.secret]}
  - {name: encrypt, match: {methods: [POST], path: /encrypt}, rule: {rule: encrypt, fields: [args.params.secret], algorithm: aes-gcm}}
  - {name: mask, match: {path: /mask}, rule: {rule: and, clauses: [{rule: use, of: admin}, {rule: remove, fields: [res.secret, res.rows.secret]}]}}
  - {name: masknothing, match: {path: /masknothing}, auth: none, rule: {rule: remove, fields: [res.secret]}}
  - {name: maskmine, match: {path: /maskmine}, rule: {rule: and, clauses: [{rule: use, of: mine}, {rule: force, field: res.for, value: args.auth.id}]}}
  - {name: response, match: {path: /response}, rule: {rule: authenticated}, response: {rule: match, type: string, eval: "==", f1: args.res.owner, f2: args.auth.id, error: "not yours"}}
  - name: answered
    match: {methods: [POST], path: /answered}
    rule: {rule: authenticated}
    response: {rule: and, clauses: [{rule: match, type: string, eval: "==", f1: args.res.owner, f2: args.params.id}, {rule: force, field: args.res.by, value: args.params.secret}, {rule: force, field: args.res.for, value: args.request.headers.x-canary}]}
  - name: rows
    match: {path: /rows}
    rule: {rule: authenticated}
    response: {rule: filter, field: args.res.rows, clause: {rule: match, type: string, eval: "==", f1: item.owner, f2: args.auth.id}}
  - {name: query, match: {path: /query}, rule: {rule: use, of: asked}}
  - {name: querybody, match: {methods: [POST], path: /querybody}, rule: {rule: and, clauses: [{rule: use, of: asked}, {rule: force, field: args.params.c, value: args.result.0.c}]}}
  - {name: cached, match: {path: /cached}, rule: {rule: query, db: social, col: bans, cache: 5s, find: {id: args.auth.id}, clause: {rule: match, type: string, eval: "==", f1: "args.result.0.id", f2: args.auth.id}}}
  - {name: cachedrow, match: {methods: [POST], path: /cachedrow}, rule: {rule: and, clauses: [{rule: query, db: social, col: bans, cache: 5s, find: {id: args.auth.id}}, {rule: force, field: args.params.row, value: args.result}]}}
  - {name: webhook, match: {methods: [POST], path: /webhook}, rule: {rule: and, clauses: [{rule: webhook, url: "http://hooks.internal/x", store: args.hook}, {rule: force, field: args.params.hook, value: args.hook.echo}]}}
  - {name: hookcache, match: {path: /hookcache}, rule: {rule: webhook, url: "http://hooks.internal/y", cache: 5s, body: {id: args.auth.id}}}
  - {name: two, match: {path: /two}, rule: {rule: and, clauses: [{rule: use, of: asked}, {rule: webhook, url: "http://hooks.internal/z", body: {c: args.request.headers.x-canary, id: args.auth.id}}]}}
  - name: asks
    match: {path: /asks}
    rule: {rule: authenticated}
    response: {rule: and, clauses: [{rule: query, db: social, col: bans, find: {id: args.res.owner, c: args.request.headers.x-canary}}, {rule: force, field: args.res.by, value: args.result.0.c}]}
  - {name: tried, match: {methods: [POST], path: /tried}, mode: shadow, rule: {rule: and, clauses: [{rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.params.id}, {rule: remove, fields: [res.secret]}]}}
  - {name: triedquery, match: {path: /triedquery}, mode: shadow, rule: {rule: use, of: asked}}
`

// variant is a policy of the fuzz test. With a log, the oracle has it twice: once with
// each decision written, and once with none.
type variant struct {
	name, auth, more, log string
	candidate             bool
}

var variants = []variant{
	{name: "plain"},
	{name: "withheld", auth: "  forward: false"},
	{name: "logged", log: "{claims: [id], sample: 0.5}"},
	{name: "always", auth: "  claimsToHeaders: {x-user-id: id}", log: "{claims: [id, role], sample: 0.3, to: [log, metadata], always: [no, error]}"},
	{name: "shadow", more: "mode: shadow", log: "{claims: [id], sample: 0.5}"},
	{name: "candidate", more: "shadow: candidate.yaml", candidate: true},
	{name: "both", auth: "  forward: false\n  claimsToHeaders: {x-user-id: id}", more: "shadow: {policy: candidate.yaml, queries: true, webhooks: true}", log: "{claims: [id], sample: 0.5}", candidate: true},
}

// plugin is a configuration of the module.
type plugin struct {
	name, config string
	policy       *policy.Policy
	env          map[string]string
	asksTwice    bool // its candidate makes calls too
}

// plugin returns the configuration with another section log.
func (v *variant) plugin(t testing.TB, log string) *plugin {
	t.Helper()
	more := v.more
	if log != "" {
		more += "\nlog: " + log
	}
	text := strings.NewReplacer("\nAUTH\n", "\n"+v.auth+"\n", "\nMORE\n", "\n"+more+"\n").Replace(basePolicy)
	c := &harness.Case{Name: v.name, Policy: text}
	if v.candidate {
		c.Candidate = strings.NewReplacer("\nAUTH\n", "\n"+v.auth+"\n", "\nMORE\n", "\nmode: shadow\n", "f2: admin}", "f2: guest}", "res.secret, ", "",
			"path: /any}, rule: {rule: authenticated}", "path: /any}, rule: {rule: remove, fields: [res.secret]}",
			"path: /claim}, rule: {rule: use, of: admin}", "path: /claim}, rule: {rule: use, of: asked}").Replace(basePolicy)
	}
	pol, doc := c.Load(t, text)
	env := c.Environ()
	config, names, err := envoyconf.ForModule(doc.With("version", value.Str("same")), envoyconf.Expansion{Getenv: func(n string) (string, bool) { v, ok := env[n]; return v, ok }, ReadFile: os.ReadFile})
	if err != nil {
		t.Fatal(err)
	}
	p := &plugin{name: v.name, config: config, policy: pol, env: map[string]string{}, asksTwice: strings.Contains(v.more, "queries: true")}
	for _, n := range names {
		p.env[n] = env[n]
	}
	return p
}

// keySet is the answer of the issuer: the first key, and after a rotation both.
func keySet(rotated bool) string {
	env := (&harness.Case{}).Environ()
	keys := []map[string]string{{"kty": "RSA", "alg": "RS256", "kid": "fetched", "n": env["OTHER_RSA_N"], "e": "AQAB"}}
	if rotated {
		keys = append(keys, map[string]string{"kty": "EC", "alg": "ES256", "crv": "P-256", "kid": "rotated", "x": env["EC_X"], "y": env["EC_Y"]})
	}
	text, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// start is the time at which each VM starts.
var start = time.Unix(1_800_000_000, 0)
