package token

import (
	"time"

	"github.com/rulegate/rulegate/rules/token/keys"
)

// Key is one entry of the policy's list of keys. It has a secret, or a public
// and perhaps a private key, or a JWK set, or API keys, or its issuer is asked.
type Key struct {
	// Name is the Provider of the claims that the key verifies.
	Name string
	// Alg is the only algorithm that the key may be used with. For a JWK set it
	// may be empty; else only the set's keys of that algorithm are used.
	Alg string

	Secret     string // HS: any length but 0
	PublicKey  string // PEM: PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE
	PrivateKey string // PEM: PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY, not encrypted; not in the module
	JWKS       string // JSON text of a JWK set
	Fetched    bool   // a JWK set that Set.WithKeys adds later

	// APIKeyHeader is the header of APIKeys, in lower case; "": the entry has no
	// API keys.
	APIKeyHeader string
	APIKeys      []APIKey

	// Introspect: the entry takes opaque tokens, see Set.Introspections. Cache is how
	// long its issuer's answer counts; 0: for one request.
	Introspect bool
	Cache      time.Duration

	// Kid is by default base64(SHA-256(text of Secret or PublicKey)), in the
	// standard alphabet, as in Space Cloud. The keys of a JWK set have their own.
	Kid string
	// Issuer and Audience are the accepted values of iss and aud, nil for any.
	// An empty list is a fault.
	Issuer, Audience []string
	// Primary makes this the key that mints tokens.
	Primary bool
}

// Fault is a fault of an entry.
type Fault struct {
	Index   int    // of the entry
	Field   string // in the policy's spelling: `alg`, `jwks.keys[2].crv`; "" for the entry as a whole
	Message string // never holds a part of a key
}

// NewSet makes a Set of the keys of a policy. The leeway widens exp, nbf and
// iat; a negative one counts as 0. With requireExpiry a token without exp is
// refused.
//
// The cryptography is that of the platform. An entry that needs more is a fault.
//
// Errors: every fault of every entry, by entry; then the Set is nil.
func NewSet(entries []Key, leeway time.Duration, requireExpiry bool, c keys.Crypto) (*Set, []Fault) {
	b := builder{
		set:     &Set{crypto: c, headers: new(headers), keyList: keyList{byKid: map[string][]*key{}}, leeway: max(leeway, 0), requireExpiry: requireExpiry},
		primary: -1,
	}
	for i := range entries {
		b.index = i
		b.add(&entries[i])
	}
	if len(b.faults) > 0 {
		return nil, b.faults
	}
	b.set.configured = b.set.keyList
	return b.set, nil
}
