package decide_test

import (
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/policy"
)

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
	desk           decide.Desk
	mint           *strings.Replacer
	field          [2]string // with a token
}

func newBothWays(t testing.TB, auth string) *bothWays {
	if auth != "" {
		auth += ", "
	}
	p := parts{auth: auth + `"leeway": "30s"}, "define": {"alice": ` + alice, routes: quickRoutes}
	quick, pol := p.load(t)
	general, _ := p.load(t)
	general.GoGeneralWay()
	b := &bothWays{quick: quick, general: general, used: new(decide.Request), mint: tokens(t, pol), field: [2]string{"authorization", "Bearer {alice}"}}
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

// compare reports whether the quick way was taken the second time.
func (b *bothWays) compare(t *testing.T, in *incoming) (quickly bool) {
	t.Helper()
	b.prepare(in)
	for _, at := range []time.Time{now, now, now.Add(2 * time.Hour)} {
		r := new(decide.Request)
		b.general.Begin(r, in, at)
		want := r.Headers(in.headers, in.end)
		got, passed := b.quick.Pass(&b.desk, in.headers, at)
		if !passed {
			b.used.Clear()
			b.quick.Begin(b.used, in, at)
			b.used.Take(&b.desk)
			got = b.used.Headers(in.headers, in.end)
		} else if at == now {
			quickly = true
		}
		if got.Response != nil && want.Response != nil {
			got.Response, want.Response = nil, nil
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q\nquickly %t:\n%+v\nthe general way:\n%+v", in.headers, passed, got, want)
		}
	}
	return quickly
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
		"a rule of the request":         {"GET /method\n" + plain, false},
		"a mask":                        {"GET /mask\n" + plain, false},
		"a rule on the response":        {"GET /response\n" + plain, false},
		"a shared rule":                 {"GET /shared\n" + plain, true},
		"the same, and the response's":  {"GET /sharedresponse\n" + plain, false},
		"a clock":                       {"GET /now\n" + plain, false},
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
		"nothing":                       {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			for i, auth := range quickPolicies {
				b := newBothWays(t, auth)
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
	in, _ := request("GET /bound\nauthorization: Bearer " + b.mint.Replace("{bound}"))
	for _, c := range []struct {
		certificate string
		want        decide.Action
	}{{hex.EncodeToString(sum[:]), decide.Continue}, {strings.Repeat("00", 32), decide.Refuse}, {"", decide.Refuse}} {
		in.certificate = c.certificate
		r := new(decide.Request)
		b.quick.Begin(r, in, now)
		if step := r.Headers(in.headers, true); step.Action != c.want {
			t.Errorf("certificate %q: %+v", c.certificate, step)
		}
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
		strings.Replace(head, "GET", "POST", 1) + "x-http-method-override: DELETE\n" + token,
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
		{reflect.TypeFor[policy.Resource](), "Kind Index Name Place Auth Rule Response CORS Idle Shadow Reserved Request Headers Query Params Op"},
		{reflect.TypeFor[policy.Auth](), "mode providers ignoreInvalid bound"},
		{reflect.TypeFor[policy.Source](), "APIKeys Header Prefix Cookie Query Origins"},
		{reflect.TypeFor[rules.Input](), "Args Verified Token APIKey Now MaxCalls MaxSteps Element TokenPlaces Rand Tracer"},
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
