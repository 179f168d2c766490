package decide_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/rulegate/rulegate/rules/decide"
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

// prepare sends plain requests with a valid token to the same path first, so that the cache
// has the token and a yes is kept with it.
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
