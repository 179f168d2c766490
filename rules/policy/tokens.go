package policy

import (
	"slices"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/value"
)

// tokens reads `auth`.
func (l *loader) tokens() {
	auth := l.doc.Key("auth")
	var keys []token.Key
	i := 0
	whole := true // every entry is there to be checked
	auth.Key("tokens").Each(func(_ string, v value.Value) bool {
		place := rules.Elem("auth.tokens", i)
		k := l.tokenKey(v, place)
		keys = append(keys, k)
		l.canSign = l.canSign || k.Primary
		if k.Name != "" && !slices.Contains(l.providers, k.Name) {
			l.providers = append(l.providers, k.Name)
		}
		whole = whole && v.Kind() == value.Object
		i++
		return true
	})
	if whole {
		l.p.Tokens = l.tokenSet(keys, spanOf(auth.Key("leeway"), 0), auth.Key("requireExpiry").IsTrue())
	}
	l.sources(auth.Key("from"))
	l.claimHeaders(auth.Key("claimsToHeaders"))
	l.p.Forward = auth.Key("forward").Kind() == value.Missing || auth.Key("forward").IsTrue()
}

func (l *loader) tokenKey(v value.Value, place string) token.Key {
	k := token.Key{
		Name:       textOf(v.Key("name"), ""),
		Alg:        textOf(v.Key("alg"), ""),
		Secret:     l.material(v, place, "secret"),
		PublicKey:  l.material(v, place, "publicKey"),
		PrivateKey: l.material(v, place, "privateKey"),
		Kid:        textOf(v.Key("kid"), ""),
		Issuer:     words(v.Key("issuer")),
		Audience:   words(v.Key("audience")),
		Primary:    v.Key("primary").IsTrue(),
	}
	l.jwks(v.Key("jwks"), rules.Join(place, "jwks"), &k)
	return k
}

// material is a key's text. One that waits for a variable is given a text of
// its own, so that the rest of the entry can be checked.
func (l *loader) material(v value.Value, place, field string) string {
	if at := rules.Join(place, field); l.unset[at] {
		return "unset: " + l.written[at]
	}
	return textOf(v.Key(field), "")
}

// tokenSet makes the set; nil when it cannot be made.
func (l *loader) tokenSet(keys []token.Key, leeway time.Duration, requireExpiry bool) *token.Set {
	set, faults := token.NewSet(keys, leeway, requireExpiry)
	for _, f := range faults {
		place := rules.Elem("auth.tokens", f.Index)
		if f.Field != "" {
			place += "." + f.Field
		}
		l.add(rules.Fault{Place: place, Message: f.Message})
	}
	return set
}
