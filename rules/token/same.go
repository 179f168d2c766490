package token

import (
	"encoding/binary"
	"unsafe"
)

// endLength is the length of the ends of tokens that tell them apart: 192 bits of a
// signature.
const endLength = 32

// end returns the end of a token.
func end(raw string) string { return raw[max(0, len(raw)-endLength):] }

// same reports whether two texts are equal, by eight bytes at a time. In wasm it takes
// a third of the time of ==, which compares bytes.
func same(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	x, y := unsafe.Slice(unsafe.StringData(a), len(a)), unsafe.Slice(unsafe.StringData(b), len(b))
	for len(x) >= 8 && len(y) >= 8 {
		if binary.LittleEndian.Uint64(x) != binary.LittleEndian.Uint64(y) {
			return false
		}
		x, y = x[8:], y[8:]
	}
	return string(x) == string(y)
}
