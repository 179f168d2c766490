package token

import (
	"strings"

	"github.com/rulegate/rulegate/rules/token/keys"
)

// headers remembers the headers of tokens that were verified, by their text as it was
// sent: the tokens of an issuer all have the same. Only who has a key gets one in. Any
// number of goroutines may use it. A nil headers knows none.
type headers struct {
	mu    keys.Mutex
	known [4]knownHeader
	next  int
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
	h.mu.Lock()
	for i := range h.known {
		if k := &h.known[i]; same(k.encoded, encoded) && encoded != "" {
			found, ok = k.header, true
			break
		}
	}
	h.mu.Unlock()
	return found, ok
}

// keep remembers the header of a token that was verified, in place of the oldest.
func (h *headers) keep(t *compact) {
	if t.known || h == nil || len(t.encoded) > maxHeader {
		return
	}
	// Clone: encoded may share the memory of a whole request.
	k := knownHeader{strings.Clone(t.encoded), t.header}
	h.mu.Lock()
	h.known[h.next], h.next = k, (h.next+1)%len(h.known)
	h.mu.Unlock()
}
