package envoyconf

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

func expand(t *testing.T, doc string, inline bool) (string, []string, error) {
	t.Helper()
	v, err := value.Parse(doc, 64)
	if err != nil {
		t.Fatal(err)
	}
	return forModule(t, v, Expansion{
		Inline: inline,
		Getenv: func(name string) (string, bool) {
			s, ok := map[string]string{"A": "a", "TRICK": "${B}", "DOLLAR": "$"}[name]
			return s, ok
		},
		ReadFile: func(path string) ([]byte, error) {
			if path != "/keys/k.pem" {
				return nil, errors.New("no such file")
			}
			return []byte("-----BEGIN ${X}$\n"), nil
		},
	})
}

func TestForModule(t *testing.T) {
	for name, c := range map[string]struct {
		doc    string
		inline bool
		want   string
		names  []string
	}{
		"names stay, sorted and once": {
			doc:   `{"b":"${B}","a":["x ${A} y",{"c":"${B}"}]}`,
			want:  `{"b":"${B}","a":["x ${A} y",{"c":"${B}"}]}`,
			names: []string{"A", "B"},
		},
		"numbers keep their text": {doc: `{"n":1.0,"m":1e2}`, want: `{"n":1.0,"m":1e2}`},
		"an escape stays":         {doc: `{"a":"$${A}"}`, want: `{"a":"$${A}"}`},
		"inline": {
			doc: `{"a":"x ${A} y"}`, inline: true, want: `{"a":"x a y"}`,
		},
		"an inlined value is no reference": {
			doc: `{"a":"${TRICK}"}`, inline: true, want: `{"a":"$${B}"}`,
		},
		"nor are two that stand side by side": {
			doc: `{"a":"${DOLLAR}{B}"}`, inline: true, want: `{"a":"$${B}"}`,
		},
		"secrets of clients of issuers are left out": {
			doc:  `{"auth":{"tokens":[{"alg":"HS256"},{"introspect":{"url":"https://id","clientId":"gw","clientSecret":"${S}"},"cache":"1s"}]}}`,
			want: `{"auth":{"tokens":[{"alg":"HS256"},{"introspect":{"url":"https://id","clientId":"gw"},"cache":"1s"}]}}`,
		},
		"connections and hosts are left out": {
			doc:  `{"databases":{"m":{"type":"mongo","conn":"${URI}","pool":{"size":1},"collections":{}}},"webhooks":{"allow":["h"],"ca":"${CA}","cert":"${file:/c}","key":"${file:/k}","pool":{"size":1}}}`,
			want: `{"databases":{"m":{"type":"mongo","collections":{}}}}`,
		},
		"a public key's file is read": {
			doc:  `{"auth":{"tokens":[{"alg":"RS256","publicKey":"${file:/keys/k.pem}"}]}}`,
			want: `{"auth":{"tokens":[{"alg":"RS256","publicKey":"-----BEGIN $${X}$"}]}}`,
		},
		"a secret's file is read for --inline-secrets": {
			doc: `{"auth":{"tokens":[{"secret":"${file:/keys/k.pem}"}]}}`, inline: true,
			want: `{"auth":{"tokens":[{"secret":"-----BEGIN $${X}$"}]}}`,
		},
	} {
		got, names, err := expand(t, c.doc, c.inline)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if diff := cmp.Diff(c.names, names); diff != "" {
			t.Errorf("%s: names: %s", name, diff)
		}
	}
}

func TestForModuleRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		doc    string
		inline bool
		want   []string
	}{
		"every secret that is a file": {
			doc: `{"auth":{"tokens":[{"secret":"${file:/keys/k.pem}"},{"secret":"x${file:/keys/k.pem}"}]},"crypto":{"aesKey":"${file:/keys/k.pem}"}}`,
			want: []string{
				"auth.tokens[0].secret: ${file:/keys/k.pem} would put a secret",
				"auth.tokens[1].secret: ${file:/keys/k.pem} would put a secret",
				"crypto.aesKey: ${file:/keys/k.pem} would put a secret",
			},
		},
		"a public key that is not there": {
			doc: `{"auth":{"tokens":[{"publicKey":"${file:/none}"}]}}`, want: []string{"auth.tokens[0].publicKey: no such file"},
		},
		"a variable that is not set, inlined": {
			doc: `{"a":"${NONE}"}`, inline: true, want: []string{"a: the environment has no NONE"},
		},
		"a reference without its end": {doc: `{"a":"${A"}`, want: []string{"a: want ${NAME} or ${file:path}"}},
		"a $ that would escape what follows": {
			doc: `{"auth":{"tokens":[{"publicKey":"${file:/keys/k.pem}${A}"}]}}`, want: []string{"auth.tokens[0].publicKey: a $ before ${A}"},
		},
	} {
		_, _, err := expand(t, c.doc, c.inline)
		var faults rules.Faults
		if !errors.As(err, &faults) || len(faults) != len(c.want) {
			t.Errorf("%s: want %d faults, found %v", name, len(c.want), err)
			continue
		}
		for i, f := range faults {
			if !strings.HasPrefix(f.Error(), c.want[i]) {
				t.Errorf("%s: want %q, found %q", name, c.want[i], f)
			}
		}
	}
}

// forModule is ForModule without the version that it adds.
func forModule(t *testing.T, doc value.Value, e Expansion) (string, []string, error) {
	t.Helper()
	text, names, err := ForModule(doc, e)
	version := `"version":"` + policy.VersionOf(doc) + `"`
	if err != nil || doc.Kind() != value.Object {
		return text, names, err
	}
	if !strings.HasSuffix(text, version+"}") {
		t.Errorf("%s does not end with %s", text, version)
	}
	return strings.TrimSuffix(strings.TrimSuffix(text, version+"}"), ",") + "}", names, err
}
