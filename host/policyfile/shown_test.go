package policyfile

import (
	"maps"
	"testing"

	"github.com/rulegate/rulegate/rules/policy"
)

func TestSecretsAndValues(t *testing.T) {
	f, err := Parse("policy.yaml", []byte(`project: ${PROJECT}
auth:
  tokens:
    - {name: own, alg: HS256, secret: "${SECRET}", issuer: ["${ISSUER}"]}
    - {name: other, alg: HS512, secret: written-secret}
    - {name: file, alg: RS256, privateKey: "${file:key.pem}", publicKey: "${file:public.pem}"}
companion: {cluster: c, secret: "a ${PART}"}
databases: {d: {type: embedded, conn: "${CONN}"}}
routes:
  - match: {path: "/${PREFIX}/x"}
    rule: {rule: match, type: string, eval: "==", f1: args.request.headers.x-key, f2: "${API_KEY}"}
    response: {rule: webhook, url: "https://h/?key=${HOOK}"}
`))
	if err != nil {
		t.Fatal(err)
	}
	o := policy.Options{
		Getenv:   func(name string) (string, bool) { return "value of " + name, name != "HOOK" },
		ReadFile: func(name string) ([]byte, error) { return []byte("text of " + name + "\n"), nil },
	}
	want := map[string]string{
		"value of SECRET": "${SECRET}", "written-secret": "", "text of key.pem": "${file:key.pem}",
		"a ": "", "value of PART": "${PART}", "value of CONN": "${CONN}", "value of API_KEY": "${API_KEY}", "value of HOOK": "${HOOK}",
	}
	if got := f.Secrets(o); !maps.Equal(got, want) {
		t.Errorf("secrets:\n%q\nwant\n%q", got, want)
	}
	for place, want := range map[string]string{
		"routes[0].rule.f2": `"${API_KEY}"`, "routes[0].rule.type": `"string"`, "routes[1]": "null", "routes.x": "null", "auth.tokens[1].name": `"other"`,
	} {
		if got := f.Value(place); got.String() != want {
			t.Errorf("%s: %s, want %s", place, got, want)
		}
	}
}
