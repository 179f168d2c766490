package token

import (
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"time"

	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/value"
)

// maxAPIKey bounds an API key of a request, in bytes.
const maxAPIKey = 1 << 10

// APIKey is one key of an entry of API keys. The policy has its hash only.
type APIKey struct {
	SHA256 string // of the key, in hex
	Claims string // JSON text of an object: the claims of a request with the key
}

// apiKey is an API key of a Set.
type apiKey struct {
	sum    [sha256.Size]byte
	entry  *entry
	header string
	index  int // of the entry
	json   string
	claims registeredClaims
}

// APIKey returns the claims of an API key that came in a header, whose name is in
// lower case. Takes is that of VerifyFor. The claims exp, nbf and iat count as in a
// token.
//
// The key is hashed first, and the hash is compared with each hash of the policy, in
// a time that depends on their number alone. So the time of an answer tells nothing of
// a key, nor of a hash.
//
// Errors: always an *Error.
func (s *Set) APIKey(header, raw string, now time.Time, takes func(provider string) bool) (Claims, error) {
	if len(raw) > maxAPIKey {
		return Claims{}, fail(StageParse, "an API key of %d bytes, at most %d are read", len(raw), maxAPIKey)
	}
	var found *apiKey
	sum := sha256.Sum256([]byte(raw))
	if s != nil {
		for i := range s.apiKeys {
			if k := &s.apiKeys[i]; subtle.ConstantTimeCompare(sum[:], k.sum[:]) == 1 && k.header == header {
				found = k
			}
		}
	}
	if found == nil {
		return Claims{}, fail(StageKey, "no entry has this API key")
	}
	c := found.claims
	if err := s.checkTime(&c, now); err != nil {
		return Claims{}, err
	}
	if takes != nil && !takes(found.entry.provider) {
		return Claims{}, otherProvider(found.entry)
	}
	out := s.times(&c)
	out.JSON, out.Value, out.Provider = found.json, c.object, found.entry.provider
	return out, nil
}

// addAPIKeys adds an entry of API keys.
func (b *builder) addAPIKeys(spec *Key, e *entry) {
	if spec.Introspect {
		b.fault("introspect", "an entry has either apiKeys or this")
	}
	for _, other := range spec.others() {
		if other.found {
			b.fault(other.field, "is for tokens; an entry with apiKeys has only a name beside them")
		}
	}
	for i, k := range spec.APIKeys {
		place := lightfmt.Sprintf("apiKeys.keys[%d]", i)
		out := apiKey{entry: e, header: spec.APIKeyHeader, index: b.index, json: k.Claims}
		if err := b.readAPIClaims(&out); err != nil {
			b.fault(place+".claims", "%v", err)
		}
		sum, ok := lightfmt.DecodeHex(k.SHA256)
		if !ok || len(sum) != sha256.Size {
			b.fault(place+".sha256", "want 64 hex digits, the SHA-256 of the key: `rulegate token apikey` prints them")
			continue
		}
		out.sum = [sha256.Size]byte(sum)
		if n := slices.IndexFunc(b.set.apiKeys, func(k apiKey) bool { return k.sum == out.sum }); n >= 0 {
			b.fault(place+".sha256", "entry %d has this key already", b.set.apiKeys[n].index)
			continue
		}
		b.set.apiKeys = append(b.set.apiKeys, out)
	}
}

// readAPIClaims checks the claims of a key as those of a token are.
func (b *builder) readAPIClaims(k *apiKey) (err error) {
	object, err := value.Parse(k.json, maxDepth)
	if err != nil {
		return err
	}
	if object.Kind() != value.Object {
		return lightfmt.Errorf("want an object, found %s", object.Kind())
	}
	object, _ = object.Indexed(maxIndexed)
	k.claims = registered(object)
	for _, date := range k.claims.dates() {
		if _, ok := numericDate(date.claim); !ok && date.claim.Kind() != value.Missing {
			return lightfmt.Errorf("%s: want a number of seconds", date.name)
		}
	}
	if b.set.requireExpiry && k.claims.exp.Kind() == value.Missing {
		return lightfmt.Errorf("exp: missing, and auth.requireExpiry is set")
	}
	return nil
}
