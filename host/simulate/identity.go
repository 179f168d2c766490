package simulate

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
	"github.com/rulegate/rulegate/rules/value"
)

// TrustedKey is a key for tokens of simulated users. It stands beside the keys of a
// policy, so users can be simulated whatever the policy's keys are: public ones, or
// sets that are fetched. The tokens are real, and so is their verification, but for
// the issuer and the audience, which are not asked for.
type TrustedKey struct {
	secret string
	signer *token.Set
}

// kid is the kid of a TrustedKey.
const kid = "rulegate-simulation"

// NewTrustedKey returns the key. It is always the same, so that a simulation has the
// same tokens each time. It is for simulations alone: whoever accepts requests from a
// network must not trust it.
func NewTrustedKey() *TrustedKey {
	sum := sha256.Sum256([]byte("the key of rulegate's simulations"))
	k := &TrustedKey{secret: hex.EncodeToString(sum[:])}
	k.signer, _ = token.NewSet([]token.Key{{Alg: "HS256", Secret: k.secret, Kid: kid, Primary: true}}, 0, false, gocrypto.Crypto())
	return k
}

// Extend returns the keys of a policy with this one, which counts for each provider
// that a resource names.
func (k *TrustedKey) Extend(p *policy.Policy) *token.Set {
	return p.Tokens.WithSecret(k.secret, kid, Providers(p))
}

// ExtendDocument returns the document of a policy with this key, as Extend does.
func (k *TrustedKey) ExtendDocument(doc value.Value, p *policy.Policy) value.Value {
	text := func(name, text string) value.Member { return value.Member{Key: name, Value: value.Str(text)} }
	auth := doc.Key("auth")
	if auth.Kind() != value.Object {
		auth = value.Obj()
	}
	entries := slices.Clone(auth.Key("tokens").Elements())
	for _, name := range append([]string{""}, Providers(p)...) {
		members := []value.Member{text("alg", "HS256"), text("secret", k.secret), text("kid", kid)}
		if name != "" {
			members = append(members, text("name", name))
		}
		entries = append(entries, value.Obj(members...))
	}
	return doc.With("auth", auth.With("tokens", value.Arr(entries...)))
}

// Mint returns a token with the claims. It adds an exp to them if the policy wants one.
func (k *TrustedKey) Mint(p *policy.Policy, claims value.Value, now time.Time) (string, error) {
	if p.Tokens.RequiresExpiry() && claims.Key("exp").Kind() == value.Missing {
		claims = claims.With("exp", value.Int(now.Add(time.Hour).Unix()))
	}
	return k.signer.Mint(claims.String(), "")
}

// Providers lists the providers that the resources of a policy name.
func Providers(p *policy.Policy) (names []string) {
	for _, r := range p.Resources() {
		for _, name := range r.Auth.Providers() {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// PlaceToken adds a token to the fields of a request, at the first of the places that
// is a header, else at the first one.
func PlaceToken(fields [][2]string, sources []policy.Source, raw string) [][2]string {
	sources = slices.DeleteFunc(slices.Clone(sources), func(s policy.Source) bool { return s.APIKeys })
	if len(sources) == 0 {
		return fields
	}
	src := sources[0]
	if i := slices.IndexFunc(sources, func(s policy.Source) bool { return s.Header != "" }); i >= 0 {
		src = sources[i]
	}
	fields = slices.Clone(fields)
	switch {
	case src.Header != "":
		return append(fields, [2]string{src.Header, src.Prefix + raw})
	case src.Cookie != "":
		pair := src.Cookie + "=" + raw
		for i, h := range fields {
			if h[0] == "cookie" {
				fields[i][1] = h[1] + "; " + pair
				return fields
			}
		}
		return append(fields, [2]string{"cookie", pair})
	}
	for i, h := range fields {
		if h[0] == ":path" {
			sep := "?"
			if strings.Contains(h[1], "?") {
				sep = "&"
			}
			fields[i][1] += sep + url.QueryEscape(src.Query) + "=" + raw
		}
	}
	return fields
}
