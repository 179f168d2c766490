package candidate

import "crypto/rand"

// Tape holds random bytes, which both policies read from the beginning: two equal rules
// that encrypt make equal texts. Nothing of the candidate is sent, so no nonce is used
// twice.
type Tape struct{ bytes []byte }

// Reader reads a tape.
type Reader struct {
	Tape *Tape
	at   int
}

// Read implements io.Reader. It fills p.
func (r *Reader) Read(p []byte) (int, error) {
	for len(r.Tape.bytes) < r.at+len(p) {
		var more [16]byte
		_, _ = rand.Read(more[:]) // it never fails
		r.Tape.bytes = append(r.Tape.bytes, more[:]...)
	}
	r.at += copy(p, r.Tape.bytes[r.at:])
	return len(p), nil
}
