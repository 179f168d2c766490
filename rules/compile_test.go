package rules

import (
	"errors"
	"regexp"
	"strings"
	"testing"
)

func TestFaults(t *testing.T) {
	q := func(find string) string { return `{"rule":"query","db":"d","col":"c","find":` + find + `}` }
	m := func(rest string) string { return `{"rule":"match",` + rest + `}` }
	for rule, want := range map[string]string{
		`null`:                           "rule: want a rule, found null",
		`{}`:                             "rule: want a rule with its name, such as {rule: allow}",
		`{"rule":5}`:                     "rule.rule: want the name of a rule, found number",
		`{"rule":"alow"}`:                "rule.rule: " + unknownRule("alow"),
		`{"rule":"sift"}`:                "rule.rule: " + unknownRule("sift"),
		`{"rule":"allow","f1":1}`:        `rule.f1: a rule allow has no field "f1"`,
		`{"rule":"deny","error":5}`:      "rule.error: want string, found number",
		`{"rule":"and"}`:                 "rule: a rule and needs clauses",
		`{"rule":"and","clauses":[]}`:    "rule.clauses: want an array of rules that is not empty, found array",
		`{"rule":"and","clauses":{}}`:    "rule.clauses: want an array of rules that is not empty, found object",
		`{"rule":"or","clauses":[null]}`: "rule.clauses[0]: want a rule, found null",
		`{"rule":"force","field":"args.a","value":1,"clause":{}}`:                        "rule.clause: want a rule with its name, such as {rule: allow}",
		`{"rule":"force","field":"args.a","value":1,"clause":null}`:                      "rule.clause: want a rule, found null",
		`{"rule":"force","field":"args.a"}`:                                              "rule: a rule force needs value",
		`{"rule":"force","field":"params.a","value":1}`:                                  `rule.field: "params.a" is no path: want args.… or res.…`,
		`{"rule":"force","field":"args","value":1}`:                                      `rule.field: "args" is no path: want args.… or res.…`,
		`{"rule":"force","field":"res","value":1}`:                                       `rule.field: "res" is no path: want args.… or res.…`,
		`{"rule":"force","field":"args.a.","value":1}`:                                   `rule.field: path "args.a." has an empty key or res.…`,
		`{"rule":"force","field":"args.a","value":"args.b[args.c"}`:                      `rule.value: path "args.b[args.c" has a [ without its ]`,
		`{"rule":"force","field":"args.a","value":"args.b[args.c[args.d]]"}`:             `rule.value: path "args.b[args.c[args.d]]" has brackets inside brackets`,
		`{"rule":"force","field":"args.a","value":"args.b[c]"}`:                          `rule.value: in the brackets of "args.b[c]": "c" is no path: want args.…`,
		`{"rule":"force","field":"args.a","value":"args.b]"}`:                            `rule.value: path "args.b]" has a ] without its [`,
		`{"rule":"force","field":"args.a","value":"args.b[args.c]d"}`:                    `rule.value: path "args.b[args.c]d" goes on after a ] without a point`,
		`{"rule":"force","field":"args.a","value":"utils.nope(args.a)"}`:                 "rule.value: unknown function utils.nope: want one of add, addDuration, concat, date, datePart, default, exists, keys, length, lower, mul, now, number, objectIdToString, roundUpDate, split, stringToObjectId, sub, values",
		`{"rule":"force","field":"args.a","value":"utils.exist(args.a)"}`:                "rule.value: unknown function utils.exist; did you mean utils.exists?",
		`{"rule":"force","field":"args.a","value":"utils.exists(foo)"}`:                  `rule.value: "foo" is no path: want args.… or a call`,
		`{"rule":"force","field":"args.a","value":"utils.exists()"}`:                     `rule.value: utils.exists wants (path), found 0 of these`,
		`{"rule":"force","field":"args.a","value":"utils.length(args)"}`:                 `rule.value: "args" is no path: want args.… or a call`,
		`{"rule":"force","field":"args.a","value":"utils.exists(args.a"}`:                `rule.value: "utils.exists(args.a" is no call of a function: want utils.name(…)`,
		`{"rule":"force","field":"args.a","value":"utils.now(1)"}`:                       `rule.value: utils.now wants (), found 1 of these`,
		`{"rule":"force","field":"args.a","value":"utils.roundUpDate(args.a, 'week')"}`:  `rule.value: utils.roundUpDate: unknown unit "week": want year, month, day, hour, minute or second`,
		`{"rule":"force","field":"args.a","value":"utils.addDuration(args.a, '1 day')"}`: `rule.value: utils.addDuration: "1 day" is no duration such as -1h30m`,
		`{"rule":"force","field":"args.a","value":"utils.addDuration(yesterday, '1h')"}`: `rule.value: utils.addDuration: "yesterday" is no date: want RFC 3339 with a zone, or YYYY-MM-DD`,
		`{"rule":"force","field":"args.a","value":"utils.split(args.a)"}`:                `rule.value: utils.split wants (path, 'separator'), found 1 of these`,
		`{"rule":"remove","fields":["foo"]}`:                                             `rule.fields[0]: "foo" is no path: want args.… or res.…`,
		`{"rule":"remove","fields":[5]}`:                                                 "rule.fields[0]: want a path, found number",
		`{"rule":"remove","fields":"res.a"}`:                                             `rule.fields: "res.a" is no path: want args.… that holds an array of paths`,
		`{"rule":"remove","fields":{}}`:                                                  "rule.fields: want an array of paths, or one path to an array of them; found object",
		`{"rule":"hash","fields":["args.a"],"algorithm":"md5"}`:                          `rule.algorithm: want one of sha256, hmac-sha256, found "md5"`,
		`{"rule":"encrypt","fields":["args.a"],"encoding":"hex"}`:                        `rule.encoding: a rule encrypt has no field "encoding"`,
		m(`"type":"string","eval":"==","f1":"a"`):                                        "rule: a rule match needs f2",
		m(`"type":"strin","eval":"==","f1":"a","f2":"b"`):                                `rule.type: ` + unknownType("strin"),
		m(`"type":"strin","eval":"is","f1":"a","f2":"b"`):                                `rule.type: ` + unknownType("strin") + "\nrule.eval: " + unknownEval("is", ""),
		m(`"type":"bool","eval":"==","f1":"args.a","f2":"true"`):                         `rule.f2: "true" is a text: write true without quotes`,
		m(`"type":"bool","eval":"==","f1":"args.a","f2":"admin"`):                        `rule.f2: "admin" is no reference: want args.… or utils.…; to compare texts, use type: string`,
		m(`"type":"bool","eval":"<","f1":true,"f2":true`):                                `rule.eval: unknown eval "<": type bool has == !=; it is an eval of type number, date`,
		m(`"type":"string","eval":"isIn","f1":"a","f2":["a"]`):                           `rule.eval: unknown eval "isIn": type string has == != startsWith endsWith contains matches in notIn`,
		m(`"type":"number","eval":"==","f1":"args.a","f2":"18"`):                         `rule.f2: "18" is a text: write 18 without quotes`,
		m(`"type":"string","eval":"==","f1":"args.a","f2":true`):                         "rule.f2: want string, found bool",
		m(`"type":"string","eval":"in","f1":"args.a","f2":"admin"`):                      `rule.f2: in wants an array or a reference to one, found string; write ["admin"]`,
		m(`"type":"string","eval":"notIn","f1":"args.a","f2":{"a":1}`):                   "rule.f2: notIn wants an array or a reference to one, found object",
		m(`"type":"string","eval":"in","f1":"args.a","f2":["args."]`):                    `rule.f2[0]: path "args." has an empty key`,
		m(`"type":"date","eval":"<","f1":"args.a","f2":"today"`):                         `rule.f2: "today" is no date: want RFC 3339 with a zone, or YYYY-MM-DD`,
		m(`"type":"date","eval":"<","f1":"args.a","f2":"2020-01-02T03:04:05"`):           `rule.f2: "2020-01-02T03:04:05" is no date: want RFC 3339 with a zone, or YYYY-MM-DD`,
		m(`"type":"ip","eval":"notIn","f1":"args.a","f2":["10.0.0.0/33"]`):               `rule.f2[0]: "10.0.0.0/33" is no IP address and no CIDR block`,
		q(`[]`):                               "rule.find: want an object of conditions, found array",
		q(`"args.find"`):                      "rule.find: want an object of conditions, found string",
		q(`{"$where":"1"}`):                   "rule.find.$where: unknown operator $where: want a column, $and, $or or $nor",
		q(`{"a":{"$where":"1"}}`):             "rule.find.a.$where: unknown operator $where",
		q(`{"a":{"$gt":1,"b":1}}`):            "rule.find.a: operators and keys are mixed",
		q(`{"a":{"b":{"$gt":1}}}`):            "rule.find.a.b.$gt: no operator may stand inside a value",
		q(`{"$or":[]}`):                       "rule.find.$or: want an array of conditions that is not empty, found array",
		q(`{"$or":{"a":1}}`):                  "rule.find.$or: want an array of conditions that is not empty, found object",
		q(`{"a":{"$not":5}}`):                 "rule.find.a.$not: want an object of operators, found number",
		q(`{"a":{"$in":5}}`):                  "rule.find.a.$in: want an array or a reference to one, found number",
		q(`{"a":{"$exists":1}}`):              "rule.find.a.$exists: want bool, found number",
		q(`{"a":{"$regex":"args.params.q"}}`): "rule.find.a.$regex: a pattern is written in the rule, never a reference",
		q(`{"a":{"$regex":"a(?=b)"}}`):        `rule.find.a.$regex: pattern, byte 2: only plain groups`,
		q(`{"a":{"$regex":"(a"}}`):            `rule.find.a.$regex: pattern, byte 2: want )`,
		q(`{"a":{"$gt":null}}`):               "rule.find.a.$gt: want a value that has an order, found null",
		q(`{"a":{"$oid":"xyz"}}`):             "rule.find.a.$oid: want 24 hex digits",
		`{"rule":"query","db":"d","col":"c","store":"result"}`:        `rule.store: "result" is no path: want args.…`,
		`{"rule":"query","db":"d","col":"c","store":"res.a"}`:         `rule.store: "res.a" is no path: want args.…`,
		`{"rule":"query","db":"d","col":"c","cache":"5"}`:             `rule.cache: want a duration such as 5s, up to 24h0m0s, found "5"`,
		`{"rule":"query","db":"","col":"c"}`:                          "rule.db: must not be empty",
		`{"rule":"webhook","url":"ftp://h/"}`:                         `rule.url: want an http or https URL with a host, found "ftp://h/"`,
		`{"rule":"webhook","url":"http://u:p@h/"}`:                    `rule.url: a URL here has no user and no fragment, found "http://u:p@h/"`,
		`{"rule":"webhook","url":"http://h/","claims":"args.auth"}`:   "rule.claims: want an object, found string",
		`{"rule":"webhook","url":"http://h/","claims":{"a":"args."}}`: `rule.claims.a: path "args." has an empty key`,
	} {
		_, faults := Compile(mustParse(t, rule), "rule", testEnv())
		if got := faults.Error(); got != want {
			t.Errorf("%s:\n got %s\nwant %s", rule, got, want)
		}
	}
}

func TestAllFaultsAreReported(t *testing.T) {
	_, faults := Compile(mustParse(t, `{"rule":"and","clauses":[{"rule":"x"},{"rule":"match","type":"string","eval":"==","f1":"args.","f2":5,"f3":1},{"rule":"hash","fields":["a","b"]}]}`), "routes[0].rule", testEnv())
	var places []string
	for _, f := range faults {
		places = append(places, strings.TrimPrefix(f.Place, "routes[0].rule.clauses"))
	}
	if got := strings.Join(places, " "); got != "[0].rule [1].f3 [1].f1 [1].f2 [2].fields[0] [2].fields[1]" {
		t.Errorf("got %s", got)
	}
}

func TestScopeIsAsked(t *testing.T) {
	for rule, want := range map[string]string{
		`{"rule":"encrypt","fields":["args.a"]}`:                        "rule: encrypt with aes-cfb needs a key: set crypto.aesKey",
		`{"rule":"hash","fields":["args.a"],"algorithm":"hmac-sha256"}`: "rule: hash with hmac-sha256 needs a key: set crypto.aesKey",
		`{"rule":"hash","fields":["args.a"]}`:                           "",
		`{"rule":"webhook","url":"http://h/"}`:                          "rule: a webhook carries tokens: one of auth.tokens must be `primary: true` and able to sign",
		`{"rule":"query","db":"x","col":"c"}`:                           "rule.db: no such database",
	} {
		_, faults := Compile(mustParse(t, rule), "rule", &Env{Database: func(string, string) error { return errors.New("no such database") }})
		if got := faults.Error(); got != want {
			t.Errorf("%s: got %q, want %q", rule, got, want)
		}
	}
}

func TestUses(t *testing.T) {
	r := mustCompile(t, `{"rule":"and","clauses":[{"rule":"match","type":"string","eval":"==","f1":"args.auth.id","f2":"args.request[args.op]"},
		{"rule":"force","field":"args.request.headers.X-User","value":"args.auth.id"},{"rule":"query","db":"d","col":"c","find":{"a":{"$in":["args.peer.uriSan"]}}}]}`)
	for root, want := range map[string]bool{"auth": true, "request": true, "op": true, "result": true, "peer": true, "params": false, "token": false} {
		if r.Uses(root) != want {
			t.Errorf("uses %s: got %v", root, !want)
		}
	}
	if r.Changes("auth") || !r.Changes("request") || !r.Calls() || r.HasResponse() || len(r.ForcedHeaders()) != 1 || r.ForcedHeaders()[0] != "x-user" {
		t.Errorf("got changes auth %v, request %v, calls %v, response %v, headers %v", r.Changes("auth"), r.Changes("request"), r.Calls(), r.HasResponse(), r.ForcedHeaders())
	}
	if !mustCompile(t, `{"rule":"webhook","url":"http://h/"}`).Uses("params") {
		t.Error("a webhook without a body sends everything")
	}
}

func TestPatterns(t *testing.T) {
	for _, p := range []string{"", "abc", "^a.*b$", `\d{3}-[a-z]+`, `(a|b){2,}`, `[^\]a-z]?`, `a\.b\$`, `(^a|b$)`, `(a{255}){3}`, `(a{2,}){200}`, `(a*)*`} {
		if err := CheckPattern(p); err != nil {
			t.Errorf("%q is refused: %v", p, err)
		}
		if _, err := regexp.Compile(p); err != nil {
			t.Errorf("%q: %v", p, err)
		}
	}
	for _, p := range []string{"*a", "a**", "a*?", "a++", "(", ")", "[", "[]", "[a", `\`, `\b`, `\1`, `(?i)a`, "a{2", "a{3,2}", "a{256}", "a{+1}", "{2}", "]", "}", "[[:alpha:]]", "^*", "a|*", "[z-a]", `[\d-z]`, `(a{255}){4}`, `((a{200}b){2}|c){3}`} {
		if CheckPattern(p) == nil {
			t.Errorf("%q is accepted", p)
		}
	}
}

// Go's regexp, which evaluates patterns for SQLite, takes every accepted pattern.
func FuzzPattern(f *testing.F) {
	for _, p := range []string{"^a.*b$", `\d{3}-[a-z]+`, `((a{200}b){2,}|c){3}`, `[^\]a-z]?`} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p string) {
		if CheckPattern(p) != nil {
			return
		}
		if _, err := regexp.Compile(p); err != nil {
			t.Errorf("%q: %v", p, err)
		}
	})
}
