package policy

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy/schema"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/value"
)

// tokens reads `auth`.
func (l *loader) tokens() {
	auth := l.doc.Key("auth")
	var keys []token.Key
	complete := true // every entry is an object
	eachIn(auth.Key("tokens"), "auth.tokens", func(place string, v value.Value) {
		k := l.tokenKey(v, place)
		keys = append(keys, k)
		l.canSign = l.canSign || k.Primary
		if k.Name != "" && !slices.Contains(l.providers, k.Name) {
			l.providers = append(l.providers, k.Name)
		}
		complete = complete && v.Kind() == value.Object
	})
	if complete {
		l.p.Tokens = l.tokenSet(keys, durationOf(auth.Key("leeway"), schema.DefaultLeeway), auth.Key("requireExpiry").IsTrue())
	}
	l.tokenSources(auth.Key("from"))
	l.apiKeySources(keys)
	l.claimHeaders(auth.Key("claimsToHeaders"))
	l.challenge(auth.Key("challenge"))
	l.p.Forward = auth.Key("forward").Kind() == value.Missing || auth.Key("forward").IsTrue()
}

func (l *loader) tokenKey(v value.Value, place string) token.Key {
	k := token.Key{
		Name:       textOf(v.Key("name"), ""),
		Alg:        textOf(v.Key("alg"), ""),
		Secret:     l.keyText(v, place, "secret"),
		PublicKey:  l.keyText(v, place, "publicKey"),
		PrivateKey: l.keyText(v, place, "privateKey"),
		Kid:        textOf(v.Key("kid"), ""),
		Issuer:     textsOf(v.Key("issuer")),
		Audience:   textsOf(v.Key("audience")),
		Primary:    v.Key("primary").IsTrue(),
	}
	l.binarySecret(v, place, &k)
	l.jwks(v.Key("jwks"), rules.Join(place, "jwks"), &k)
	l.oidc(v.Key("oidc"), rules.Join(place, "oidc"), &k)
	l.apiKeys(v.Key("apiKeys"), rules.Join(place, "apiKeys"), &k)
	l.introspect(v, place, &k)
	return k
}

// binarySecret reads `secretBase64`, a secret whose bytes need not be a text.
func (l *loader) binarySecret(v value.Value, place string, k *token.Key) {
	text, ok := v.Key("secretBase64").Text()
	at := rules.Join(place, "secretBase64")
	switch {
	case !ok || l.settled[at]:
		return
	case v.Key("secret").Kind() != value.Missing:
		l.fault(at, "there is a secret already; want one of the two")
	case l.unset[at]:
		k.Secret = l.keyText(v, place, "secretBase64")
	default:
		secret, err := decodeBase64(text)
		if err != nil {
			l.fault(at, "%v", err)
			secret = []byte(text) // so that it is not that of another entry
		}
		k.Secret = string(secret)
	}
}

// decodeBase64 decodes base64 in its one spelling: with padding, and without line breaks.
func decodeBase64(text string) ([]byte, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return nil, errors.New("not base64 with padding (RFC 4648, section 4)")
	}
	return b, nil
}

// keyText returns the text of a key. For a missing variable it returns a text
// that stands for the key, so that the rest of the entry can be checked.
func (l *loader) keyText(v value.Value, place, field string) string {
	if at := rules.Join(place, field); l.unset[at] {
		return "unset: " + l.substituted[at]
	}
	return textOf(v.Key(field), "")
}

// tokenSet makes the set of keys; nil when there are faults.
func (l *loader) tokenSet(keys []token.Key, leeway time.Duration, requireExpiry bool) *token.Set {
	set, faults := token.NewSet(keys, leeway, requireExpiry, l.o.Crypto)
	for _, f := range faults {
		place := rules.Elem("auth.tokens", f.Index)
		if f.Field == "secret" && l.valueAt(place).Key("secretBase64").Kind() != value.Missing {
			f.Field = "secretBase64"
		}
		if f.Field != "" {
			place += "." + f.Field
		}
		l.add(rules.Fault{Place: place, Message: f.Message})
	}
	return set
}

// sharedSecret returns the first secret of the policy: the companion's, a token
// key's, or the AES key. The workers of a proxy derive a key from it that
// authenticates their shared data.
func (l *loader) sharedSecret() []byte {
	if s := l.p.Companion.Secrets; len(s) > 0 {
		return []byte(s[0])
	}
	var secret string
	l.doc.Key("auth").Key("tokens").Each(func(_ string, k value.Value) bool {
		secret = textOf(k.Key("secret"), textOf(k.Key("secretBase64"), textOf(k.Key("privateKey"), "")))
		return secret == ""
	})
	if secret != "" {
		return []byte(secret)
	}
	return l.p.AESKey
}
