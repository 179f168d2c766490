package envoyconf

import (
	"errors"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/token/keys/keytest"
	"github.com/rulegate/rulegate/rules/value"
)

// The module gets the public half of a private key, and never the key.
func TestPrivateKeysStayOut(t *testing.T) {
	rsa, ec := keytest.RSA(), keytest.P256()
	env := map[string]string{"RSA": rsa.PKCS8, "JUNK": "junk"}
	text := func(s string) string { return value.Str(s).String() }
	for _, c := range []struct {
		entry string
		want  string // of the entry, or of the error
	}{
		{`{"alg":"RS256","privateKey":"${RSA}","primary":true}`, `{"alg":"RS256","primary":true,"publicKey":` + text(rsa.PublicPEM) + `}`},
		{`{"alg":"ES256","privateKey":"${file:ec}"}`, `{"alg":"ES256","publicKey":` + text(ec.PublicPEM) + `}`},
		{`{"alg":"ES256","privateKey":` + text(ec.PKCS8) + `}`, `{"alg":"ES256","publicKey":` + text(ec.PublicPEM) + `}`},
		{`{"alg":"RS256","publicKey":"${PUBLIC}","privateKey":"${UNSET}"}`, `{"alg":"RS256","publicKey":"${PUBLIC}"}`},
		{`{"alg":"RS256","publicKey":"${PUBLIC}","privateKey":"${file:none}"}`, `{"alg":"RS256","publicKey":"${PUBLIC}"}`},
		{`{"alg":"RS256","privateKey":"${UNSET}"}`, "auth.tokens[0].privateKey: the module gets the public half of the key, and the environment has no UNSET: set it, or add publicKey"},
		{`{"alg":"RS256","privateKey":"${file:none}"}`, "auth.tokens[0].privateKey: no such file"},
		{`{"alg":"RS256","privateKey":"${JUNK}"}`, "auth.tokens[0].privateKey: want PEM"},
		{`{"alg":"RS256","privateKey":"${file:ec"}`, "auth.tokens[0].privateKey: want ${NAME}"},
	} {
		doc, err := value.Parse(`{"auth":{"tokens":[`+c.entry+`]}}`, 64)
		if err != nil {
			t.Fatal(err)
		}
		got, names, err := forModule(t, doc, Expansion{
			Getenv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
			ReadFile: func(name string) ([]byte, error) {
				if name != "ec" {
					return nil, errors.New("no such file")
				}
				return []byte(ec.PKCS8), nil
			},
		})
		want := `{"auth":{"tokens":[` + c.want + `]}}`
		if err != nil {
			got, want = err.Error(), c.want
		}
		if !strings.HasPrefix(got, want) || strings.Contains(got, "PRIVATE KEY") || strings.Contains(strings.Join(names, " "), "RSA") {
			t.Errorf("%s: got %s %v, want %s", c.entry, got, names, want)
		}
	}
}
