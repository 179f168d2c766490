package keys

import (
	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/value"
)

// parseJWK reads one key; it returns nil for a key that is not for verifying.
// Field is the member that an error is about.
func parseJWK(jwk value.Value) (k *Key, field string, err error) {
	if jwk.Kind() != value.Object {
		return nil, "", lightfmt.Errorf("want an object")
	}
	if !forVerifying(jwk) {
		return nil, "", nil
	}
	k = &Key{}
	if k.Public, field, err = jwkPublic(jwk); err != nil {
		return nil, field, err
	}
	if v := member(jwk, "alg"); v.Kind() != value.Missing {
		alg, ok := v.Text()
		if !ok {
			return nil, "alg", lightfmt.Errorf("want a string")
		}
		if k.Alg = Find(alg); k.Alg == nil {
			return nil, "alg", lightfmt.Errorf("%s is not accepted; want %s", Quote(alg), WantNames())
		}
		if !k.Alg.Fits(k.Public) {
			return nil, "alg", lightfmt.Errorf("%s cannot be that of %s", k.Alg.Name, k.Public)
		}
	}
	if v := member(jwk, "kid"); v.Kind() != value.Missing {
		if k.Kid, _ = v.Text(); k.Kid == "" {
			return nil, "kid", lightfmt.Errorf("want a string that is not empty, or no kid")
		}
	}
	return k, "", nil
}

// jwkPublic reads the key itself: RFC 7518 section 6, RFC 8037 section 2.
func jwkPublic(jwk value.Value) (public Public, field string, err error) {
	switch kty, ok := jwk.Key("kty").Text(); {
	case !ok:
		return Public{}, "kty", lightfmt.Errorf("want a string")
	case kty == "oct":
		b, err := octets(jwk, "k")
		return Secret(string(b)), "k", err
	case kty == "RSA":
		n, err := octets(jwk, "n")
		if err != nil {
			return Public{}, "n", err
		}
		e, err := octets(jwk, "e")
		if err != nil {
			return Public{}, "e", err
		}
		public, err := publicRSA(n, e)
		if err == errExponent {
			return Public{}, "e", err
		}
		return public, "n", err
	case kty == "EC":
		return jwkPoint(jwk)
	case kty == "OKP":
		if crv, _ := jwk.Key("crv").Text(); crv != "Ed25519" {
			return Public{}, "crv", lightfmt.Errorf("want Ed25519")
		}
		x, err := octets(jwk, "x")
		if err != nil {
			return Public{}, "x", err
		}
		public, err := publicEd25519(x)
		return public, "x", err
	default:
		return Public{}, "kty", lightfmt.Errorf("want RSA, EC, OKP or oct, found %s", Quote(kty))
	}
}

func jwkPoint(jwk value.Value) (public Public, field string, err error) {
	crv, _ := jwk.Key("crv").Text()
	bits := 0
	for i := range curves {
		if curveName(curves[i].bits) == crv {
			bits = curves[i].bits
		}
	}
	if bits == 0 {
		return Public{}, "crv", lightfmt.Errorf("want P-256, P-384 or P-521")
	}
	size := (bits + 7) / 8
	point := append(make([]byte, 0, 1+2*size), 4) // uncompressed
	for _, name := range [...]string{"x", "y"} {
		b, err := octets(jwk, name)
		if err != nil {
			return Public{}, name, err
		}
		if len(b) != size {
			return Public{}, name, lightfmt.Errorf("%d bytes; want the %d of %s", len(b), size, crv)
		}
		point = append(point, b...)
	}
	public, err = publicPoint(bits, point)
	return public, "x", err
}

// member returns a member of a key. Some issuers write null for members that a
// key does not have.
func member(jwk value.Value, name string) value.Value {
	v := jwk.Key(name)
	if v.Kind() == value.Null {
		return value.Value{}
	}
	return v
}

// forVerifying reports whether a key may verify signatures: neither `use` nor
// `key_ops` says otherwise (RFC 7517 sections 4.2 and 4.3). SPIFFE's own use for
// keys of tokens is jwt-svid.
func forVerifying(jwk value.Value) bool {
	use := member(jwk, "use")
	if text, _ := use.Text(); use.Kind() != value.Missing && text != "sig" && text != "jwt-svid" {
		return false
	}
	ops := member(jwk, "key_ops")
	found := ops.Kind() == value.Missing
	ops.Each(func(_ string, op value.Value) bool {
		text, _ := op.Text()
		found = text == "verify"
		return !found
	})
	return found
}

// octets reads a member that is base64url of at least one byte.
func octets(jwk value.Value, name string) ([]byte, error) {
	text, ok := jwk.Key(name).Text()
	if !ok {
		return nil, lightfmt.Errorf("want a string of base64url")
	}
	b, err := DecodeBase64URL(text)
	if err == nil && len(b) == 0 {
		err = lightfmt.Errorf("empty")
	}
	return b, err
}
