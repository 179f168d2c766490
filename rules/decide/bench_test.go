package decide_test

import (
	"fmt"
	"strings"
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

// BenchmarkClauses decides a request whose token is cached by 1, 20 and 100 clauses
// that read its claims. The answer is kept with the token, or not.
func BenchmarkClauses(b *testing.B) {
	for _, n := range []int{1, 20, 100} {
		for _, kept := range []bool{true, false} {
			b.Run(fmt.Sprintf("%d/kept=%t", n, kept), func(b *testing.B) {
				rule := `{"rule": "and", "clauses": [` + strings.TrimSuffix(strings.Repeat(alice+",", n), ",") + `]}`
				g, pol := route(rule).load(b)
				if !kept {
					g.ForgetAnswers()
				}
				req, _ := request(tokens(b, pol).Replace("GET /x\nauthorization: Bearer {alice}"))
				r := new(decide.Request)
				b.ReportAllocs()
				for b.Loop() {
					if step := req.beginIn(r, g); step.Action != decide.Continue {
						b.Fatalf("%+v", step.Refusal)
					}
					r.Clear()
				}
			})
		}
	}
}

// BenchmarkQuick decides a request the quick way, in memory that is used again, and
// without it.
func BenchmarkQuick(b *testing.B) {
	for _, quickly := range []bool{true, false} {
		b.Run(fmt.Sprintf("quickly=%t", quickly), func(b *testing.B) {
			g, pol := route(alice).load(b)
			req, _ := request(tokens(b, pol).Replace("GET /x\nauthorization: Bearer {alice}\nuser-agent: curl/8.5.0\naccept: */*\nx-forwarded-proto: https\nx-request-id: b7c38107-9bdc-4c50-85f6-40beb8351c2e"))
			r := new(decide.Request)
			for range 3 { // then the token is known, and its yes
				req.beginIn(r, g)
				r.Clear()
			}
			b.ReportAllocs()
			for b.Loop() {
				if !quickly {
					if step := req.beginIn(r, g); step.Action != decide.Continue {
						b.Fatalf("%+v", step.Refusal)
					}
					r.Clear()
					continue
				}
				g.Begin(r, req, now)
				r.Open(req.headers, req.end)
				if _, ok := r.Passes(); !ok {
					b.Fatal("not decided quickly")
				}
			}
		})
	}
}
