package decide_test

import (
	"testing"

	"github.com/rulegate/rulegate/rules/decide"
)

// BenchmarkRequest decides a whole request whose token is cached.
func BenchmarkRequest(b *testing.B) {
	for _, bb := range []struct{ name, rule, request string }{
		{"allow", open, "GET /x\nauthorization: Bearer {alice}"},
		{"claim", alice, "GET /x\nauthorization: Bearer {alice}"},
		{"request", both(alice, `{"rule": "match", "type": "string", "eval": "==", "f1": "args.request.method", "f2": "GET"}`), "GET /x?a=1\nauthorization: Bearer {alice}"},
		{"body", both(alice, force("args.params.user", `"args.auth.id"`)), "POST /x\nauthorization: Bearer {alice}\ncontent-type: application/json\n\n{\"a\":1,\"user\":\"bob\"}"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			g, pol := route(bb.rule).load(b)
			req, body := request(tokens(b, pol).Replace(bb.request + ""))
			req.headers = append(req.headers, [2]string{"user-agent", "curl/8.5.0"}, [2]string{"accept", "*/*"},
				[2]string{"x-forwarded-for", "192.0.2.1"}, [2]string{"x-forwarded-proto", "https"}, [2]string{"x-request-id", "b7c38107-9bdc-4c50-85f6-40beb8351c2e"})
			b.ReportAllocs()
			for b.Loop() {
				if e := drive(g, req, body, noCalls); e.Action != decide.Continue {
					b.Fatalf("%+v", e.Refusal)
				}
			}
		})
	}
}
