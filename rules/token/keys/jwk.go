package keys

import (
	"fmt"
	"math/big"

	"github.com/tidwall/gjson"
)

// parseJWK reads one key: nil when it is not for verifying. An error comes with
// the member that is at fault.
func parseJWK(jwk gjson.Result) (k *Key, field string, err error) {
	if !jwk.IsObject() {
		return nil, "", fmt.Errorf("want an object")
	}
	if !forVerifying(jwk) {
		return nil, "", nil
	}
	k = &Key{}
	if k.Public, field, err = jwkPublic(jwk); err != nil {
		return nil, field, err
	}
	if alg := member(jwk, "alg"); alg.Exists() {
		if alg.Type != gjson.String {
			return nil, "alg", fmt.Errorf("want a string")
		}
		if k.Alg = Find(alg.Str); k.Alg == nil {
			return nil, "alg", fmt.Errorf("%s is not accepted; want %s", Quote(alg.Str), WantNames())
		}
		if !k.Alg.Fits(k.Public) {
			return nil, "alg", fmt.Errorf("%s cannot be that of %s", k.Alg.Name, Describe(k.Public))
		}
	}
	kid := member(jwk, "kid")
	if kid.Type != gjson.String || kid.Str == "" {
		return nil, "kid", fmt.Errorf("want a string that is not empty: a key of a set is found by its kid alone")
	}
	k.Kid = kid.Str
	k.SPKI = NativeSPKI(k.Public)
	return k, "", nil
}

// jwkPublic reads the key itself: RFC 7518 section 6, RFC 8037 section 2.
func jwkPublic(jwk gjson.Result) (public any, field string, err error) {
	switch kty := member(jwk, "kty"); {
	case kty.Type != gjson.String:
		return nil, "kty", fmt.Errorf("want a string")
	case kty.Str == "oct":
		b, err := octets(jwk, "k")
		return Secret(b), "k", err
	case kty.Str == "RSA":
		n, err := octets(jwk, "n")
		if err != nil {
			return nil, "n", err
		}
		e, err := octets(jwk, "e")
		if err != nil {
			return nil, "e", err
		}
		public, err := publicRSA(new(big.Int).SetBytes(n), new(big.Int).SetBytes(e))
		if err == errExponent {
			return nil, "e", err
		}
		return public, "n", err
	case kty.Str == "EC":
		return jwkPoint(jwk)
	case kty.Str == "OKP":
		if crv := member(jwk, "crv"); crv.Type != gjson.String || crv.Str != "Ed25519" {
			return nil, "crv", fmt.Errorf("want Ed25519")
		}
		x, err := octets(jwk, "x")
		if err != nil {
			return nil, "x", err
		}
		public, err := publicEd25519(x)
		return public, "x", err
	default:
		return nil, "kty", fmt.Errorf("want RSA, EC, OKP or oct, found %s", Quote(kty.Str))
	}
}

func jwkPoint(jwk gjson.Result) (public any, field string, err error) {
	crv := member(jwk, "crv")
	bits := map[string]int{"P-256": 256, "P-384": 384, "P-521": 521}[crv.Str]
	if crv.Type != gjson.String || bits == 0 {
		return nil, "crv", fmt.Errorf("want P-256, P-384 or P-521")
	}
	size := (bits + 7) / 8
	point := append(make([]byte, 0, 1+2*size), 4) // uncompressed
	for _, name := range []string{"x", "y"} {
		b, err := octets(jwk, name)
		if err != nil {
			return nil, name, err
		}
		if len(b) != size {
			return nil, name, fmt.Errorf("%d bytes; want the %d of %s", len(b), size, crv.Str)
		}
		point = append(point, b...)
	}
	public, err = publicPoint(bits, point)
	return public, "x", err
}

// forVerifying reports whether a key may verify signatures: neither `use` nor
// `key_ops` says otherwise (RFC 7517 sections 4.2 and 4.3).
func forVerifying(jwk gjson.Result) bool {
	if use := member(jwk, "use"); use.Exists() && use.Str != "sig" {
		return false
	}
	ops := member(jwk, "key_ops")
	if !ops.Exists() {
		return true
	}
	found := false
	for _, op := range ops.Array() {
		found = found || op.Str == "verify"
	}
	return found
}

// octets reads a member that is base64url of at least one byte.
func octets(jwk gjson.Result, name string) ([]byte, error) {
	v := member(jwk, name)
	if v.Type != gjson.String {
		return nil, fmt.Errorf("want a string of base64url")
	}
	b, err := DecodeBase64URL(v.Str)
	if err == nil && len(b) == 0 {
		err = fmt.Errorf("empty")
	}
	return b, err
}

// member returns an object's member by its exact name. (gjson's own Get reads
// the name as a path.)
func member(object gjson.Result, name string) (found gjson.Result) {
	if !object.IsObject() {
		return gjson.Result{}
	}
	object.ForEach(func(key, v gjson.Result) bool {
		if key.Str == name {
			found = v
			return false
		}
		return true
	})
	return found
}
