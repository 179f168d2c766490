package decide_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/token"
)

// The reason for refusing a token names the stage of the check, but quotes nothing
// that could be replayed: no segment of the token and no claim.
func TestTokenRefusals(t *testing.T) {
	const claims = `{"id":"the-claim-of-alice","role":"the-role-of-alice"}`
	b64 := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	g, pol := parts{routes: `{"name": "x", "match": {"path": "/x"}, "rule": ` + member + `}`}.load(t)
	mint := func(claims string) string {
		raw, err := pol.Tokens.Mint(claims, "")
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	good := mint(claims)
	seg := strings.Split(good, ".")
	head := func(header string) string { return b64(header) + "." + seg[1] + "." + seg[2] }
	for name, c := range map[string]struct {
		raw   string
		stage token.Stage
	}{
		"one segment":            {seg[2], token.StageParse},
		"two segments":           {seg[0] + "." + seg[1], token.StageParse},
		"four segments":          {good + "." + seg[2], token.StageParse},
		"padded":                 {good + "=", token.StageParse},
		"no JSON":                {b64("the-header-of-alice") + "." + seg[1] + "." + seg[2], token.StageParse},
		"huge":                   {good + strings.Repeat("A", 16<<10), token.StageParse},
		"alg none":               {head(`{"alg":"none"}`), token.StageKey},
		"alg of another family":  {head(`{"alg":"RS256"}`), token.StageKey},
		"kid of another type":    {head(`{"alg":"HS256","kid":7}`), token.StageKey},
		"unknown kid":            {head(`{"alg":"HS256","kid":"nobody"}`), token.StageKey},
		"crit":                   {head(`{"alg":"HS256","crit":["exp"]}`), token.StageParse},
		"embedded keys":          {head(`{"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"},"jku":"http://127.0.0.1:1"}`), token.StageSignature},
		"another's signature":    {seg[0] + "." + seg[1] + "." + b64(strings.Repeat("x", 32)), token.StageSignature},
		"other claims":           {seg[0] + "." + b64(`{"id":"the-claim-of-alice","role":"admin"}`) + "." + seg[2], token.StageSignature},
		"expired":                {mint(`{"id":"the-claim-of-alice","exp":1}`), token.StageTime},
		"exp 0":                  {mint(`{"id":"the-claim-of-alice","exp":0}`), token.StageTime},
		"exp a string":           {mint(`{"id":"the-claim-of-alice","exp":"the-role-of-alice"}`), token.StageTime},
		"a name in the wrong id": {head(`{"alg":"HS256","kid":"` + strings.Repeat("k", 2000) + `"}`), token.StageKey},
	} {
		req, _ := request("GET /x\nauthorization: Bearer " + c.raw)
		e := drive(g, req, "", noCalls)
		if e.Action != decide.Refuse || e.Refusal.Status != 401 || e.Refusal.Outcome != "token" {
			t.Errorf("%s: %+v", name, e.Step)
			continue
		}
		if !strings.HasPrefix(e.Refusal.Reason, "token: "+string(c.stage)+": ") || len(e.Refusal.Reason) > 300 {
			t.Errorf("%s: reason %q, want the stage %s", name, e.Refusal.Reason, c.stage)
		}
		said := e.Refusal.Reason + e.Refusal.Body
		for _, h := range e.Refusal.Headers {
			said += h[1]
		}
		for _, secret := range append(strings.Split(c.raw, "."), "of-alice") {
			if len(secret) > 3 && strings.Contains(said, secret) {
				t.Errorf("%s: %q is in %q", name, secret, said)
			}
		}
	}
}
