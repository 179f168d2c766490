package decide_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/jwks"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
	"github.com/rulegate/rulegate/rules/value"
)

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
