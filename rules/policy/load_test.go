package policy

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rulegate/rulegate/rules"
)

// Each policy of the table has the listed faults. Its twin, one change away, has
// no fault.
func TestFaults(t *testing.T) {
	for name, c := range map[string]struct{ bad, want, good string }{
		"unknown keys are faults, with the nearest known one": {
			bad: "projct: a\nroutes: [{match: {path: /, metods: [GET]}, rulee: {rule: allow}, zebra: 1}]",
			want: "projct: unknown key `projct`: did you mean `project`?\n" +
				"routes[0].rule: missing; want an object\n" +
				"routes[0].match.metods: unknown key `metods`: did you mean `methods`?\n" +
				"routes[0].rulee: unknown key `rulee`: did you mean `rule`?\n" +
				"routes[0].zebra: unknown key `zebra`; want one of name, match, paths, auth, rule, response, idle, mode, cors, lint",
			good: "project: a\nroutes: [{match: {path: /, methods: [GET]}, rule: {rule: allow}}]",
		},
		"another spelling is near": {
			bad:  "crypto: {aes_key: x}",
			want: "crypto.aes_key: unknown key `aes_key`: did you mean `aesKey`?",
			good: "crypto: {aesKey: MDEyMzQ1Njc4OWFiY2RlZg==}",
		},
		"wrong types": {
			bad: "project: 1\nroutes: {}\nwebhooks: []\nlimits: {depth: '9', calls: 1.5, requestBody: 1MB}\n" +
				"auth: {leeway: 30, requireExpiry: 'yes', tokens: [x], from: [{header: 1}]}",
			want: "project: want a string, found number\n" +
				"routes: want an array, found object\n" +
				"webhooks: want an object, found array\n" +
				"limits.depth: want an integer, found string\n" +
				"limits.calls: want an integer, found number\n" +
				"limits.requestBody: want a size such as 1MiB, found another string\n" +
				"auth.leeway: want a duration such as 30s, found number\n" +
				"auth.requireExpiry: want true or false, found string\n" +
				"auth.tokens[0]: want an object, found string\n" +
				"auth.from[0].header: want a string, found number",
			good: "project: '1'\nroutes: []\nwebhooks: {}\nlimits: {depth: 9, calls: 1, requestBody: 1MiB}\n" +
				"auth: {leeway: 30s, requireExpiry: true, tokens: [], from: [{header: x}]}",
		},
		"numbers out of their range": {
			bad: "limits: {depth: 513, calls: 0, requestBody: 1GiB, responseBody: 0, bodyTimeout: 0s}\nauth: {leeway: 25h}\ncompanion: {timeout: 0s, secret: x}",
			want: "limits.depth: want 1 to 512\n" +
				"limits.calls: want 1 to 1000\n" +
				"limits.requestBody: want 1 to 256MiB\n" +
				"limits.responseBody: want 1 to 256MiB\n" +
				"limits.bodyTimeout: want more than 0: no body comes at once\n" +
				"auth.leeway: want a duration such as 30s, found another string\n" +
				"companion.timeout: want more than 0: without a timeout the request would wait for ever",
			good: "limits: {depth: 512, calls: 1, requestBody: 256MiB, responseBody: 1, bodyTimeout: 1ms}\nauth: {leeway: 24h}\ncompanion: {timeout: 1ms, secret: x}",
		},
		"memory for less than one body": {
			bad:  "limits: {requestBody: 1MiB, responseBody: 4MiB, memory: 11MiB}",
			want: "limits.memory: want at least 12MiB, 3 times the longer of requestBody and responseBody",
			good: "limits: {requestBody: 1MiB, responseBody: 4MiB, memory: 12MiB}",
		},
		"missing keys": {
			bad: "routes: [{}, {match: {}, rule: {rule: allow}}]\ndatabases: {d: {}}\nproject: p\nservices: {s: {}}\nfiles: [{}]",
			want: "routes[0].match: missing; want an object\n" +
				"routes[0].rule: missing; want an object\n" +
				"routes[1].match.path: missing; want a string\n" +
				"databases.d.type: missing; want one of mongo, sql-postgres, sql-mysql, embedded\n" +
				"services.s.endpoints: missing; want an object\n" +
				"files[0].prefix: missing; want a string\n" +
				"files[0].rules: missing; want an object",
			good: pages + "databases: {d: {type: mongo}}\nproject: p\nservices: {s: {endpoints: {}}}\nfiles: [{prefix: /, rules: {}}]",
		},
		"empty texts": {
			bad:  "project: ''\nauth: {tokens: [{alg: HS256, secret: ''}], from: []}",
			want: "project: empty\nauth.tokens[0].secret: empty\nauth.from: empty",
			good: "project: 'p'\nauth: {tokens: [{alg: HS256, secret: 'x'}], from: [{query: q}]}",
		},
		"a mode that is none": {
			bad:  own + "mode: dark",
			want: "mode: want one of enforce, shadow",
			good: own + "mode: shadow",
		},
		"rules on the response": {
			bad: own + "project: p\nroutes: [{match: {path: /}, rule: {rule: allow}, response: {rule: match}}]\n" +
				"services: {s: {endpoints: {e: {rule: {rule: allow}, response: {}}}}}\n" +
				"databases: {d: {type: mongo, collections: {c: {rules: {read: {rule: allow}}, response: {read: {rule: x}, create: {rule: allow}}}}}}\n" +
				"files: [{prefix: /, rules: {read: {rule: allow}}, response: {rule: allow}}]",
			want: "routes[0].response: a rule match needs type\nroutes[0].response: a rule match needs eval\n" +
				"routes[0].response: a rule match needs f1\nroutes[0].response: a rule match needs f2\n" +
				"services.s.endpoints.e.response: want a rule with its name, such as {rule: allow}\n" +
				"databases.d.collections.c.response.read.rule: unknown rule \"x\": want one of " + ruleNames + "\n" +
				"databases.d.collections.c.response.create: there is no rule for create beside it, under rules\n" +
				"files[0].response.rule: unknown key `rule`; want one of read, create, delete",
			good: own + "project: p\nroutes: [{match: {path: /}, rule: {rule: allow}, response: {rule: allow}}]\n" +
				"services: {s: {endpoints: {e: {rule: {rule: allow}, response: {rule: deny}}}}}\n" +
				"databases: {d: {type: mongo, collections: {c: {rules: {read: {rule: allow}}, response: {read: {rule: allow}}}}}}\n" +
				"files: [{prefix: /, rules: {read: {rule: allow}}, response: {read: {rule: allow}}}]",
		},
		"a mode that there is not": {
			bad: "mode: enfroce", want: "mode: want one of enforce, shadow; did you mean enforce?", good: "mode: enforce",
		},
		"keys are checked where they stand": {
			bad: "auth: {tokens: [{alg: HS256, secret: x}, {alg: RS256, publicKey: nonsense}, {alg: hs256, secret: y}, {alg: RS256, secret: z}]}",
			want: "auth.tokens[1].publicKey: want PEM (-----BEGIN …), found no block of it\n" +
				"auth.tokens[2].alg: want one of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519; did you mean HS256?\n" +
				"auth.tokens[3].alg: RS256 cannot be that of a secret",
			good: "auth: {tokens: [{alg: HS256, secret: x}, {alg: HS256, secret: y}]}",
		},
		"an aesKey that is none": {
			bad: "crypto: {aesKey: AAAA}", want: "crypto.aesKey: want 16, 24 or 32 bytes, found 3", good: "crypto: {aesKey: MDEyMzQ1Njc4OWFiY2RlZg==}",
		},
		"an aesKey that is no base64, and what needs it": {
			bad:  own + "crypto: {aesKey: 'MDEyMzQ1Njc4OWFiY2RlZg'}\nroutes: [{match: {path: /}, rule: {rule: encrypt, fields: [args.params.a]}}]",
			want: "crypto.aesKey: not base64 with padding (RFC 4648, section 4)",
			good: own + "crypto: {aesKey: 'MDEyMzQ1Njc4OWFiY2RlZg=='}\nroutes: [{match: {path: /}, rule: {rule: encrypt, fields: [args.params.a]}}]",
		},
		"providers are names of tokens": {
			bad: own + "routes: [{match: {path: /}, auth: {providers: [own, onw, partner]}, rule: {rule: allow}}, {match: {path: /b}, auth: {providers: []}, rule: {rule: allow}}, {match: {path: /c}, auth: {optional: false}, rule: {rule: allow}}, {match: {path: /d}, auth: {providers: [own], invalid: ignore}, rule: {rule: allow}}]",
			want: "routes[0].auth.providers[1]: no entry of auth.tokens has this name; did you mean own?\n" +
				"routes[0].auth.providers[2]: no entry of auth.tokens has this name; want one of own\n" +
				"routes[1].auth.providers: empty\n" +
				"routes[2].auth.providers: missing; want list\n" +
				"routes[3].auth.invalid: ignore is for `optional: true`: a token that is needed has to be valid",
			good: own + "routes: [{match: {path: /}, auth: {providers: [own]}, rule: {rule: allow}}, {match: {path: /b}, auth: {optional: true, invalid: ignore}, rule: {rule: allow}}, {match: {path: /c}, auth: {optional: true, providers: [own]}, rule: {rule: allow}}]",
		},
		"a key set of a file": {
			bad: `auth: {tokens: [{jwks: {file: none}}, {jwks: {file: "is:{}"}}, {jwks: {file: "is:x", url: "https://id.example"}}, {jwks: {file: ""}}]}`,
			want: "auth.tokens[0].jwks.file: open none: file does not exist\n" +
				"auth.tokens[1].jwks.keys: want an array of keys\n" +
				"auth.tokens[2].jwks: want `file` alone, `url` or `keys`\n" +
				"auth.tokens[2].jwks: not JSON: offset 0: want a value, found 'x'\n" +
				"auth.tokens[3].jwks.file: empty",
			good: `auth: {tokens: [{jwks: {file: 'is:{"keys":[{"kty":"oct","k":"Z3Vlc3M"}]}'}}]}`,
		},
		"auth is one of its words, or providers": {
			bad: own + "routes: [{match: {path: /}, auth: require, rule: {rule: allow}}, {match: {path: /b}, auth: true, rule: {rule: allow}}]",
			want: "routes[0].auth: want one of required, optional, none, or an object; did you mean required?\n" +
				"routes[1].auth: want a string or an object, found bool",
			good: own + "routes: [{match: {path: /}, auth: required, rule: {rule: allow}}, {match: {path: /b}, auth: none, rule: {rule: allow}}]",
		},
		"where tokens are": {
			bad: "auth: {from: [{}, {header: a, query: b}, {query: a, prefix: x}, {header: 'a b'}, {header: x, prefix: \"a\\n\"}, {query: q}, {query: q}, {cookie: 'a b'}, {cookie: c}, {cookie: c}, {cookie: d, query: e}, {header: y, origins: ['https://a']}, {header: Cookie, prefix: 's='}, {header: z, prefix: 'Bearer '}, {header: Z, prefix: 'bearer x'}, {header: z}]}",
			want: "auth.from[0]: want `header`, `cookie` or `query`\n" +
				"auth.from[1]: want one of `header`, `cookie` and `query`; another place is another entry\n" +
				"auth.from[2].prefix: only for a `header`\n" +
				"auth.from[3].header: not the name of a header\n" +
				"auth.from[4].prefix: no header's value can begin with this text\n" +
				"auth.from[6]: an entry above names this place already\n" +
				"auth.from[7].cookie: not the name of a cookie\n" +
				"auth.from[9]: an entry above names this place already\n" +
				"auth.from[10]: want one of `header`, `cookie` and `query`; another place is another entry\n" +
				"auth.from[11].origins: only for a `cookie`\n" +
				"auth.from[12].header: browsers send cookies with requests of any page; write `cookie` and its name, so that the origin is checked\n" +
				"auth.from[14]: an entry above names this place already\n" +
				"auth.from[15]: an entry above names this place already",
			good: "auth: {from: [{header: a}, {query: b}, {header: ab, prefix: ''}, {header: x, prefix: 'a '}, {query: q}, {cookie: c}, {cookie: C}, {cookie: __Host-d, origins: ['https://a']}, {header: y}, {header: z, prefix: 'Bearer '}, {header: z, prefix: 'DPoP '}]}",
		},
		"origins are spelled as browsers do": {
			bad: "auth: {from: [{cookie: a, origins: []}, {cookie: b, origins: [null, 'null', '*', 'https://*.a.example', app.example, '//a.example', 'https://', 'https://a.example/', 'https://u@a.example', 'https://A.example', 'HTTPS://a.example', 'https://a.example:443', 'http://a.example:80', 'https://a.example:0', 'https://a.example:', 'https://a.example:65536', 'https://ä.example', 'https://a example', 'https://a.example, https://b.example', ' https://a.example', '1://a', '']}]}",
			want: "auth.from[0].origins: empty\n" +
				"auth.from[1].origins[0]: want a string, found null\n" +
				"auth.from[1].origins[1]: null is the origin of every page in a sandbox\n" +
				"auth.from[1].origins[2]: want each origin written out: * would let the pages of strangers in\n" +
				"auth.from[1].origins[3]: want each origin written out: * would let the pages of strangers in\n" +
				"auth.from[1].origins[4]: want an origin such as https://app.example\n" +
				"auth.from[1].origins[5]: want an origin such as https://app.example\n" +
				"auth.from[1].origins[6]: want an origin such as https://app.example\n" +
				"auth.from[1].origins[7]: want an origin such as https://app.example, without a path or a user\n" +
				"auth.from[1].origins[8]: want an origin such as https://app.example, without a path or a user\n" +
				"auth.from[1].origins[9]: browsers send origins in lower case\n" +
				"auth.from[1].origins[10]: want an origin such as https://app.example\n" +
				"auth.from[1].origins[11]: browsers leave :443 out\n" +
				"auth.from[1].origins[12]: browsers leave :80 out\n" +
				"auth.from[1].origins[13]: want a port from 1 to 65535\n" +
				"auth.from[1].origins[14]: want a port from 1 to 65535\n" +
				"auth.from[1].origins[15]: want a port from 1 to 65535\n" +
				"auth.from[1].origins[16]: want an origin such as https://app.example; other letters than ASCII are sent as punycode\n" +
				"auth.from[1].origins[17]: want an origin such as https://app.example; other letters than ASCII are sent as punycode\n" +
				"auth.from[1].origins[18]: want an origin such as https://app.example, without a path or a user\n" +
				"auth.from[1].origins[19]: want an origin such as https://app.example\n" +
				"auth.from[1].origins[20]: want an origin such as https://app.example\n" +
				"auth.from[1].origins[21]: empty",
			good: "auth: {from: [{cookie: a, origins: ['https://a']}, {cookie: b, origins: ['https://a.example', 'http://a.example', 'http://localhost:3000', 'https://a.example:80', 'http://127.0.0.1:443', 'https://[::1]:8443', 'https://[::1]', 'https://xn--4ca.example', 'chrome-extension://abcdef', 'capacitor://localhost']}]}",
		},
		"claims into headers": {
			bad: "auth: {claimsToHeaders: {x-user: id, X_User: name, host: h, 'a b': c, x-a: a..b, x-b: args.auth.id, x-c: '', x-d: 'a[b]', x-e: \"['a\"}}",
			want: "auth.claimsToHeaders.X_User: the same header as \"x-user\": servers read _ as -, and names without case\n" +
				"auth.claimsToHeaders.host: a header that a claim cannot be put into\n" +
				"auth.claimsToHeaders[\"a b\"]: not the name of a header\n" +
				"auth.claimsToHeaders.x-a: a path with an empty key\n" +
				"auth.claimsToHeaders.x-b: want the path of a claim, such as id\n" +
				"auth.claimsToHeaders.x-c: empty\n" +
				"auth.claimsToHeaders.x-d: want a path such as realm.roles or ['https://example.com/roles']\n" +
				"auth.claimsToHeaders.x-e: want a path such as realm.roles or ['https://example.com/roles']",
			good: "auth: {claimsToHeaders: {x-user: id, X_User2: name, x-a: a.b, x-b: \"a['b.c'].d\"}}",
		},
		"a companion has something to sign with": {
			bad:  "companion: {cluster: c}",
			want: "companion.secret: missing; want `secret`, or a primary HS key among auth.tokens to derive it from",
			good: own + "companion: {cluster: c}",
		},
		"calls need a companion's secret": {
			bad:  "databases: {d: {type: embedded, conn: x}}\nroutes: [{match: {path: /}, rule: {rule: and, clauses: [{rule: query, db: d, col: c}]}}]",
			want: "companion: missing; routes[0].rule needs it: want `secret`, or a primary HS key among auth.tokens to derive it from",
			good: "companion: {secret: x}\ndatabases: {d: {type: embedded, conn: x}}\nroutes: [{match: {path: /}, rule: {rule: and, clauses: [{rule: query, db: d, col: c}]}}]",
		},
		"secrets of a companion": {
			bad:  "companion: {secret: a, secrets: [b, c, d]}",
			want: "companion.secrets: want at most 2, found 3",
			good: "companion: {secrets: [b, c]}",
		},
		"a secret or secrets": {
			bad: "companion: {secret: a, secrets: [b, c]}", want: "companion.secrets: there is a secret already; want one of the two", good: "companion: {secret: a}",
		},
		"a rotation to the same secret": {
			bad: "companion: {secrets: [a, a]}", want: "companion.secrets[1]: the same as the first", good: "companion: {secrets: [a, b]}",
		},
		"query rules read databases that are there": {
			bad: own + "databases: {social: {type: embedded}, m: {type: mongo, conn: x}}\nroutes:\n" +
				"- {match: {path: /a}, rule: {rule: query, db: socail, col: c}}\n" +
				"- {match: {path: /b}, rule: {rule: query, db: nothing, col: c}}\n" +
				"- {match: {path: /d}, rule: {rule: query, db: social, col: c}}",
			want: "routes[0].rule.db: no such database; did you mean social?\n" +
				"routes[1].rule.db: databases has no entry of this name\n" +
				"routes[2].rule.db: the database has no conn",
			good: own + "databases: {social: {type: embedded, conn: x}, m: {type: mongo, conn: x}, p: {type: sql-postgres, conn: x}, y: {type: sql-mysql, conn: x}}\nroutes:\n" +
				"- {match: {path: /a}, rule: {rule: query, db: social, col: c}}\n" +
				"- {match: {path: /b}, rule: {rule: query, db: p, col: c}}\n" +
				"- {match: {path: /c}, rule: {rule: query, db: y, col: c}}\n" +
				"- {match: {path: /d}, rule: {rule: query, db: m, col: c}}",
		},
		"webhooks go to hosts that are listed": {
			bad: own + "webhooks: {allow: [a.example, 'b:81']}\nroutes:\n" +
				"- {match: {path: /a}, rule: {rule: webhook, url: 'https://c.example/'}}\n" +
				"- {match: {path: /b}, rule: {rule: webhook, url: 'https://b:82/'}}",
			want: "routes[0].rule.url: the host is not in webhooks.allow\nroutes[1].rule.url: the host is not in webhooks.allow",
			good: own + "webhooks: {allow: [A.example, 'b:81']}\nroutes:\n" +
				"- {match: {path: /a}, rule: {rule: webhook, url: 'https://a.example:99/'}}\n" +
				"- {match: {path: /b}, rule: {rule: webhook, url: 'https://B:81/'}}",
		},
		"what the companion alone reads": {
			bad: "databases: {d: {type: embedded, conn: x, pool: {size: 0, queue: 100001, max: 1}}}\nwebhooks: {cert: x, pool: {size: '1'}}",
			want: "databases.d.pool.size: want 1 to 1000\n" +
				"databases.d.pool.queue: want 1 to 100000\n" +
				"databases.d.pool.max: unknown key `max`; want one of size, queue\n" +
				"webhooks.cert: want `key` beside it\n" +
				"webhooks.pool.size: want an integer, found string",
			good: "databases: {d: {type: embedded, conn: x, pool: {size: 1, queue: 100000}}}\nwebhooks: {ca: y, cert: x, key: z, pool: {size: 1000}}",
		},
		"hosts of webhooks": {
			bad: "webhooks: {allow: ['https://a/', '*.a', 'a:0', 'a:', '::1', '[::g]', 'a b', '']}",
			want: "webhooks.allow[0]: want a host, with or without a port; found a URL or a path\n" +
				"webhooks.allow[1]: want a host, not a pattern\n" +
				"webhooks.allow[2]: not a port\n" +
				"webhooks.allow[3]: not a port\n" +
				"webhooks.allow[4]: an IPv6 address is written in brackets\n" +
				"webhooks.allow[5]: not an IPv6 address in brackets\n" +
				"webhooks.allow[6]: not the name of a host (write other letters than ASCII in punycode)\n" +
				"webhooks.allow[7]: empty",
			good: "webhooks: {allow: ['a', 'a:1', '[::1]', '[::1]:80', 127.0.0.1]}",
		},
		"a webhook needs a key that signs": {
			bad:  "companion: {secret: x}\nwebhooks: {allow: [a]}\nroutes: [{match: {path: /}, rule: {rule: webhook, url: 'https://a/'}}]",
			want: "routes[0].rule: a webhook carries tokens: one of auth.tokens must be `primary: true` and able to sign",
			good: own + "companion: {secret: x}\nwebhooks: {allow: [a]}\nroutes: [{match: {path: /}, rule: {rule: webhook, url: 'https://a/'}}]",
		},
		"the API's paths hold the project": {
			bad:  "services: {s: {endpoints: {e: {rule: {rule: allow}}}}}",
			want: "project: missing; it is part of the paths of services",
			good: "project: p\nservices: {s: {endpoints: {e: {rule: {rule: allow}}}}}",
		},
		"names that no path can hold": {
			bad: "project: a/b\nservices: {'..': {endpoints: {'a/b': {rule: {rule: allow}}, '': {rule: {rule: allow}}}}}\n" +
				"databases: {d: {type: mongo, collections: {'a%20b': {rules: {}}}}}",
			want: "project: no segment of a path has a slash or a backslash\n" +
				"services[\"..\"]: a dot segment: no request that has one is let in\n" +
				"services[\"..\"].endpoints[\"a/b\"]: no segment of a path has a slash or a backslash\n" +
				"services[\"..\"].endpoints[\"\"]: an empty segment: no request that has one is let in\n" +
				"databases.d.collections[\"a%20b\"]: write it decoded, without %",
			good: "project: a\nservices: {'a.b': {endpoints: {'ab': {rule: {rule: allow}}}}}\n" +
				"databases: {d: {type: mongo, collections: {'a b': {rules: {}}}}}",
		},
		"operations of collections and files": {
			bad: "project: p\ndatabases: {d: {type: mongo, collections: {c: {rules: {reed: {rule: allow}, read: {}}}}}}\n" +
				"files: [{prefix: /, rules: {update: {rule: allow}}}]",
			want: "databases.d.collections.c.rules.reed: unknown key `reed`: did you mean `read`?\n" +
				"databases.d.collections.c.rules.read: want a rule with its name, such as {rule: allow}\n" +
				"files[0].rules.update: unknown key `update`; want one of read, create, delete",
			good: "project: p\ndatabases: {d: {type: mongo, collections: {c: {rules: {read: {rule: allow}}}}}}\n" +
				"files: [{prefix: /, rules: {create: {rule: allow}}}]",
		},
		"an API prefix is a path": {
			bad: "apiPrefix: 'v1/{x}'", want: "apiPrefix: want a path that begins with /", good: "apiPrefix: /v1/x/",
		},
		"an API prefix has no variables": {
			bad: "apiPrefix: '/v1/{x}'", want: "apiPrefix: want a path without variables", good: "apiPrefix: /",
		},
		"variables and files that are missing": {
			bad: "project: '${NO_SUCH}'\ngateway: '${file:/no/such}'\napiPrefix: '${file:}'\ncompanion: {secret: '${BYTES}'}\nmode: '${'",
			want: "project: the environment has no NO_SUCH\n" +
				"gateway: open /no/such: file does not exist\n" +
				"apiPrefix: want ${NAME} or ${file:path}; $${ is a ${ that stays\n" +
				"companion.secret: its value is not UTF-8\n" +
				"mode: want ${NAME} or ${file:path}; $${ is a ${ that stays",
			good: "project: '${SECRET}'\ngateway: '${file:is:a}'\napiPrefix: '/${NAME_OF_PATH}'\ncompanion: {secret: '${SECRET}'}\nmode: 'enforce'",
		},
		"not an object": {bad: "[]", want: "want an object, found array", good: "{}"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := load(t, c.bad)
			var faults rules.Faults
			if !errors.As(err, &faults) {
				t.Fatalf("no faults, but %v", err)
			}
			if diff := cmp.Diff(strings.Split(c.want, "\n"), strings.Split(faults.Error(), "\n")); diff != "" {
				t.Errorf("faults (- want, + got):\n%s", diff)
			}
			mustLoad(t, c.good)
		})
	}
}
