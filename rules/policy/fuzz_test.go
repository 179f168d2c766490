package policy

import (
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/value"
)

// FuzzLoad checks that Load returns a policy or faults for any document.
func FuzzLoad(f *testing.F) {
	for _, s := range []string{
		`{}`, `[]`, `{"routes":[{"match":{"path":"/{x}"},"rule":{"rule":"allow"}}]}`, `{"routes":[null,1,{"match":[]}],"files":[1]}`,
		`{"auth":{"tokens":[{"alg":"HS256","secret":"${SECRET}","primary":true}],"from":[{"header":"a","prefix":"b"}],"claimsToHeaders":{"a":"b.c"}}}`,
		`{"project":"p","services":{"s":{"endpoints":{"e":{"rule":{"rule":"deny"}}}}},"files":[{"prefix":"/:a","rules":{"read":{"rule":"allow"}}}]}`,
		`{"project":"p","databases":{"d":{"type":"embedded","conn":"x","collections":{"c":{"rules":{"read":{"rule":"query","db":"d","col":"c"}}}}}}}`,
		`{"define":{"a":{"rule":"use","of":"b"},"b":{"rule":"some","field":"args.params","clause":{"rule":"match","type":"string","eval":"==","f1":"item","f2":"auth.id"}}},"routes":[{"match":{"path":"/{tenant}"},"rule":{"rule":"use","of":"a"}}]}`,
		`{"include":[{"file":"a.yaml","policy":{"routes":[{"match":{"path":"/"},"rule":{"rule":"allow"}}]}}],"teams":{"t":{"include":[{"file":"a.yaml","policy":[]}],"paths":["/{x...}"],"hosts":["*.a"],"require":{"rule":"deny"}}},"lint":{"off":["or-allow"],"why":"x"}}`,
		`{"limits":{"depth":1e9,"requestBody":"9999999999GiB"},"companion":{"secrets":["a","b"],"timeout":"1s"}}`,
		`{"webhooks":{"allow":["a:1","[::1]:2",":"]},"apiPrefix":"//","mode":"${","crypto":{"aesKey":"AAAA"}}`,
		`{"routes":[{"match":{"path":"/","host":"*."},"rule":{"rule":"and","clauses":[{"rule":"webhook","url":"${SECRET}"}]}}]}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := value.Parse(text, MaxDepth)
		if err != nil {
			return
		}
		for _, o := range []Options{{Getenv: getenv, ReadFile: readFile}, {Getenv: getenv, AllowUnset: true}, {Module: true}} {
			p, _, err := Load(doc, o)
			if (p == nil) == (err == nil) {
				t.Fatalf("%v %v", p, err)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Fatalf("a secret in %v", err)
			}
			if p != nil {
				for _, r := range p.Resources() {
					if r.Rule == nil {
						t.Fatalf("%s has no rule", r.Name)
					}
				}
				p.Find("GET", "a", "/v1/api/p/files/x")
				p.Find("POST", "a", "/v1/api/p/crud/d/c/read")
			}
		}
	})
}
