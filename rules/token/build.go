package token

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"

	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/token/keys"
)

// builder makes a Set from the entries of a policy, one after the other.
type builder struct {
	set     *Set
	index   int // of the current entry
	primary int // index of the primary entry, -1 before there is one
	static  []indexed
	faults  []Fault
}

// indexed is a secret or a PEM key, with the index of its entry.
type indexed struct {
	*key
	index int
}

func (b *builder) fault(field, format string, args ...any) {
	b.faults = append(b.faults, Fault{Index: b.index, Field: field, Message: lightfmt.Sprintf(format, args...)})
}

func (b *builder) add(spec *Key) {
	before := len(b.faults)
	if spec.APIKeyHeader != "" {
		b.addAPIKeys(spec, &entry{provider: spec.Name})
		return
	}
	e := &entry{provider: spec.Name, issuer: spec.Issuer, audience: spec.Audience}
	if !spec.Introspect {
		e.alg = b.algorithm(spec)
	}
	b.parties("issuer", spec.Issuer)
	b.parties("audience", spec.Audience)
	if spec.Introspect {
		b.addOpaque(spec, e)
		return
	}
	k := &key{Key: keys.Key{Kid: spec.Kid, Alg: e.alg}, entry: e}
	if spec.JWKS != "" || spec.Fetched {
		b.addJWKS(spec, e)
		return
	}
	private := b.readStatic(spec, k)
	if k.Alg != nil && !k.Public.IsZero() && !k.Alg.Fits(k.Public) {
		b.fault("alg", "%s cannot be that of %s", k.Alg.Name, k.Public)
	}
	if spec.Primary {
		b.addPrimary(spec, k, private)
	}
	if len(b.faults) == before {
		b.addStatic(spec, k)
	}
}

func (b *builder) algorithm(spec *Key) *keys.Algorithm {
	if spec.Alg == "" {
		if spec.JWKS == "" && !spec.Fetched {
			b.fault("alg", "missing; want %s", keys.WantNames())
		}
		return nil
	}
	a := keys.Find(spec.Alg)
	switch {
	case a == nil:
		b.fault("alg", "%s is not accepted; want %s", keys.Quote(spec.Alg), keys.WantNames())
	case !b.set.crypto.Supports(a):
		b.fault("alg", "the proxy cannot verify %s: "+wantHost, a.Name)
	}
	return a
}

const wantHost = "want one with the foreign function verify_signature, such as Envoy 1.40"

func (b *builder) parties(field string, names []string) {
	if names != nil && len(names) == 0 {
		b.fault(field, "empty; leave it out where it is not to be checked")
	}
	for i, name := range names {
		if name == "" {
			b.fault(lightfmt.Sprintf("%s[%d]", field, i), "empty")
		}
	}
}

// readStatic reads the secret or the PEM keys of an entry into k. It returns the key
// that signs, nil when the entry has only a public key. After a fault k.Public
// may be nil.
func (b *builder) readStatic(spec *Key, k *key) (private keys.Private) {
	pems := spec.PublicKey != "" || spec.PrivateKey != ""
	switch {
	case spec.Secret != "" && pems:
		b.fault("secret", "an entry has either a secret or publicKey and privateKey")
		return nil
	case spec.Secret != "":
		k.Public = keys.Secret(spec.Secret)
		return nil
	case !pems && k.Alg == nil:
		b.fault("", "no key: want secret, publicKey, jwks, oidc, apiKeys or introspect")
		return nil
	case !pems && k.Alg.IsHMAC():
		b.fault("secret", "missing or empty")
		return nil
	case !pems:
		b.fault("publicKey", "missing or empty")
		return nil
	}
	var err error
	if spec.PublicKey != "" {
		if k.Public, err = keys.ParsePublic(spec.PublicKey); err != nil {
			b.fault("publicKey", "%v", err)
		}
	}
	if spec.PrivateKey == "" {
		return nil
	}
	if b.set.crypto.Private == nil {
		b.fault("privateKey", "is not for the module, which signs nothing: give publicKey in its place, as `rulegate envoy` does")
		return nil
	}
	if private, err = b.set.crypto.Private(spec.PrivateKey); err != nil {
		b.fault("privateKey", "%v", err)
		return nil
	}
	switch public := private.Public(); {
	case spec.PublicKey == "":
		k.Public = public
	case !k.Public.IsZero() && !k.Public.Equal(public):
		b.fault("publicKey", "not the public half of privateKey")
	}
	return private
}

func (b *builder) addPrimary(spec *Key, k *key, private keys.Private) {
	if b.primary >= 0 {
		b.fault("primary", "entry %d is primary already", b.primary)
		return
	}
	b.primary = b.index
	if spec.PublicKey != "" && spec.PrivateKey == "" && b.set.crypto.Private != nil {
		b.fault("primary", "cannot sign: privateKey is missing")
		return
	}
	b.set.primary = &primary{key: k, private: private}
}

// addStatic adds a key without faults to the set, under its kid.
func (b *builder) addStatic(spec *Key, k *key) {
	if k.Kid == "" {
		text := spec.Secret + spec.PublicKey // one of them is empty
		if text == "" {
			text = k.Public.PEM()
		}
		k.Kid = defaultKid(text)
	}
	for _, other := range b.static {
		if other.Kid != k.Kid || other.Alg != k.Alg {
			continue
		}
		same := other.Public.Equal(k.Public)
		if same && !other.entry.equal(k.entry) {
			continue // each decides by its own issuer, audience and name
		}
		if same {
			b.fault("", "entry %d has the same key and alg", other.index)
		} else {
			b.fault("kid", "entry %d has the same kid and alg", other.index)
		}
		return
	}
	b.static = append(b.static, indexed{k, b.index})
	b.set.add(k)
}

// equal reports whether nothing tells two entries of one key apart.
func (e *entry) equal(other *entry) bool {
	return e.provider == other.provider && slices.Equal(e.issuer, other.issuer) && slices.Equal(e.audience, other.audience)
}

// defaultKid returns the kid of a key that has none in the policy, as Space
// Cloud computes it.
func defaultKid(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// addJWKS adds the keys of a JWK set. If the entry has an alg, it adds only the
// keys that fit it.
func (b *builder) addJWKS(spec *Key, e *entry) {
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
	if spec.Fetched {
		if e.alg != nil && e.alg.IsHMAC() {
			b.fault("alg", "%s takes a secret; a fetched set holds public keys", e.alg.Name)
		}
		b.set.fetched = append(b.set.fetched, fetchedSet{entry: e})
		return
	}
	parsed, faults := keys.ParseSet(spec.JWKS)
	for _, f := range faults {
		field := "jwks"
		if f.Field != "" {
			field += "." + f.Field
		}
		b.fault(field, "%s", f.Message)
	}
	if spec.Alg != "" && e.alg == nil {
		return
	}
	b.addInline(parsed, e)
}

// addInline adds the keys of a set that is written in the policy.
func (b *builder) addInline(parsed []*keys.Key, e *entry) {
	usable := 0
	for _, k := range parsed {
		if e.alg != nil {
			if !k.Verifies(e.alg) {
				continue
			}
			k.Alg = e.alg
		}
		if a := b.set.crypto.Lacks(k); a != nil {
			b.fault("jwks", "the proxy cannot verify %s, the algorithm of the key %s: "+wantHost, a.Name, keys.Quote(k.Kid))
		}
		usable++
		b.set.add(&key{Key: *k, entry: e})
	}
	if usable == 0 && len(parsed) > 0 {
		b.fault("alg", "no key of the set can be used with %s", e.alg.Name)
	}
}
