package token

import "time"

// Key is one entry of the policy's list of keys. It has a secret, or a public
// and perhaps a private key, or a JWK set.
type Key struct {
	// Name is what Claims.Provider says.
	Name string
	// Alg is the one algorithm that the key may be used with. It may be empty
	// for a JWK set; else it narrows the set to its keys of that algorithm.
	Alg string

	Secret     string // HS: any length but 0
	PublicKey  string // PEM: PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE
	PrivateKey string // PEM: PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY, not encrypted
	JWKS       string // JSON text of a JWK set
	Remote     bool   // a JWK set that is fetched: Set.WithKeys brings it

	// Kid is by default base64(SHA-256(text of Secret or PublicKey)), in the
	// standard alphabet, as Space Cloud has it. A key of a JWK set has its own.
	Kid string
	// Issuer and Audience are checked where they are not nil; empty ones are
	// faults.
	Issuer, Audience []string
	// Primary is the key that mints.
	Primary bool
}

// Fault is what is wrong with an entry.
type Fault struct {
	Index   int    // of the entry
	Field   string // in the policy's spelling: `alg`, `jwks.keys[2].crv`; "" for the entry as a whole
	Message string // never holds a part of a key
}

// NewSet makes a Set of a policy's keys. The leeway widens exp, nbf and iat; a
// negative one counts as none. With requireExpiry a token without exp is
// refused.
//
// Errors: every fault of every entry, by entry; then the Set is nil.
func NewSet(keys []Key, leeway time.Duration, requireExpiry bool) (*Set, []Fault) {
	b := builder{
		set:     &Set{byKid: map[string][]*key{}, leeway: max(leeway, 0), requireExpiry: requireExpiry},
		primary: -1,
	}
	for i := range keys {
		b.index = i
		b.add(&keys[i])
	}
	if len(b.faults) > 0 {
		return nil, b.faults
	}
	b.set.fixed = b.set.byKid
	return b.set, nil
}
