package decide_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/jwks"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
	"github.com/rulegate/rulegate/rules/value"
)

// compares is a rule that compares the claim id with a part of the request.
func compares(with string) string {
	return `{"rule": "match", "type": "string", "eval": "==", "f1": "args.auth.id", "f2": "` + with + `"}`
}

// headRoutes have rules that read the head, and responses and calls that wait for a yes.
var headRoutes = `,
	{"name": "owner", "match": {"path": "/owners/{id}"}, "rule": ` + compares("args.request.vars.id") + `},
	{"name": "owned", "match": {"path": "/owners/{id}/{path...}"}, "rule": ` + compares("args.request.vars.path") + `},
	{"name": "slash", "match": {"path": "/slashes/{id}"}, "paths": {"encodedSlash": "keep"}, "rule": ` + compares("args.request.vars.id") + `},
	{"name": "all", "match": {"path": "/all"}, "rule": ` + compares("args.request.headers[args.request.headers.x-key]") + `},
	{"name": "header", "match": {"path": "/header"}, "rule": ` + compares("args.request.headers.x-user") + `},
	{"name": "marked", "match": {"path": "/marked"}, "rule": ` + compares("args.request.headers.x_user") + `},
	{"name": "query", "match": {"path": "/query"}, "rule": ` + compares("args.request.query.id") + `},
	{"name": "allquery", "match": {"path": "/allquery"}, "rule": ` + compares("args.request.query[args.request.query.key]") + `},
	{"name": "params", "match": {"path": "/params"}, "rule": ` + compares("args.params.id") + `},
	{"name": "public", "match": {"path": "/public/{id}"}, "auth": "none", "rule": {"rule": "match", "type": "string", "eval": "==", "f1": "args.request.vars.id", "f2": "alice"}},
	{"name": "maybe", "match": {"path": "/maybe/{id}"}, "auth": "optional", "rule": {"rule": "match", "type": "string", "eval": "==", "f1": "args.request.vars.id", "f2": "alice"}},
	{"name": "lenient", "match": {"path": "/lenient/{id}"}, "auth": {"optional": true, "invalid": "ignore"}, "rule": {"rule": "or", "clauses": [` + compares("args.request.vars.id") + `, {"rule": "match", "type": "string", "eval": "==", "f1": "args.request.vars.id", "f2": "bob"}]}},
	{"name": "boundowner", "match": {"path": "/boundowners/{id}"}, "auth": {"bound": "required"}, "rule": ` + compares("args.request.vars.id") + `},
	{"name": "partnerowner", "match": {"path": "/partnerowners/{id}"}, "auth": {"providers": ["partner"]}, "rule": ` + compares("args.request.vars.id") + `},
	{"name": "scheme", "match": {"path": "/scheme"}, "rule": {"rule": "match", "type": "string", "eval": "==", "f1": "args.request.scheme", "f2": "https"}},
	{"name": "tokenised", "match": {"path": "/token"}, "rule": ` + compares("args.token") + `},
	{"name": "address", "match": {"path": "/ip"}, "rule": {"rule": "match", "type": "ip", "eval": "==", "f1": "args.request.ip", "f2": "192.0.2.1"}},
	{"name": "peer", "match": {"path": "/peer"}, "rule": {"rule": "match", "type": "string", "eval": "==", "f1": "args.peer.sha256", "f2": "aa"}},
	{"name": "id", "match": {"path": "/id"}, "rule": ` + compares("args.request.id") + `},
	{"name": "maskowner", "match": {"path": "/maskowners/{id}"}, "rule": {"rule": "and", "clauses": [` + compares("args.request.vars.id") + `, {"rule": "remove", "fields": ["res.a"]}]}},
	{"name": "maskforced", "match": {"path": "/maskforced/{id}"}, "rule": {"rule": "and", "clauses": [{"rule": "force", "field": "res.by", "value": "args.auth.id"}, {"rule": "force", "field": "res.of", "value": "args.request.vars.id"}]}},
	{"name": "asks", "match": {"path": "/asks/{id}"}, "rule": {"rule": "query", "db": "db", "col": "c", "find": {"id": "args.request.vars.id"}}},
	{"name": "tried", "match": {"path": "/tried/{id}"}, "rule": {"rule": "and", "clauses": [{"rule": "not", "clause": {"rule": "and", "clauses": [{"rule": "force", "field": "args.request.headers.x-user", "value": "x"}, {"rule": "deny"}]}}, ` + compares("args.request.vars.id") + `]}},
	{"name": "or", "match": {"path": "/or/{id}"}, "rule": {"rule": "or", "clauses": [` + compares("args.request.vars.id") + `, ` + compares("args.params.id") + `]}},
	{"name": "forcedparams", "match": {"path": "/forcedparams"}, "rule": {"rule": "and", "clauses": [` + alice + `, {"rule": "force", "field": "args.params.by", "value": "args.auth.id"}]}},
	{"name": "late", "match": {"path": "/late/{id}"}, "rule": {"rule": "and", "clauses": [` + compares("args.request.vars.id") + `, {"rule": "match", "type": "date", "eval": "<", "f1": "utils.now()", "f2": "2026-01-02T04:00:00Z"}]}},
	{"name": "responseowner", "match": {"path": "/responseowners/{id}"}, "rule": ` + compares("args.request.vars.id") + `, "response": ` + compares("args.res.owner") + `}`

// quickRoutes have rules whose answer depends on the token alone, and others.
const quickRoutes = `
	{"name": "claims", "match": {"path": "/claims"}, "rule": ` + alice + `},
	{"name": "post", "match": {"methods": ["POST"], "path": "/claims"}, "rule": ` + alice + `},
	{"name": "item", "match": {"path": "/items/{id}"}, "rule": ` + alice + `},
	{"name": "kept", "match": {"path": "/kept/{id}"}, "paths": {"encodedSlash": "keep"}, "rule": ` + alice + `},
	{"name": "suffix", "match": {"path": "/items/{id}:do"}, "rule": ` + alice + `},
	{"name": "rest", "match": {"path": "/files/{path...}"}, "rule": ` + alice + `},
	{"name": "host", "match": {"host": "api.shop.example", "path": "/claims"}, "rule": {"rule": "deny"}},
	{"name": "ipv6", "match": {"host": "[2001:db8::1]", "path": "/claims"}, "rule": {"rule": "deny"}},
	{"name": "anyhost", "match": {"host": "*.shop.example", "path": "/claims"}, "rule": ` + alice + `},
	{"name": "partner", "match": {"path": "/partner"}, "auth": {"providers": ["partner"]}, "rule": ` + alice + `},
	{"name": "optional", "match": {"path": "/optional"}, "auth": "optional", "rule": ` + alice + `},
	{"name": "ignored", "match": {"path": "/ignored"}, "auth": {"optional": true, "invalid": "ignore"}, "rule": {"rule": "allow"}},
	{"name": "bound", "match": {"path": "/bound"}, "auth": {"bound": "required"}, "rule": {"rule": "use", "of": "alice"}},
	{"name": "shared", "match": {"path": "/shared"}, "rule": {"rule": "use", "of": "alice"}},
	{"name": "sharedresponse", "match": {"path": "/sharedresponse"}, "rule": {"rule": "use", "of": "alice"}, "response": {"rule": "allow"}},
	{"name": "open", "match": {"path": "/open"}, "auth": "none", "rule": {"rule": "allow"}},
	{"name": "known", "match": {"path": "/known"}, "rule": {"rule": "allow"}},
	{"name": "authenticated", "match": {"path": "/authenticated"}, "rule": {"rule": "authenticated"}},
	{"name": "closed", "match": {"path": "/closed"}, "auth": "none", "rule": {"rule": "deny"}},
	{"name": "nobody", "match": {"path": "/nobody"}, "auth": "none", "rule": {"rule": "authenticated"}},
	{"name": "method", "match": {"path": "/method"}, "rule": {"rule": "match", "type": "string", "eval": "==", "f1": "args.request.method", "f2": "GET"}},
	{"name": "mask", "match": {"path": "/mask"}, "rule": {"rule": "and", "clauses": [` + alice + `, {"rule": "remove", "fields": ["res.a"]}]}},
	{"name": "response", "match": {"path": "/response"}, "rule": ` + alice + `, "response": {"rule": "allow"}},
	{"name": "now", "match": {"path": "/now"}, "rule": {"rule": "match", "type": "date", "eval": "<", "f1": "utils.now()", "f2": "2026-01-02T03:04:06Z"}},
	{"name": "forced", "match": {"path": "/forced"}, "rule": {"rule": "and", "clauses": [` + alice + `, {"rule": "force", "field": "args.request.headers.x-user", "value": "args.auth.id"}]}}`

// quickPolicies take tokens from other places, and do other things with them.
var quickPolicies = []string{
	``,
	`"forward": false`,
	`"from": [{"header": "x-token", "prefix": ""}], "forward": false`,
	`"from": [{"header": "authorization", "prefix": "Bearer "}, {"cookie": "session"}], "forward": false`,
	`"from": [{"query": "t"}]`,
	`"from": [{"header": "x_token", "prefix": ""}]`,
	`"claimsToHeaders": {"x-user": "id"}`,
	`"from": [{"header": "authorization", "prefix": "Bearer "}, {"query": "t"}]`,
}

// bothWays decides each request by one engine twice, so that the second time its
// token is known, and by one that has only the general way.
type bothWays struct {
	quick, general *decide.Engine
	used           *decide.Request
	room           room // of used's headers
	mint           *strings.Replacer
	field          [2]string // with a token
}

func newBothWays(t testing.TB, auth string) *bothWays {
	if auth != "" {
		auth += ", "
	}
	p := parts{auth: auth + `"leeway": "30s"}, "define": {"alice": ` + alice, collections: `"c": {"rules": {"read": {"rule": "deny"}}}`,
		endpoints: `"e": {"rule": ` + alice + `}`, events: `"e": {"rule": ` + alice + `}`, files: `{"prefix": "/:id", "rules": {"read": ` + compares("args.params.id") + `}}`,
		routes: quickRoutes + headRoutes}
	quick, pol := p.load(t)
	general, _ := p.load(t)
	general.GoGeneralWay()
	b := &bothWays{quick: quick, general: general, used: new(decide.Request), room: room{bytes: make([]byte, 0, 16<<10)}, mint: tokens(t, pol), field: [2]string{"authorization", "Bearer {alice}"}}
	if len(pol.Sources) == 1 && pol.Sources[0].Header != "" {
		b.field = [2]string{pol.Sources[0].Header, pol.Sources[0].Prefix + "{alice}"}
	}
	b.field[1] = b.mint.Replace(b.field[1])
	return b
}

// prepare lets through what is like a request, but has nothing odd: the quick way lets
// nothing through that was not let through before with the token.
func (b *bothWays) prepare(in *incoming) {
	twin := &incoming{end: true, headers: [][2]string{b.field, {":scheme", "https"}}}
	for _, name := range []string{":method", ":authority", ":path"} {
		i := slices.IndexFunc(in.headers, func(h [2]string) bool { return h[0] == name && h[1] != "" })
		if i < 0 {
			return
		}
		value := in.headers[i][1]
		switch name {
		case ":authority":
			value = strings.ToLower(value)
		case ":path":
			value = value[:strings.IndexAny(value+"?", "?#;")]
		}
		twin.headers = append(twin.headers, [2]string{name, value})
	}
	twin.begin(b.quick)
	twin.headers[4][1] = "/shared" // with the same rule as /bound
	twin.begin(b.quick)
}

// compare reports whether the quick way was taken the second time. Between its requests
// come some with a forged token in the same place of the same memory.
func (b *bothWays) compare(t *testing.T, in *incoming) (quickly bool) {
	t.Helper()
	b.prepare(in)
	forged := forge(in)
	for _, at := range []time.Time{now, now, now.Add(2 * time.Hour)} {
		if b.compareAt(t, in, at) && at == now {
			quickly = true
		}
		b.compareAt(t, forged, at)
	}
	return quickly
}

// forge returns the request with tokens of the same length whose signatures are wrong.
func forge(in *incoming) *incoming {
	out := *in
	out.headers = slices.Clone(in.headers)
	for i := range out.headers {
		h := &out.headers[i]
		if cut := strings.LastIndexByte(h[1], '.') + 1; strings.Count(h[1], ".") == 2 && cut < len(h[1]) {
			h[1] = h[1][:cut] + strings.Repeat("A", len(h[1])-cut)
		}
	}
	return &out
}

// compareAt decides the request both ways, and reports whether the quick way let it
// through. The quick one is in memory of the requests before, as it is in the module.
func (b *bothWays) compareAt(t *testing.T, in *incoming, at time.Time) (passed bool) {
	t.Helper()
	r := new(decide.Request)
	b.general.Begin(r, in, at)
	want := r.Headers(in.headers, in.end)
	b.quick.Begin(b.used, in, at)
	b.used.Open(b.room.write(in.headers), in.end)
	got, passed := b.used.Pass()
	if d := b.used.Differs(); d != "" {
		t.Fatalf("%q\n%s", in.headers, d)
	}
	if !passed {
		got = b.used.Decide()
	}
	if got.Response != nil && want.Response != nil {
		if g, w := got.Response.Shown(), want.Response.Shown(); g != w {
			t.Fatalf("%q\nthe response of the quick way:\n%s\nof the general way:\n%s", in.headers, g, w)
		}
		got.Response, want.Response = nil, nil
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%q\nquickly %t:\n%+v\nthe general way:\n%+v", in.headers, passed, got, want)
	}
	if got, want := b.used.Saw(), r.Saw(); (!passed || b.used.HasArgs()) && got != want {
		t.Fatalf("%q\nquickly %t, the rule saw:\n%s\nthe general way:\n%s", in.headers, passed, got, want)
	}
	return passed
}

// room is memory in which one request overwrites the last one, as in the module.
type room struct {
	bytes []byte
	pairs [][2]string
}

func (r *room) write(headers [][2]string) [][2]string {
	all := r.bytes[:cap(r.bytes)]
	for i := range all {
		all[i] = '#'
	}
	clear(r.pairs[:cap(r.pairs)])
	r.bytes, r.pairs = r.bytes[:0], r.pairs[:0]
	put := func(s string) string {
		if s == "" || len(s) > cap(r.bytes)-len(r.bytes) {
			return strings.Clone(s)
		}
		from := len(r.bytes)
		r.bytes = append(r.bytes, s...)
		return unsafe.String(&r.bytes[from], len(s))
	}
	for _, h := range headers {
		r.pairs = append(r.pairs, [2]string{put(h[0]), put(h[1])})
	}
	return r.pairs
}

// TestQuick: each of the odd requests ends as it does on the general way, and those
// that are meant for the quick way take it.
func TestQuick(t *testing.T) {
	const plain = "authorization: Bearer {alice}"
	long := "x-long: " + strings.Repeat("v", 60<<10)
	many := ""
	for i := range 100 {
		many += "x-" + strings.Repeat("y", i) + ": v\n"
	}
	var ways []*bothWays
	for _, auth := range quickPolicies {
		ways = append(ways, newBothWays(t, auth))
	}
	for name, tt := range map[string]struct {
		request string
		quickly bool
	}{
		"the claims":                    {"GET /claims\n" + plain, true},
		"HEAD":                          {"HEAD /claims\n" + plain, true},
		"a query":                       {"GET /claims?a=1&b=%41\n" + plain, true},
		"a variable":                    {"GET /items/7\n" + plain, true},
		"an escape in a variable":       {"GET /items/a%20b\n" + plain, true},
		"a rest":                        {"GET /files/a/b\n" + plain, true},
		"a suffix":                      {"GET /items/7:do\n" + plain, true},
		"an encoded slash":              {"GET /kept/a%2fb\n" + plain, true},
		"an encoded slash elsewhere":    {"GET /items/a%2fb\n" + plain, false},
		"a host":                        {"GET /claims\n" + plain + "\nat: x.shop.example:8080", true},
		"a host of capitals":            {"GET /claims\n" + plain + "\nat: X.shop.example", false},
		"the same, whose route denies":  {"GET /claims\n" + plain + "\nat: API.shop.example", false},
		"an IPv6 host of capitals":      {"GET /claims\n" + plain + "\nat: [2001:DB8::1]", false},
		"a host without a name":         {"GET /claims\n" + plain + "\nat: a..b", false},
		"a host whose route denies":     {"GET /claims\n" + plain + "\nat: api.shop.example", false},
		"a body":                        {"POST /claims\n" + plain + "\ncontent-type: application/json\ncontent-length: 7\n\n{\"a\":1}", true},
		"a bad length":                  {"POST /claims\n" + plain + "\ncontent-length: x\n\n", false},
		"two lengths":                   {"POST /claims\n" + plain + "\ncontent-length: 7\ncontent-length: 7\n\n", false},
		"chunks":                        {"POST /claims\n" + plain + "\ntransfer-encoding: chunked\n\n", false},
		"chunks and a length":           {"POST /claims\n" + plain + "\ntransfer-encoding: chunked\ncontent-length: 7\n\n", false},
		"no token is read":              {"GET /open", true},
		"a token that is not read":      {"GET /open\nauthorization: Bearer {forged}", true},
		"optional":                      {"GET /optional\n" + plain, true},
		"optional, without a token":     {"GET /optional", false},
		"ignored":                       {"GET /ignored\nauthorization: Bearer {forged}", false},
		"authenticated":                 {"GET /authenticated\n" + plain, true},
		"another provider":              {"GET /partner\n" + plain, false},
		"another scheme":                {"GET /claims\nauthorization: Basic abc", false},
		"the scheme in another case":    {"GET /claims\nauthorization: bearer {alice}", false},
		"two tokens":                    {"GET /claims\n" + plain + "\n" + plain, false},
		"a twin of the token's header":  {"GET /claims\n" + plain + "\nauthorization_: x", false},
		"the header in another case":    {"GET /claims\nAuthorization: Bearer {alice}", false},
		"a forged token":                {"GET /claims\nauthorization: Bearer {forged}", false},
		"no token":                      {"GET /claims", false},
		"an empty token":                {"GET /claims\nauthorization: Bearer ", false},
		"bound":                         {"GET /bound\n" + plain, false},
		"a rule of the request":         {"GET /method\n" + plain, true},
		"a mask":                        {"GET /mask\n" + plain, false},
		"a rule on the response":        {"GET /response\n" + plain, false},
		"a shared rule":                 {"GET /shared\n" + plain, true},
		"the same, and the response's":  {"GET /sharedresponse\n" + plain, false},
		"a clock":                       {"GET /now\n" + plain, true},
		"a change":                      {"GET /forced\n" + plain, false},
		"allow, with a token":           {"GET /known\n" + plain, true},
		"deny":                          {"GET /closed", false},
		"authenticated without a token": {"GET /nobody", false},
		"another token in a cookie":     {"GET /claims\ncookie: session=x\n" + plain, true},
		"another token in the query":    {"GET /claims?t=x\n" + plain, true},
		"a twin of another header":      {"GET /claims\nx_token: {alice}\nx-token: x", false},
		"a fragment behind the query":   {"GET /claims?a#b\n" + plain, false},
		"no route":                      {"GET /nowhere\n" + plain, false},
		"a connection":                  {"GET /claims\nconnection: authorization\n" + plain, false},
		"an upgrade":                    {"GET /claims\nupgrade: websocket\n" + plain, false},
		"a Host":                        {"GET /claims\nhost: shop.example\n" + plain, false},
		"another method in a header":    {"POST /claims\nx-http-method-override: DELETE\n" + plain + "\n\n", false},
		"another method's twin":         {"POST /claims\nx_http_method_override: DELETE\n" + plain + "\n\n", false},
		"another method in the query":   {"POST /claims?_method=DELETE\n" + plain + "\n\n", false},
		"another method, escaped":       {"POST /claims?%5fmethod=DELETE\n" + plain + "\n\n", false},
		"a fragment":                    {"GET /claims#x\n" + plain, false},
		"a dot segment":                 {"GET /x/../claims\n" + plain, false},
		"a semicolon":                   {"GET /claims;x\n" + plain, false},
		"two paths":                     {"GET /claims\n:path: /open\n" + plain, false},
		"an empty path and another":     {"GET \n:path: /claims\n" + plain, false},
		"a path and an empty one":       {"GET /claims\n:path:\n" + plain, false},
		"two methods":                   {"GET /claims\n:method: GET\n" + plain, false},
		"an empty method and another":   {" /claims\n:method: GET\n" + plain, false},
		"two hosts":                     {"GET /claims\n:authority: shop.example\n" + plain, false},
		"an empty host and another":     {"GET /claims\n:authority: shop.example\n" + plain + "\nat: ", false},
		"two schemes":                   {"GET /claims\n:scheme: https\n" + plain, false},
		"an unknown pseudo-header":      {"GET /claims\n:protocol: websocket\n" + plain, false},
		"an empty name":                 {"GET /claims\nempty: x\n" + plain, false},
		"a NUL in a name":               {"GET /claims\nx\x00y: x\n" + plain, false},
		"a NUL in a value":              {"GET /claims\nx: a\x00b\n" + plain, true},
		"100 headers":                   {"GET /claims\n" + many + plain, true},
		"60 KB":                         {"GET /claims\n" + long + "\n" + plain, true},
		"an owner":                      {"GET /owners/alice\n" + plain, true},
		"another owner":                 {"GET /owners/bob\n" + plain, false},
		"an owner, with a slash behind": {"GET /owners/alice/\n" + plain, true},
		"an escaped owner":              {"GET /owners/%61lice\n" + plain, true},
		"an owner of capitals":          {"GET /owners/Alice\n" + plain, false},
		"an owner, and a bad query":     {"GET /owners/alice?%\n" + plain, false},
		"an owner, and a semicolon":     {"GET /owners/alice?a;b\n" + plain, false},
		"an owner, with a forged token": {"GET /owners/alice\nauthorization: Bearer {forged}", false},
		"an owner, with no token":       {"GET /owners/alice", false},
		"an owner of the rest":          {"GET /owners/x/alice\n" + plain, true},
		"an owner of a longer rest":     {"GET /owners/x/alice/y\n" + plain, false},
		"an owner of an empty rest":     {"GET /owners/x/alice//\n" + plain, false},
		"an owner with a kept slash":    {"GET /slashes/alice%2f\n" + plain, false},
		"an owner without a slash":      {"GET /slashes/alice\n" + plain, true},
		"an owner, POST with a body":    {"POST /owners/alice\n" + plain + "\ncontent-type: text/plain\ncontent-length: 3\n\nabc", true},
		"a header":                      {"GET /header\nx-user: alice\n" + plain, true},
		"a header of another":           {"GET /header\nx-user: bob\n" + plain, false},
		"a repeated header":             {"GET /header\nx-user: alice\nx-user: bob\n" + plain, false},
		"a header's twin":               {"GET /header\nx-user: alice\nx_user: bob\n" + plain, false},
		"a header's twin in capitals":   {"GET /header\nX-User: alice\n" + plain, false},
		"a header of no UTF-8":          {"GET /header\nx-user: alice\xff\n" + plain, false},
		"another header of no UTF-8":    {"GET /header\nx-other: \xff\nx-user: alice\n" + plain, true},
		"no such header":                {"GET /header\n" + plain, false},
		"an empty header":               {"GET /header\nx-user:\n" + plain, false},
		"a header in connection":        {"GET /header\nconnection: x-user\nx-user: alice\n" + plain, false},
		"a header with a mark":          {"GET /marked\nx_user: alice\n" + plain, false},
		"the plain twin of that":        {"GET /marked\nx-user: alice\n" + plain, false},
		"any header":                    {"GET /all\nx-key: x-of\nx-of: alice\n" + plain, true},
		"any header of no UTF-8":        {"GET /all\nx-key: x-of\nx-of: alice\xff\n" + plain, false},
		"a parameter":                   {"GET /query?id=alice\n" + plain, true},
		"a parameter of another":        {"GET /query?id=bob\n" + plain, false},
		"an escaped parameter":          {"GET /query?%69d=%61lice\n" + plain, true},
		"a repeated parameter":          {"GET /query?id=alice&id=bob\n" + plain, false},
		"a parameter's twin":            {"GET /query?id=alice&ID=bob\n" + plain, false},
		"a parameter's element":         {"GET /query?id=alice&id[]=bob\n" + plain, false},
		"any parameter":                 {"GET /allquery?key=of&of=alice\n" + plain, true},
		"any parameter's twin":          {"GET /allquery?key=of&of=alice&OF=bob\n" + plain, false},
		"params of a query":             {"GET /params?id=alice\n" + plain, true},
		"params of a query, HEAD":       {"HEAD /params?id=alice\n" + plain, true},
		"params of a query, POST":       {"POST /params?id=alice\n" + plain, false},
		"params of a body":              {"POST /params\n" + plain + "\ncontent-type: application/json\ncontent-length: 14\n\n{\"id\":\"alice\"}", false},
		"params of both":                {"GET /params?id=alice\n" + plain + "\ncontent-length: 3\n\nabc", false},
		"no params":                     {"GET /params\n" + plain, false},
		"public":                        {"GET /public/alice", true},
		"public, and a forged token":    {"GET /public/alice\nauthorization: Bearer {forged}", true},
		"public, another":               {"GET /public/bob", false},
		"maybe a token":                 {"GET /maybe/alice\n" + plain, true},
		"maybe none":                    {"GET /maybe/alice", false},
		"maybe a forged token":          {"GET /maybe/alice\nauthorization: Bearer {forged}", false},
		"lenient":                       {"GET /lenient/alice\n" + plain, true},
		"lenient, forged":               {"GET /lenient/bob\nauthorization: Bearer {forged}", false},
		"lenient, forged, an owner":     {"GET /lenient/alice\nauthorization: Bearer {forged}", false},
		"a bound owner":                 {"GET /boundowners/alice\nauthorization: Bearer {bound}", false},
		"an owner of another provider":  {"GET /partnerowners/alice\n" + plain, false},
		"a scheme":                      {"GET /scheme\n" + plain, true},
		"a proxy's scheme":              {"GET /scheme\nx-forwarded-proto: http\n" + plain, false},
		"the token":                     {"GET /token\n" + plain, false},
		"an address":                    {"GET /ip\n" + plain, true},
		"no certificate":                {"GET /peer\n" + plain, false},
		"an id":                         {"GET /id\nx-request-id: alice\n" + plain, true},
		"an id of no UTF-8":             {"GET /id\nx-request-id: \xff\n" + plain, false},
		"an owner's mask":               {"GET /maskowners/alice\n" + plain, false},
		"an owner's mask, and a range":  {"GET /maskowners/alice\nrange: bytes=0-\naccept-encoding: gzip\nif-none-match: x\n" + plain, false},
		"a mask, and a range":           {"GET /mask\nrange: bytes=0-\naccept-encoding: gzip\nif-none-match: x\n" + plain, false},
		"a mask, and a change":          {"POST /mask\nif-match: x\n" + plain + "\n\n", false},
		"a mask of the request":         {"GET /maskforced/7\n" + plain, false},
		"a query rule":                  {"GET /asks/7\n" + plain, false},
		"a change that is undone":       {"GET /tried/alice\nx-user: bob\n" + plain, true},
		"or params":                     {"POST /or/alice\n" + plain + "\ncontent-length: 3\n\nabc", true},
		"or params, another":            {"POST /or/bob\n" + plain + "\ncontent-length: 3\n\nabc", false},
		"forced params":                 {"GET /forcedparams?a=1\n" + plain, false},
		"forced params of a body":       {"POST /forcedparams\n" + plain + "\ncontent-type: application/json\ncontent-length: 2\n\n{}", false},
		"an owner, early":               {"GET /late/alice\n" + plain, true},
		"an owner, and the response's":  {"GET /responseowners/alice\n" + plain, false},
		"a service":                     {"POST /v1/api/shop/services/s/e\n" + plain + "\ncontent-type: application/json\n\n{}", false},
		"a file":                        {"GET /v1/api/shop/files/alice/x\n" + plain, false},
		"a row":                         {"POST /v1/api/shop/crud/db/c/read\n" + plain + "\ncontent-type: application/json\n\n{}", false},
		"an event":                      {"POST /v1/api/shop/eventing/queue\n" + plain + "\ncontent-type: application/json\n\n{}", false},
		"nothing":                       {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			for i, b := range ways {
				in, _ := request(b.mint.Replace(tt.request))
				for i := range in.headers {
					if in.headers[i][0] == "empty" {
						in.headers[i][0] = ""
					}
				}
				if last := len(in.headers) - 1; in.headers[last][0] == "at" {
					in.headers[2][1] = in.headers[last][1]
					in.headers = in.headers[:last]
				}
				if quickly := b.compare(t, in); i < 2 && quickly != tt.quickly {
					t.Errorf("policy %d: quickly is %t, want %t", i, quickly, tt.quickly)
				}
			}
		})
	}
}

// TestQuickBound: a token that is bound to a certificate does not let another client
// in, although it let its own client in before.
func TestQuickBound(t *testing.T) {
	b := newBothWays(t, "")
	sum := sha256.Sum256([]byte("a certificate"))
	own := hex.EncodeToString(sum[:])
	for _, path := range []string{"/bound", "/boundowners/alice"} {
		in, _ := request(b.mint.Replace("GET " + path + "\nauthorization: Bearer {bound}"))
		for _, c := range []struct {
			certificate string
			want        bool
		}{{own, true}, {own, true}, {own, true}, {strings.Repeat("00", 32), false}, {"", false}} {
			in.certificate = c.certificate
			if passed := b.compareAt(t, in, now); passed != c.want {
				t.Errorf("%s, certificate %q passes: %t", path, c.certificate, passed)
			}
		}
	}
}

// laterKeys are keys of which some come later.
type laterKeys struct{ set *token.Set }

func (k *laterKeys) Set() *token.Set { return k.set }

func (k *laterKeys) Missing([]int, string, time.Time, time.Time) jwks.KeyState { return jwks.Wait }

// TestQuickKeys: a token that Passes could not verify is verified again with later keys.
func TestQuickKeys(t *testing.T) {
	doc, err := value.Parse(`{"auth": {"tokens": [{"jwks": {"url": "https://id.example/keys", "cluster": "id"}}]}, "routes": [
		{"name": "x", "match": {"path": "/x/{id}"}, "rule": `+compares("args.request.vars.id")+`}]}`, 64)
	if err != nil {
		t.Fatal(err)
	}
	pol, _, err := policy.Load(doc, policy.Options{Crypto: gocrypto.Crypto()})
	if err != nil {
		t.Fatal(err)
	}
	public, private, _ := ed25519.GenerateKey(rand.Reader)
	other, _, _ := ed25519.GenerateKey(rand.Reader)
	b64 := base64.RawURLEncoding.EncodeToString
	signed := b64([]byte(`{"alg":"EdDSA","kid":"k"}`)) + "." + b64([]byte(`{"id":"alice"}`))
	in, _ := request("GET /x/alice\nauthorization: Bearer " + signed + "." + b64(ed25519.Sign(private, []byte(signed))))
	for _, tt := range []struct {
		key  ed25519.PublicKey
		want decide.Action
	}{{nil, decide.AwaitKeys}, {other, decide.AwaitKeys}, {public, decide.Continue}} {
		k := &laterKeys{pol.Tokens}
		r := decide.New(pol, k).NewRequest(in, now)
		r.Open(in.headers, in.end)
		if _, ok := r.Passes(); ok {
			t.Fatal("passes without a key")
		}
		if step := r.Decide(); step.Action != decide.AwaitKeys {
			t.Fatalf("%+v", step)
		}
		if tt.key != nil {
			text := `{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": "` + b64(tt.key) + `"}]}`
			if k.set, _, _, err = pol.Tokens.WithKeys(0, text); err != nil {
				t.Fatal(err)
			}
		}
		if step := r.Keys(now); step.Action != tt.want {
			t.Errorf("%+v", step)
		}
	}
}

// TestOpenAgain: what Passes has found out about headers does not count for others.
func TestOpenAgain(t *testing.T) {
	b := newBothWays(t, "")
	good, _ := request(b.mint.Replace("GET /owners/alice?a\nauthorization: Bearer {alice}"))
	bad, _ := request(b.mint.Replace("GET /owners/alice?a\nauthorization: Bearer {forged}"))
	none, _ := request("GET /owners/alice?a")
	other, _ := request(b.mint.Replace("GET /owners/bobby?a\nauthorization: Bearer {alice}"))
	for _, in := range []*incoming{bad, none, other} {
		b.quick.Begin(b.used, in, now)
		b.used.Open(good.headers, good.end)
		if _, ok := b.used.Passes(); !ok {
			t.Fatal("not decided quickly")
		}
		b.used.Open(in.headers, in.end)
		if step := b.used.Decide(); step.Action != decide.Refuse {
			t.Errorf("%q: %+v", in.headers, step)
		}
		if step := b.used.Headers(good.headers, good.end); step.Action != decide.Refuse {
			t.Errorf("after its end: %+v", step)
		}
		if _, ok := b.used.Passes(); ok {
			t.Error("passes after its end")
		}
	}
	if _, ok := new(decide.Request).Passes(); ok {
		t.Error("the zero request passes")
	}
}

// headerMap reads a header map, pseudo-headers among it, from lines of `name: value`. A
// name may be empty, and both may have a NUL.
func headerMap(text string) *incoming {
	in := &incoming{end: true}
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" {
			in.end = false
			continue
		}
		name, value, _ := strings.Cut(line, ": ")
		in.headers = append(in.headers, [2]string{name, value})
	}
	return in
}

// headerMaps are header maps of every shape.
func headerMaps() (texts []string) {
	const head = ":method: GET\n:scheme: https\n:authority: shop.example\n:path: /claims\n"
	const token = "authorization: Bearer {alice}"
	texts = []string{
		"", ":method: GET", head, head + token, token + "\n" + head, head + token + "\nuser-agent: x\naccept: */*\n",
		head + ":path: \n" + token, ":path: \n" + head + token, head + ":method: GET\n" + token, head + ":authority: \n" + token,
		":authority: \n" + head + token, ":scheme: \n" + head + token, head + ":: x\n" + token, head + ": x\n" + token,
		head + "x\x00y: z\n" + token, head + "x: a\x00b\n" + token, head + "authorization\x00: Bearer {alice}\n" + token,
		head + token + "\n" + token, head + "authorization: Bearer {forged}\n" + token, head + "authorization: bearer {alice}", head + "authorization: Bearer {expired}",
		head + "x-token: {alice}", head + "x_token: {alice}\nx-token: {alice}", head + "cookie: session={alice}\n" + token,
		head + "connection: authorization\n" + token, head + "host: a\n" + token, head + "content-length: 3\ncontent-length: 3\n" + token,
		strings.Replace(head, "shop.example", "[2001:DB8::1]", 1) + token, strings.Replace(head, "shop.example", "API.shop.example", 1) + token,
		strings.Replace(head, "/claims", "/claims?_method=PUT", 1) + token, strings.Replace(head, "/claims", "/items/a%2fb?a=1&t={alice}", 1) + token,
		strings.Replace(head, "/claims", "/files/a/b/", 1) + token, strings.Replace(head, "/claims", "/kept/..%2f", 1) + token,
		strings.Replace(head, "/claims", "/items/7:do", 1) + token, strings.Replace(head, "/claims", "/open", 1) + "X-Y: z",
		strings.Replace(strings.Replace(head, "GET", "POST", 1), "/claims", "/params?id=alice", 1) + token, strings.Replace(head, "GET", "POST", 1) + "x-http-method-override: DELETE\n" + token,
	}
	for _, line := range []string{
		"/owners/alice", "/owners/bob", "/owners/alice/", "/owners/%61lice", "/owners/alice?%", "/owners/alice?a;b", "/owners/x/alice", "/owners/x/alice//", "/owners//alice",
		"/slashes/alice", "/slashes/a%2flice", "/header\nx-user: alice", "/header\nx-user: alice\nx-user: bob", "/header\nx-user: alice\nX-User: bob", "/header\nx_user: alice",
		"/header\nx-user: alice\xff", "/header\nx-user: ", "/marked\nx-user: alice", "/marked\nx_user: alice", "/all\nx-key: x-of\nx-of: alice", "/all\nx-key: :path",
		"/query?id=alice", "/query?id=alice&ID=bob", "/query?id=alice&id[]=b", "/query?id=%61lice&id=bob", "/query?+id=alice", "/allquery?key=of&of=alice&OF=x", "/params?id=alice",
		"/params?id=alice\n", "/public/alice", "/maybe/alice", "/lenient/bob", "/boundowners/alice", "/partnerowners/alice", "/scheme\nx-forwarded-proto: http", "/token", "/ip", "/peer",
		"/id\nx-request-id: alice", "/maskowners/alice\nrange: bytes=0-", "/mask\nif-range: x\naccept-encoding: br", "/maskforced/7", "/asks/7", "/tried/alice\nx-user: x", "/forcedparams?a=1",
		"/forcedparams?a=1\n\ncontent-type: application/json", "/late/alice", "/responseowners/alice", "/forced\nx-user: x", "/v1/api/shop/files/alice", "/v1/api/shop/files/x/alice",
	} {
		for _, with := range []string{token, "authorization: Bearer {forged}", "x: y"} {
			texts = append(texts, strings.Replace(head, "/claims\n", line+"\n", 1)+with)
		}
	}
	for _, n := range []int{1, 59, 60, 61, 100} { // a room has 64 pairs
		texts = append(texts, head+token+strings.Repeat("\nx-y: v", n))
	}
	for _, n := range []int{1, 3<<10 - 1, 3 << 10, 4<<10 - 1, 4 << 10, 4<<10 + 1, 60 << 10} { // and 4 KiB
		texts = append(texts, head+token+"\nx-long: "+strings.Repeat("v", n))
	}
	return texts
}

// TestHeaderMaps: both ways end alike for header maps of every shape.
func TestHeaderMaps(t *testing.T) {
	for _, auth := range quickPolicies {
		b := newBothWays(t, auth)
		for _, text := range headerMaps() {
			b.compare(t, headerMap(b.mint.Replace(text)))
		}
	}
}

// FuzzQuick: whatever a request is, both ways end alike.
func FuzzQuick(f *testing.F) {
	var ways []*bothWays
	for _, auth := range quickPolicies {
		ways = append(ways, newBothWays(f, auth))
	}
	for _, text := range headerMaps() {
		f.Add(ways[0].mint.Replace(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, b := range ways {
			b.compare(t, headerMap(text))
		}
	})
}

// TestQuickKnowsAllFields: whoever adds a field to these structs has to ask whether the
// quick way has to look at it, in quicknessOf, newQuick or passes.
func TestQuickKnowsAllFields(t *testing.T) {
	for _, known := range []struct {
		of     reflect.Type
		fields string
	}{
		{reflect.TypeFor[policy.Policy](), "Version Project Gateway Tokens JWKS Issuers Sources ClaimHeaders Forward Challenge AESKey Shared Companion Limits CORS Databases Webhooks WebhookClient Sensitive Log Shadow Candidate Calls Unset resources reviewed table"},
		{reflect.TypeFor[policy.Resource](), "Kind Index Name Place Auth Rule Response CORS Idle Shadow Reserved Request Headers Query Params Uses Op"},
		{reflect.TypeFor[policy.Auth](), "mode providers ignoreInvalid bound"},
		{reflect.TypeFor[policy.Source](), "APIKeys Header Prefix Cookie Query Origins"},
		{reflect.TypeFor[rules.Input](), "Args Verified Token APIKey Now MaxCalls MaxSteps Element TokenPlaces Rand Tracer Memory"},
		{reflect.TypeFor[decide.Changes](), "RemoveHeaders SetHeaders Path Body"},
		{reflect.TypeFor[decide.Step](), "Action Calls Refusal Changes Response GatherBody"},
	} {
		var names []string
		for i := range known.of.NumField() {
			names = append(names, known.of.Field(i).Name)
		}
		if got := strings.Join(names, " "); got != known.fields {
			t.Errorf("%v has the fields\n%s\nand the quick way was written for\n%s", known.of, got, known.fields)
		}
	}
}
