package token

import (
	"strings"
	"sync/atomic"
)

// headers remembers the headers of tokens that were verified, by their text as it was
// sent: the tokens of an issuer all have the same. Only who has a key gets one in. Any
// number of goroutines may use it. A nil headers knows none.
type headers struct {
	known [4]atomic.Pointer[knownHeader]
	next  atomic.Uint32
}

type knownHeader struct {
	encoded string
	header  header
}

// maxHeader bounds the length of a header that is remembered.
const maxHeader = 512

func (h *headers) find(encoded string) (found header, ok bool) {
	if h == nil {
		return header{}, false
	}
	for i := range h.known {
		if k := h.known[i].Load(); k != nil && k.encoded == encoded {
			return k.header, true
		}
	}
	return header{}, false
}

// keep remembers the header of a token that was verified, in place of the oldest.
func (h *headers) keep(t *compact) {
	if _, found := h.find(t.encoded); found || h == nil || len(t.encoded) > maxHeader {
		return
	}
	// Clone: encoded may share the memory of a whole request.
	h.known[h.next.Add(1)%uint32(len(h.known))].Store(&knownHeader{strings.Clone(t.encoded), t.header})
}
