package decide_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/policy"
)

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

// FuzzQuick checks that the quick way and the general way decide every request alike.
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

// TestQuickKnowsAllFields fails if one of these structs gets a field. Then decide whether
// the quick way has to look at it, in newQuick, answerOf or Passes, and add it here.
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
