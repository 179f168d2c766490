package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/policy/schema"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/value"
)

// apiKeys reads `apiKeys` of an entry of auth.tokens into k.
func (l *loader) apiKeys(v value.Value, place string, k *token.Key) {
	if v.Kind() != value.Object {
		return
	}
	at := rules.Join(place, "header")
	k.APIKeyHeader = strings.ToLower(textOf(v.Key("header"), ""))
	if k.APIKeyHeader == "" {
		k.APIKeyHeader = schema.DefaultKeyHeader
	}
	switch {
	case !l.known(at):
	case !httpfield.IsToken(k.APIKeyHeader):
		l.fault(at, "not the name of a header")
	case k.APIKeyHeader == "cookie":
		l.fault(at, "browsers send cookies with requests of any page; want another header")
	case httpfield.Protected(k.APIKeyHeader):
		l.fault(at, "a header of the connection or of the framing")
	}
	k.APIKeys = []token.APIKey{}
	eachIn(v.Key("keys"), rules.Join(place, "keys"), func(place string, key value.Value) {
		at := rules.Join(place, "sha256")
		text := textOf(key.Key("sha256"), "")
		if l.unset[at] {
			sum := sha256.Sum256([]byte(l.substituted[at]))
			text = hex.EncodeToString(sum[:])
		}
		claims := key.Key("claims")
		if claims.Kind() != value.Object { // schema.Check reports it
			claims = value.Obj()
		}
		k.APIKeys = append(k.APIKeys, token.APIKey{SHA256: text, Claims: claims.String()})
	})
}

// apiKeySources adds the headers of API keys to the places that are looked at.
func (l *loader) apiKeySources(keys []token.Key) {
	for i, k := range keys {
		if k.APIKeyHeader == "" {
			continue
		}
		s := Source{Header: k.APIKeyHeader, APIKeys: true}
		switch other := slices.IndexFunc(l.p.Sources, func(o Source) bool { return o.Header == s.Header }); {
		case other < 0:
			l.p.Sources = append(l.p.Sources, s)
		case !l.p.Sources[other].APIKeys:
			l.fault(rules.Elem("auth.tokens", i)+".apiKeys.header", "tokens come in this header (auth.from); want another one")
		}
	}
}
