package keys

import (
	"bytes"
	"crypto"
)

// verifyPSS verifies by RSASSA-PSS (RFC 8017, section 8.1.2) with MGF1 and a salt of
// the same length as the hash (RFC 7518, section 3.5). Hosts of the module verify
// PKCS #1 v1.5 alone, and crypto/rsa would be 0.6 MB of the module.
func verifyPSS(h crypto.Hash, key Public, text string, sig []byte) bool {
	if len(sig) != len(key.bytes) || bytes.Compare(sig, key.bytes) >= 0 {
		return false
	}
	n := newModulus(key.bytes)
	em := n.out(n.power(n.in(sig), key.exponent), len(sig))
	if key.bits%8 == 1 { // then the message is a byte shorter than the modulus
		if em[0] != 0 {
			return false
		}
		em = em[1:]
	}
	return verifyEMSAPSS(h, digest(h, text), em, key.bits-1)
}

// verifyEMSAPSS is EMSA-PSS-VERIFY (RFC 8017, section 9.1.2).
func verifyEMSAPSS(h crypto.Hash, sum, em []byte, emBits int) bool {
	size := h.Size()
	zeros := len(em) - 2*size - 2
	if zeros < 0 || em[len(em)-1] != 0xbc {
		return false
	}
	db, seed := em[:len(em)-size-1], em[len(em)-size-1:len(em)-1]
	unused := byte(0xff) << (8 - (8*len(em) - emBits)) // bits above emBits
	if db[0]&unused != 0 {
		return false
	}
	maskMGF1(h, db, seed)
	db[0] &^= unused
	for _, b := range db[:zeros] {
		if b != 0 {
			return false
		}
	}
	if db[zeros] != 1 {
		return false
	}
	again := h.New()
	again.Write(make([]byte, 8))
	again.Write(sum)
	again.Write(db[zeros+1:]) // the salt
	return bytes.Equal(again.Sum(nil), seed)
}

// maskMGF1 adds the mask of a seed to data (RFC 8017, appendix B.2.1).
func maskMGF1(h crypto.Hash, data, seed []byte) {
	for counter := 0; len(data) > 0; counter++ {
		d := h.New()
		d.Write(seed)
		d.Write([]byte{byte(counter >> 24), byte(counter >> 16), byte(counter >> 8), byte(counter)})
		for i, b := range d.Sum(nil)[:min(h.Size(), len(data))] {
			data[i] ^= b
		}
		data = data[min(h.Size(), len(data)):]
	}
}
