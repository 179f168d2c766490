package harness

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	hostcompanion "github.com/rulegate/rulegate/host/companion"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/wire"
)

// The client that policies ask about opaque tokens with. A form encodes the secret.
const clientID, clientSecret = "gateway", "a secret: with %, + and ä"

const opaquePrefix = "opaque-"

// OpaqueToken returns a token that the issuer of the tests gives this answer to.
func OpaqueToken(answer string) string { return opaquePrefix + base64URL([]byte(answer)) }

// introspect is an introspection endpoint (RFC 7662). It knows the tokens of OpaqueToken,
// and JWTs with a claim active, whose claims are the answer. An answer that is a number
// is a status.
func introspect(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	form, formErr := url.ParseQuery(string(body))
	id, secret, ok := r.BasicAuth()
	id, idErr := url.QueryUnescape(id)
	secret, secretErr := url.QueryUnescape(secret)
	switch {
	case !ok || idErr != nil || secretErr != nil || id != clientID || secret != clientSecret:
		w.Header().Set("www-authenticate", "Basic")
		w.WriteHeader(http.StatusUnauthorized)
		return
	case r.Method != http.MethodPost, err != nil, formErr != nil, r.Header.Get("content-type") != "application/x-www-form-urlencoded",
		r.Header.Get("accept") != "application/json", len(form) != 2, form.Get("token_type_hint") != "access_token":
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	answer := answerAbout(form.Get("token"))
	if status, err := strconv.Atoi(answer); err == nil {
		w.WriteHeader(status)
		answer = "an error page"
	}
	w.Header().Set("content-type", "application/json")
	fmt.Fprint(w, answer)
}

func answerAbout(token string) string {
	if text, ok := strings.CutPrefix(token, opaquePrefix); ok {
		if answer, err := base64.RawURLEncoding.DecodeString(text); err == nil {
			return string(answer)
		}
	}
	if parts := strings.Split(token, "."); len(parts) == 3 {
		if claims, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil && strings.Contains(string(claims), `"active"`) {
			return string(claims)
		}
	}
	return `{"active":false}`
}

// introspecting returns the real companion, which asks the issuers of a policy.
func introspecting(t testing.TB, p *policy.Policy) http.Handler {
	t.Helper()
	cfg := hostcompanion.Config{Project: p.Project, Keys: wire.DeriveKeys(p.Companion.Secrets...), Log: slog.New(slog.DiscardHandler)}
	for _, i := range p.Issuers {
		cfg.Issuers = append(cfg.Issuers, hostcompanion.Issuer{URL: i.URL, ClientID: i.ClientID, Secret: i.Secret})
	}
	real, err := hostcompanion.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { real.Close(context.Background()) })
	return real
}

// asksIssuers reports whether all calls are questions to issuers.
func asksIssuers(body []byte) bool {
	calls, err := readCalls(body)
	if err != nil {
		return false
	}
	for _, c := range calls {
		if c["kind"] != "introspect" {
			return false
		}
	}
	return len(calls) > 0
}
