package decide_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/decide"
)

// people is a JSON array of about size bytes: the responses of envoy/bench.
func people(size int) string {
	var b strings.Builder
	for i := 0; b.Len() < size-150; i++ {
		fmt.Fprintf(&b, `,{"id":%d,"name":"Person \"%d\"","email":"p%d@example.com","owner":"user-%d","password":"secret-%08d","ssn":"000-00-%04d","card":"4111111111111111","active":true,"score":%d.5,"tags":["a","b"]}`,
			i, i, i, i%10, i, i%10000, i%100)
	}
	return "[" + b.String()[1:] + "]"
}

// BenchmarkBodies decides messages whose body is read or changed: the whole way, from
// their headers on, with a token that is cached.
func BenchmarkBodies(b *testing.B) {
	mask := both(alice, both(`{"rule":"remove","fields":["res.password","res.ssn"]}`, `{"rule":"force","field":"res.card","value":"****"}`))
	notOwn := `{"rule":"match","type":"string","eval":"!=","f1":"item.owner","f2":"args.auth.id"}`
	perRow := both(alice, `{"rule":"each","field":"res.rows","clauses":[{"rule":"remove","fields":["item.card"],"clause":`+notOwn+`}]}`)
	read := both(alice, `{"rule":"match","type":"number","eval":"==","f1":"args.params.n","f2":5}`)
	inRequest := func(n int) string { return `{"owner":"somebody","n":5,"items":` + people(n) + `}` }
	for _, bb := range []struct {
		name, rule string
		body       func(int) string
		response   bool
	}{
		{"mask", mask, people, true},
		{"rows", perRow, func(n int) string { return `{"rows":` + people(n) + `}` }, true},
		{"force", both(alice, force("args.params.owner", `"args.auth.id"`)), inRequest, false},
		{"read", read, inRequest, false},
	} {
		for _, kb := range []int{1, 10, 100} {
			b.Run(fmt.Sprintf("%s/%dKB", bb.name, kb), func(b *testing.B) {
				p := route(bb.rule)
				p.requestBody = 1 << 20
				g, pol := p.load(b)
				body := bb.body(kb << 10)
				method := "POST"
				if bb.response {
					method = "GET"
				}
				req, _ := request(tokens(b, pol).Replace(method + " /x\nauthorization: Bearer {alice}\ncontent-type: application/json\ncontent-length: 1000\nuser-agent: curl/8.5.0\naccept: */*"))
				req.end = bb.response
				if bb.response {
					req.headers = req.headers[:len(req.headers)-4]
				}
				answer := [][2]string{{":status", "200"}, {"content-type", "application/json"}, {"content-length", "1000"}, {"server", "x"}}
				r := new(decide.Request)
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					step := req.beginIn(r, g)
					if bb.response {
						res := step.Response
						if step = res.Headers(answer, false); step.Action == decide.AwaitBody {
							step = res.Body(body)
						}
					} else {
						step = r.Body(body)
					}
					if step.Action != decide.Continue {
						b.Fatalf("%+v", step)
					}
					r.Clear()
				}
			})
		}
	}
}
