package token

import (
	"fmt"
	"math/big"

	"github.com/rulegate/rulegate/rules/value/strictjson"
	"github.com/tidwall/gjson"
)

// parseJWKS reads a JWK Set (RFC 7517 section 5). Keys that are not for
// verifying (`use`, `key_ops`) are passed over; everything else that cannot be
// used is a fault, placed from the set on: `keys[2].crv`.
func parseJWKS(text string) ([]*key, []Fault) {
	if err := strictjson.Check(text, maxDepth); err != nil {
		return nil, []Fault{{Message: "not JSON: " + err.Error()}}
	}
	set := gjson.Parse(text)
	list := member(set, "keys")
	if !list.IsArray() {
		return nil, []Fault{{Field: "keys", Message: "want an array of keys"}}
	}
	var keys []*key
	var faults []Fault
	for i, jwk := range list.Array() {
		k, field, err := parseJWK(jwk)
		place := fmt.Sprintf("keys[%d]", i)
		if err != nil {
			if field != "" {
				place += "." + field
			}
			faults = append(faults, Fault{Field: place, Message: err.Error()})
			continue
		}
		if k == nil {
			continue
		}
		for _, other := range keys {
			if other.kid == k.kid && other.overlaps(k) {
				faults = append(faults, Fault{Field: place + ".kid", Message: "another key of the set has this kid"})
				break
			}
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 && len(faults) == 0 {
		faults = append(faults, Fault{Field: "keys", Message: "no key in it that verifies tokens"})
	}
	return keys, faults
}

// parseJWK reads one key: nil when it is not for verifying. An error comes with
// the member that is at fault.
func parseJWK(jwk gjson.Result) (k *key, field string, err error) {
	if !jwk.IsObject() {
		return nil, "", fmt.Errorf("want an object")
	}
	if !forVerifying(jwk) {
		return nil, "", nil
	}
	k = &key{}
	if k.public, field, err = jwkMaterial(jwk); err != nil {
		return nil, field, err
	}
	if alg := member(jwk, "alg"); alg.Exists() {
		if alg.Type != gjson.String {
			return nil, "alg", fmt.Errorf("want a string")
		}
		if k.alg = findAlgorithm(alg.Str); k.alg == nil {
			return nil, "alg", fmt.Errorf("%s is not accepted; want %s", quote(alg.Str), algorithmNames)
		}
		if !k.alg.fits(k.public) {
			return nil, "alg", fmt.Errorf("%s cannot be that of %s", k.alg.name, describe(k.public))
		}
	}
	kid := member(jwk, "kid")
	if kid.Type != gjson.String || kid.Str == "" {
		return nil, "kid", fmt.Errorf("want a string that is not empty: a key of a set is found by its kid alone")
	}
	k.kid = kid.Str
	return k, "", nil
}

// jwkMaterial reads the key itself: RFC 7518 section 6, RFC 8037 section 2.
func jwkMaterial(jwk gjson.Result) (public any, field string, err error) {
	switch kty := member(jwk, "kty"); {
	case kty.Type != gjson.String:
		return nil, "kty", fmt.Errorf("want a string")
	case kty.Str == "oct":
		b, err := octets(jwk, "k")
		return secret(b), "k", err
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
		return nil, "kty", fmt.Errorf("want RSA, EC, OKP or oct, found %s", quote(kty.Str))
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

// forVerifying is false for a key that says it is for something else.
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
	b, err := decodeSegment(v.Str)
	if err == nil && len(b) == 0 {
		err = fmt.Errorf("empty")
	}
	return b, err
}

// member gives an object's member by its exact name; gjson's own Get would
// read the name as a path.
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
