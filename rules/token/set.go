package token

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"
)

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
	return b.set, nil
}

type builder struct {
	set     *Set
	index   int   // of the entry at hand
	primary int   // of the entry that is primary, -1: none yet
	entries []int // of each of set.static
	faults  []Fault
}

func (b *builder) fault(field, format string, args ...any) {
	b.faults = append(b.faults, Fault{Index: b.index, Field: field, Message: fmt.Sprintf(format, args...)})
}

func (b *builder) add(spec *Key) {
	before := len(b.faults)
	k := &key{provider: spec.Name, kid: spec.Kid, issuer: spec.Issuer, audience: spec.Audience}
	k.alg = b.algorithm(spec)
	b.parties("issuer", spec.Issuer)
	b.parties("audience", spec.Audience)
	if spec.JWKS != "" {
		b.addJWKS(spec, k)
		return
	}
	private := b.material(spec, k)
	if k.alg != nil && k.public != nil && !k.alg.fits(k.public) {
		b.fault("alg", "%s cannot be that of %s", k.alg.name, describe(k.public))
	}
	if spec.Primary {
		b.addPrimary(spec, k, private)
	}
	if len(b.faults) == before {
		b.addStatic(spec, k)
	}
}

func (b *builder) algorithm(spec *Key) *algorithm {
	if spec.Alg == "" {
		if spec.JWKS == "" {
			b.fault("alg", "missing; want %s", algorithmNames)
		}
		return nil
	}
	a := findAlgorithm(spec.Alg)
	if a == nil {
		b.fault("alg", "%s is not accepted; want %s", quote(spec.Alg), algorithmNames)
	}
	return a
}

func (b *builder) parties(field string, names []string) {
	if names != nil && len(names) == 0 {
		b.fault(field, "empty; leave it out where it is not to be checked")
	}
	for i, name := range names {
		if name == "" {
			b.fault(fmt.Sprintf("%s[%d]", field, i), "empty")
		}
	}
}

// material reads the entry's key into k and gives what it signs with, nil for
// a public key alone. Where there is a fault, k.public may stay nil.
func (b *builder) material(spec *Key, k *key) (private any) {
	pems := spec.PublicKey != "" || spec.PrivateKey != ""
	switch {
	case spec.Secret != "" && pems:
		b.fault("secret", "an entry has either a secret or publicKey and privateKey")
		return nil
	case spec.Secret != "":
		k.public = secret(spec.Secret)
		return k.public
	case !pems && k.alg == nil:
		b.fault("", "no key: want secret, publicKey or jwks")
		return nil
	case !pems && k.alg.family == familyHMAC:
		b.fault("secret", "missing or empty")
		return nil
	case !pems:
		b.fault("publicKey", "missing or empty")
		return nil
	}
	var err error
	if spec.PublicKey != "" {
		if k.public, err = publicPEM(spec.PublicKey); err != nil {
			b.fault("publicKey", "%v", err)
			k.public = nil
		}
	}
	if spec.PrivateKey == "" {
		return nil
	}
	if private, err = privatePEM(spec.PrivateKey); err != nil {
		b.fault("privateKey", "%v", err)
		return nil
	}
	switch public := publicOf(private); {
	case spec.PublicKey == "":
		k.public = public
	case k.public != nil && !samePublic(k.public, public):
		b.fault("publicKey", "not the public half of privateKey")
	}
	return private
}

func (b *builder) addPrimary(spec *Key, k *key, private any) {
	if b.primary >= 0 {
		b.fault("primary", "entry %d is primary already", b.primary)
		return
	}
	b.primary = b.index
	if spec.PublicKey != "" && spec.PrivateKey == "" {
		b.fault("primary", "cannot sign: privateKey is missing")
		return
	}
	b.set.primary = &primary{key: k, private: private}
}

// addStatic files a key without faults under its kid.
func (b *builder) addStatic(spec *Key, k *key) {
	if k.kid == "" {
		text := spec.Secret + spec.PublicKey // one of them is empty
		if text == "" {
			var err error
			if text, err = publicText(k.public); err != nil {
				b.fault("kid", "missing, and there is no text of a public key to derive it from")
				return
			}
		}
		k.kid = defaultKid(text)
	}
	for i, other := range b.set.static {
		if other.kid != k.kid || other.alg != k.alg {
			continue
		}
		if spec.Kid == "" {
			b.fault("", "entry %d has the same key and alg", b.entries[i])
		} else {
			b.fault("kid", "entry %d has the same kid and alg", b.entries[i])
		}
		return
	}
	b.set.static = append(b.set.static, k)
	b.entries = append(b.entries, b.index)
	b.set.byKid[k.kid] = append(b.set.byKid[k.kid], k)
}

// defaultKid is what Space Cloud gives a key that has no kid.
func defaultKid(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// addJWKS files the keys of a set that the entry's alg, if any, lets in.
func (b *builder) addJWKS(spec *Key, entry *key) {
	for _, other := range []struct{ field, value string }{
		{"secret", spec.Secret}, {"publicKey", spec.PublicKey}, {"privateKey", spec.PrivateKey},
	} {
		if other.value != "" {
			b.fault(other.field, "an entry has either this or jwks")
		}
	}
	if spec.Kid != "" {
		b.fault("kid", "the keys of a set have their own")
	}
	if spec.Primary {
		b.fault("primary", "cannot sign: a JWK set holds public keys")
	}
	keys, faults := parseJWKS(spec.JWKS)
	for _, f := range faults {
		field := "jwks"
		if f.Field != "" {
			field += "." + f.Field
		}
		b.fault(field, "%s", f.Message)
	}
	if spec.Alg != "" && entry.alg == nil {
		return
	}
	usable := 0
	for _, k := range keys {
		if entry.alg != nil {
			if !k.verifies(entry.alg) {
				continue
			}
			k.alg = entry.alg
		}
		usable++
		k.provider, k.issuer, k.audience = entry.provider, entry.issuer, entry.audience
		b.set.byKid[k.kid] = append(b.set.byKid[k.kid], k)
	}
	if usable == 0 && len(keys) > 0 {
		b.fault("alg", "no key of the set can be used with %s", entry.alg.name)
	}
}

// overlaps reports whether one token could choose both keys.
func (k *key) overlaps(other *key) bool {
	for i := range algorithms {
		if a := &algorithms[i]; k.verifies(a) && other.verifies(a) {
			return true
		}
	}
	return false
}
