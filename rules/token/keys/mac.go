package keys

import (
	"crypto/hmac"
	"hash"
	"unsafe"
)

// mac verifies HMACs with one secret. It keeps the hash's state behind the secret, which
// is a third of the work for a short text, and its memory.
type mac struct {
	mu   Mutex
	alg  *Algorithm // that hash is of
	hash hash.Hash
	sum  []byte
}

func (m *mac) verify(a *Algorithm, secret []byte, text string, sig []byte) bool {
	m.mu.Lock()
	if m.alg != a {
		m.alg, m.hash = a, newHMAC(a, secret)
	}
	m.hash.Reset()
	m.hash.Write(unsafe.Slice(unsafe.StringData(text), len(text))) // it changes nothing
	m.sum = m.hash.Sum(m.sum[:0])
	equal := hmac.Equal(sig, m.sum)
	m.mu.Unlock()
	return equal
}

func newHMAC(a *Algorithm, secret []byte) hash.Hash {
	return hmac.New(func() hash.Hash { return a.hash.New() }, secret)
}

// SignHMAC signs the text with a secret.
func SignHMAC(a *Algorithm, secret Public, text string) []byte {
	h := newHMAC(a, secret.bytes)
	h.Write([]byte(text))
	return h.Sum(nil)
}
