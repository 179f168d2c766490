package rules

import (
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/value"
)

const benchRule = `{"rule":"match","type":"string","eval":"==","f1":"args.auth.role","f2":"admin"}`

func BenchmarkCompile(b *testing.B) {
	spec := mustParse(b, `{"rule":"or","clauses":[`+benchRule+`,{"rule":"query","db":"d","col":"c","find":{"a":"args.auth.id","b":{"$in":["x","y"]}}}]}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, faults := Compile(spec, "rule", testEnv()); faults != nil {
			b.Fatal(faults)
		}
	}
}

// BenchmarkEvalMatch is a match on a claim, with bodies of three sizes: time and
// bytes must not grow with the body.
func BenchmarkEvalMatch(b *testing.B) {
	claims := mustParse(b, `{"id":"user-1","iss":"https://id.example","aud":["shop"],"exp":1900000000,"role":"admin","email":"ann@example.com"}`)
	claims, _ = claims.Indexed(100)
	for name, n := range map[string]int{"body=1KiB": 1 << 10, "body=100KiB": 100 << 10, "body=1MiB": 1 << 20} {
		b.Run(name, func(b *testing.B) {
			body := mustParse(b, `{"x":"`+strings.Repeat("x", n)+`"}`)
			in := &Input{Args: value.Obj(value.Member{Key: "auth", Value: claims}, value.Member{Key: "params", Value: body}), Verified: true, Now: testNow, Memory: new(Memory)}
			r := mustCompile(b, benchRule)
			b.ReportAllocs()
			for b.Loop() {
				if v := r.Eval(in, nil); v.Outcome != Yes {
					b.Fatal(v.Reason)
				}
			}
		})
	}
}

func BenchmarkEvalForceAndHash(b *testing.B) {
	in := &Input{Args: mustParse(b, `{"auth":{"id":"u"},"params":{"name":"Ann","password":"secret","address":{"city":"Bern"}}}`), Verified: true, Now: testNow, Memory: new(Memory)}
	r := mustCompile(b, `{"rule":"and","clauses":[{"rule":"force","field":"args.params.owner","value":"args.auth.id"},{"rule":"hash","fields":["args.params.password"]}]}`)
	b.ReportAllocs()
	for b.Loop() {
		if v := r.Eval(in, nil); v.Outcome != Yes {
			b.Fatal(v.Reason)
		}
	}
}

func BenchmarkApplyResponse(b *testing.B) {
	r := mustCompile(b, `{"rule":"remove","fields":["res.email","res.address.street","res.phone"]}`)
	actions := r.Eval(&Input{}, nil).Response
	row := `{"id":1,"name":"Ann","email":"a@example.com","phone":"1","address":{"street":"x","city":"Bern"}}`
	for name, n := range map[string]int{"1KiB": 10, "100KiB": 1000, "1MiB": 10000} {
		b.Run(name, func(b *testing.B) {
			body := "[" + strings.Repeat(row+",", n) + row + "]"
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ApplyResponse(body, actions, 16, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEvalRoles is a match of a role with the list of 50 that a token brings:
// as the text of a token that came once, and as the set of one in the cache.
func BenchmarkEvalRoles(b *testing.B) {
	text := mustParse(b, `{"id":"user-1","roles":`+list("role-", 50)+`}`)
	indexed, _ := text.Indexed(100)
	for name, claims := range map[string]value.Value{"text": text, "set": indexed} {
		b.Run(name, func(b *testing.B) {
			in := &Input{Args: value.Obj(value.Member{Key: "auth", Value: claims}), Verified: true, Now: testNow, Memory: new(Memory)}
			r := mustCompile(b, `{"rule":"match","type":"string","eval":"in","f1":"role-49","f2":"args.auth.roles"}`)
			b.ReportAllocs()
			for b.Loop() {
				if v := r.Eval(in, nil); v.Outcome != Yes {
					b.Fatal(v.Reason)
				}
			}
		})
	}
}

// TestEvalAllocatesNothing: a yes that changes nothing takes no memory but the Input's.
func TestEvalAllocatesNothing(t *testing.T) {
	claims, _ := mustParse(t, `{"id":"user-1","iss":"https://id.example","age":30,"role":"admin","roles":`+list("role-", 50)+`}`).Indexed(100)
	in := &Input{Args: value.Obj(
		value.Member{Key: "auth", Value: claims}, value.Member{Key: "params", Value: mustParse(t, `{"x":{"y":[1,"user-1"]}}`)},
	), Verified: true, Now: testNow, Memory: new(Memory)}
	roles := `{"rule":"match","type":"string","eval":"in","f1":"role-49","f2":"args.auth.roles"}`
	no := `{"rule":"match","type":"string","eval":"!=","f1":"args.auth.role","f2":"admin"}`
	for name, rule := range map[string]string{
		"match": benchRule, "roles": roles, "authenticated": `{"rule":"authenticated"}`,
		"number":  `{"rule":"match","type":"number","eval":">","f1":"args.auth.age","f2":18}`,
		"body":    `{"rule":"match","type":"string","eval":"==","f1":"args.auth.id","f2":"args.params.x.y.1"}`,
		"written": `{"rule":"match","type":"string","eval":"notIn","f1":"args.auth.role","f2":["a","b"]}`,
		"and":     `{"rule":"and","clauses":[` + benchRule + `,` + roles + `]}`,
		"or":      `{"rule":"or","clauses":[` + no + `,` + no + `,` + benchRule + `]}`,
		"not":     `{"rule":"not","clause":` + no + `}`,
	} {
		r := mustCompile(t, rule)
		allocs := testing.AllocsPerRun(100, func() {
			if v := r.Eval(in, nil); v.Outcome != Yes {
				t.Fatalf("%s: %s", name, v.Reason)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
}
