package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/base64"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// HostVerify is a host's own verification of a signature, in native code: hash
// is "sha256", "sha384" or "sha512", key a SubjectPublicKeyInfo in DER, signature
// what PKCS #1 v1.5 makes or, of ECDSA, an Ecdsa-Sig-Value in DER (RFC 3279,
// section 2.2.3). An error says that it cannot tell.
type HostVerify func(hash string, key, signature, text []byte) (bool, error)

// Host is a host's verification with the algorithms that it was seen to verify.
// The zero Host verifies none.
type Host struct {
	verify HostVerify
	algs   map[string]bool
}

// ProbeHost tries a host's verification with a signature that is known to be
// right and with one that is known to be wrong, for each algorithm, and takes it
// for those where it told them apart.
func ProbeHost(verify HostVerify) Host {
	h := Host{verify: verify, algs: map[string]bool{}}
	for _, k := range known {
		key, err1 := base64.StdEncoding.DecodeString(k.key)
		signature, err2 := base64.StdEncoding.DecodeString(k.signature)
		if err1 != nil || err2 != nil {
			continue
		}
		hash := hashNames[findAlgorithm(k.alg).hash]
		right, err1 := verify(hash, key, signature, []byte(knownText))
		wrong, err2 := verify(hash, key, signature, []byte(knownText+"."))
		h.algs[k.alg] = err1 == nil && err2 == nil && right && !wrong
	}
	return h
}

// Algs lists the algorithms that the host verifies, in the order of RFC 7518.
func (h Host) Algs() (names []string) {
	for i := range algorithms {
		if name := algorithms[i].name; h.algs[name] {
			names = append(names, name)
		}
	}
	return names
}

// check is verifySignature by the host; told is false where the host cannot do it.
func (h Host) check(a *algorithm, k *key, text string, sig []byte) (ok, told bool) {
	if !h.algs[a.name] || len(k.spki) == 0 || !a.fits(k.public) {
		return false, false
	}
	if public, isEC := k.public.(*ecdsa.PublicKey); isEC {
		size := (public.Curve.Params().BitSize + 7) / 8
		if len(sig) != 2*size {
			return false, true
		}
		sig = pairDER(sig[:size], sig[size:])
	}
	ok, err := h.verify(hashNames[a.hash], k.spki, sig, []byte(text))
	return ok && err == nil, err == nil
}

// pairDER writes r and s, as JWS has them (RFC 7518, section 3.4), the way that
// the rest of the world has them.
func pairDER(r, s []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(new(big.Int).SetBytes(r))
		b.AddASN1BigInt(new(big.Int).SetBytes(s))
	})
	return b.BytesOrPanic() // nothing in it can fail
}

// forHost is the key as a host takes it, nil for one that no host is asked about.
func forHost(public any) []byte {
	switch public.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey:
		if der, err := marshalSPKI(public); err == nil {
			return der
		}
	}
	return nil
}

var hashNames = map[crypto.Hash]string{crypto.SHA256: "sha256", crypto.SHA384: "sha384", crypto.SHA512: "sha512"}

// known are signatures of knownText, made for this purpose; their private keys
// were thrown away.
const (
	knownText = "rulegate"
	knownRSA  = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAsegcETasLHUYMAkZQCSkQ2LQTwPxTAXiRf5FoFDZOAtw0Ttgg3w2" +
		"KtTSzrXJhMLAo3yd4H5Xkp0TajskWosxd4eIl+jBPtNut+U+r8mgihh2M0BMSNVNl7RG6ZXv+ST367LsqUXwc7oMfr/Qyl5l" +
		"DKTV9ACOT6KHZQtJE9pRGv4LdrhQmmRe4IJzsYGsV+ExOTpejHfOs8KSLlcaUXc+guWoyABZSz4qORCT++D5DkxrQuFu+EEk" +
		"vm/DM4tZn1Muzz/t5Uee/h0H8OoSW6izAPss7GKT/tgLfI5U3ZPqkIpljPNfgg1WDM6PSpkAhiq+Zn8Gm5evAbHv+hP9IVae" +
		"zQIDAQAB"
)

var known = [...]struct{ alg, key, signature string }{
	{"RS256", knownRSA, "nnpo4aHcCV6qV+F52dmgsnSENhcpa+vEC2tvb4PctV5R+XDx1UBRE/+ko6iIq9yJ0gaqc6HVEow5ZcLsabzjN2jMK3sGOk56" +
		"t+GNlmWg1hLHkhs/+g0C4FYRSTblvKYYuhwVnLoF1+mvygQVhu05k8Em3cVzz0gNT/W4MY42CMyPIHvp0+P0jX4k5TdRGtxX" +
		"uPFyOCkUDUD2L/Eqpeq4PWGWxxJLvRVWfoxO7BiPotG/WX4eYrRNqmyfAVyx/jPFZOzNwcBkMz+ffb/cdyQ5MP1OfMjEdXtI" +
		"x6ppLSMeJXfds3mPbB1iTQvVotONHDbVdrAKOtwXtViyMZ8Ae1OXUw=="},
	{"RS384", knownRSA, "lZjihvgjnBUYPQ1gdc41+3olTAptC2G11zCRs0s4aiXEUQkex40vQFE+Vsaq0xgQYEw9nrlsV/b0gQrcsJSCaJ2cTPy1Swf2" +
		"USRJckUERdNscTqrFqGoC1USvDYa8N+zt5yO9jGXSSEPdLDy3f4IsBULX3jW4xmkc3Rvm+w0zhLsNggrXKVENaVk4RSVcx7Q" +
		"Gf+Kp9YVtIiDLTTzUWVjB61x3QY2mNjyYh3QIkOKJHVl0f+j5TAFAWX75wZPd7IT/YQid3UOnmG/6/2jSC3UEPGudt/BBCgP" +
		"AkNEinJINShdquSfPW2qgRZXhmIcrwoOIb2gOXs1noN14kY0HW2NeQ=="},
	{"RS512", knownRSA, "ZD3QE+ZzvqlE12iOgXGTSpG7QMKgUpa2i6bZKIJG7VZLJf/gM7BOEi3XXbcY8FZDduhJQ+q4d8Ng+KPstjSbhukhZbeLIgPD" +
		"wJYOKF2GxLr7QXljsgX6/2jh+cRCghFxUzgDrx3de8+y1fXbgF88FB9yr2oeow+2hFnRcwG3lu8EbrK1OIpQ+WO2vc/hd916" +
		"wQNS4dLReRTwQzkwwcmU2KoRsDpd6bCtJOjEMAdAdbeUiG7W1IZCQRxXP7y5OLrOp0zkGVV0B3O5ANECOCRu9RWu31+LGhXO" +
		"Xq+vHTNguNOX3+yq+mveUdeoN7ZHS99NnXWMGYZckPqTi0R4lIv/NQ=="},
	{"ES256", "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAESOE6fKzry1ol+TGaPQJD+e8mENcc/S8W7RjrB7TczCEd+iMXQicFU2P1D0hw" +
		"M14+3qx0elM6vMGwXL4pCV6p1w==", "MEUCIG5eYRNChyJdOZCvntqEmo0Mtfww5p+owAoIBEiAHhvoAiEA0bH413KyNGeEIgC2zrAajp3PrEjMe+6XW7JCQhf84xs="},
	{"ES384", "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEAfEB+lq13jI1YuUMWuzZfE4m4VtJ/uDIdWYrMQqQUo+HV+WNDxX4s7cnkuEE1KJU" +
		"xAuzj5/H/65lRlzdjXWRc9LiFddqYRikEFcLuS3sQG2wP3jl9MqIngXjfG3tOVzj", "MGUCMH9JMFy9axn77PF6z+/Tnw8PBLYd9o0XO/2sGCw0Ng2YI4YXckjXJ/BCkUI7NskvpAIxAN1oW+pwJEEVKwg76ZdFUxcd" +
		"WPN1nIMxaDfJMWUbu31mS4hUgnqlxxQ/6keuO0gTZQ=="},
	{"ES512", "MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQBdOO/b/MR8UqWFRVd+wMxRA5S0Hwdla74S2UylbLH0xoleivXsUZTTt4FF39Q" +
		"T3RX/6YGYJFQni/PCPj3zJViQk8BEmY6W3TzM0EiyuDx+e+rUTZac51DOQ/M6ASa4abqPGbnchVHvdBrQjU1HnRk1xdp69d1" +
		"ykxTwQPIbkBXEqkfF/M=", "MIGHAkFqcM0WsaAFMEbyybOuFgB/VggNZ0ozJfTE7T5v3qIt22o+emP96mLtOKIVc07cyXk4yKmfWtPhwvNNqmmeSMA2oQJC" +
		"AJVnEuAn7O5JUHpOOh0R0FBcD1+nK5s8Ig18bjCRYJs/ahR8rHRXGu5o0Wj0F2Si0e95K81sr6VrbmjhZu945dbO"},
}
