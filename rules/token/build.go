package token

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// builder makes a Set of a policy's entries, one after the other.
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
	if spec.JWKS != "" || spec.Remote {
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
		if spec.JWKS == "" && !spec.Remote {
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
	k.spki = forHost(k.public)
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
	if spec.Remote {
		if entry.alg != nil && entry.alg.family == familyHMAC {
			b.fault("alg", "%s is a secret's; what is fetched are public keys", entry.alg.name)
		}
		b.set.remotes = append(b.set.remotes, remote{entry: entry})
		return
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
		k.spki = forHost(k.public)
		b.set.byKid[k.kid] = append(b.set.byKid[k.kid], k)
	}
	if usable == 0 && len(keys) > 0 {
		b.fault("alg", "no key of the set can be used with %s", entry.alg.name)
	}
}
