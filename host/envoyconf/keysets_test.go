package envoyconf

import (
	"errors"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/value"
)

// The module gets the keys of a file, and no secret in them unless it is told to.
func TestKeySetOfAFile(t *testing.T) {
	files := map[string]string{
		"good":   `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}],"more":1}`,
		"secret": `{"keys":[{"kty":"oct","k":"Z3Vlc3M"}]}`,
		"list":   `[]`,
		"var":    `{"keys":[{"kid":"${X}"}]}`,
	}
	read := func(name string) ([]byte, error) {
		if text, ok := files[name]; ok {
			return []byte(text), nil
		}
		return nil, errors.New("no such file")
	}
	for _, c := range []struct {
		file   string
		inline bool
		want   string // of the text, or of the error
	}{
		{"good", false, `{"auth":{"tokens":[{"name":"a","jwks":{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}}]}}`},
		{"secret", true, `{"auth":{"tokens":[{"name":"a","jwks":{"keys":[{"kty":"oct","k":"Z3Vlc3M"}]}}]}}`},
		{"secret", false, "auth.tokens[0].jwks.file: has a secret"},
		{"list", false, "auth.tokens[0].jwks.file: not a JWK set"},
		{"var", false, "auth.tokens[0].jwks.file: not a JWK set"},
		{"none", false, "auth.tokens[0].jwks.file: no such file"},
		{"${X}", false, "auth.tokens[0].jwks.file: want a path without"},
	} {
		doc, err := value.Parse(`{"auth":{"tokens":[{"name":"a","jwks":{"file":"`+c.file+`"}}]}}`, 64)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := forModule(t, doc, Expansion{Inline: c.inline, Getenv: func(string) (string, bool) { return "x", true }, ReadFile: read})
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(strings.ReplaceAll(got, " ", ""), strings.ReplaceAll(c.want, " ", "")) {
			t.Errorf("%s: got %s, want %s", c.file, got, c.want)
		}
	}
}
