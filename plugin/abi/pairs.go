package abi

import (
	"encoding/binary"
	"errors"
	"slices"
	"unsafe"
)

// The ABI's format of a header map: the number of pairs, the lengths of each name and
// value, then the names and values, with a NUL after each. Numbers have 32 bits, the
// lowest byte first.

var errPairs = errors.New("header map: a length beyond its end")

// appendPairs reads a header map. The pairs refer to its bytes.
func appendPairs(pairs [][2]string, b []byte) ([][2]string, error) {
	if len(b) < 4 {
		return pairs, errPairs
	}
	n := uint64(binary.LittleEndian.Uint32(b))
	at := 4 + 8*n
	if at > uint64(len(b)) {
		return pairs, errPairs
	}
	if pairs == nil {
		pairs = make([][2]string, 0, n)
	}
	lengths := b[4:at]
	for ; len(lengths) >= 8; lengths = lengths[8:] {
		name := uint64(binary.LittleEndian.Uint32(lengths))
		value := uint64(binary.LittleEndian.Uint32(lengths[4:]))
		end := at + name + 1 + value + 1
		if end > uint64(len(b)) {
			return pairs, errPairs
		}
		pair := b[at:end]
		pairs = append(pairs, [2]string{text(pair[:name]), text(pair[name+1 : name+1+value])})
		at = end
	}
	return pairs, nil
}

// text returns bytes as a string, without a copy.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// encodePairs writes a header map.
func encodePairs(pairs [][2]string) []byte { return appendEncoded(nil, pairs) }

// appendEncoded writes it to the memory of b, if it is large enough.
func appendEncoded(b []byte, pairs [][2]string) []byte {
	size := 4
	for i := range pairs {
		size += 8 + len(pairs[i][0]) + 1 + len(pairs[i][1]) + 1
	}
	b = slices.Grow(b[:0], size)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(pairs)))
	for i := range pairs {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(pairs[i][0])))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(pairs[i][1])))
	}
	for i := range pairs {
		b = append(append(b, pairs[i][0]...), 0)
		b = append(append(b, pairs[i][1]...), 0)
	}
	return b
}
