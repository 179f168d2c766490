package keys

import (
	"bytes"
	"errors"
	"strconv"
)

// The tags of X.690 that keys have.
const (
	tagInteger   = 0x02
	tagBits      = 0x03
	tagNull      = 0x05
	tagOID       = 0x06
	tagSequence  = 0x30
	tagContext0  = 0xa0
	maxDERLength = 1 << 24
)

// Object identifiers, as DER has them.
const (
	oidRSA     = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01" // 1.2.840.113549.1.1.1
	oidEC      = "\x2a\x86\x48\xce\x3d\x02\x01"         // 1.2.840.10045.2.1
	oidEd25519 = "\x2b\x65\x70"                         // 1.3.101.112
	oidP256    = "\x2a\x86\x48\xce\x3d\x03\x01\x07"     // 1.2.840.10045.3.1.7
	oidP384    = "\x2b\x81\x04\x00\x22"                 // 1.3.132.0.34
	oidP521    = "\x2b\x81\x04\x00\x23"                 // 1.3.132.0.35
)

var errDER = errors.New("not the DER that its PEM block promises")

// der is DER (X.690) that is read from its start.
type der []byte

// next reads an element: with its tag and length, and without.
func (d *der) next() (tag byte, whole, content der, ok bool) {
	in := *d
	if len(in) < 2 || in[0]&0x1f == 0x1f { // tags of more than one byte
		return 0, nil, nil, false
	}
	head, size := 2, int(in[1])
	if size >= 0x80 {
		head += size & 0x7f
		if head == 2 || head > 2+4 || len(in) < head {
			return 0, nil, nil, false
		}
		size = 0
		for _, b := range in[2:head] {
			size = size<<8 | int(b)
		}
		// DER has the shortest form of each length.
		if size < 0x80 || in[2] == 0 || size > maxDERLength {
			return 0, nil, nil, false
		}
	}
	if len(in)-head < size {
		return 0, nil, nil, false
	}
	*d = in[head+size:]
	return in[0], in[:head+size], in[head : head+size], true
}

// read reads an element with this tag.
func (d *der) read(tag byte) (content der, ok bool) {
	before := *d
	found, _, content, ok := d.next()
	if !ok || found != tag {
		*d = before
		return nil, false
	}
	return content, true
}

// skip reads over elements with these tags.
func (d *der) skip(tags ...byte) bool {
	for _, tag := range tags {
		if _, ok := d.read(tag); !ok {
			return false
		}
	}
	return true
}

// only reads an element with this tag, after which there is nothing.
func (d der) only(tag byte) (content der, ok bool) {
	content, ok = d.read(tag)
	return content, ok && len(d) == 0
}

// integer reads an integer that is not negative.
func (d *der) integer() (number []byte, ok bool) {
	b, ok := d.read(tagInteger)
	if !ok || len(b) == 0 || b[0]&0x80 != 0 || len(b) > 1 && b[0] == 0 && b[1]&0x80 == 0 {
		return nil, false
	}
	return bytes.TrimLeft(b, "\x00"), true
}

// bits reads a bit string of whole bytes.
func (d *der) bits() (content []byte, ok bool) {
	b, ok := d.read(tagBits)
	if !ok || len(b) == 0 || b[0] != 0 {
		return nil, false
	}
	return b[1:], true
}

// dotted spells an object identifier: 1.2.840.10045.2.1.
func dotted(oid []byte) string {
	var out []byte
	n := 0
	for i, b := range oid {
		if n > 1<<48 {
			return "of unknown numbers"
		}
		n = n<<7 | int(b&0x7f)
		if b&0x80 != 0 {
			continue
		}
		if len(out) == 0 {
			first := min(n/40, 2)
			out = append(strconv.AppendInt(out, int64(first), 10), '.')
			n -= 40 * first
		}
		out = strconv.AppendInt(out, int64(n), 10)
		if n = 0; i < len(oid)-1 {
			out = append(out, '.')
		}
	}
	return string(out)
}

// tlv writes an element.
func tlv(tag byte, contents ...[]byte) []byte {
	content := bytes.Join(contents, nil)
	return append(appendTag(nil, tag, len(content)), content...)
}

// appendTag appends the tag and the length of an element.
func appendTag(out []byte, tag byte, n int) []byte {
	switch {
	case n < 0x80:
		return append(out, tag, byte(n))
	case n < 0x100:
		return append(out, tag, 0x81, byte(n))
	}
	return append(out, tag, 0x82, byte(n>>8), byte(n))
}

var derNull = []byte{tagNull, 0}

// derInteger writes a big-endian number that is not negative.
func derInteger(number []byte) []byte { return appendInteger(nil, number) }

func appendInteger(out, number []byte) []byte {
	number = bytes.TrimLeft(number, "\x00")
	if len(number) == 0 || number[0]&0x80 != 0 {
		return append(append(appendTag(out, tagInteger, len(number)+1), 0), number...)
	}
	return append(appendTag(out, tagInteger, len(number)), number...)
}

// integerSize returns the length of what appendInteger appends for an r or s.
func integerSize(number []byte) int {
	number = bytes.TrimLeft(number, "\x00")
	if len(number) == 0 || number[0]&0x80 != 0 {
		return 3 + len(number)
	}
	return 2 + len(number)
}

// spki writes a SubjectPublicKeyInfo: RFC 3279 section 2.3, RFC 5480 and RFC 8410.
func spki(algorithm string, params, key []byte) []byte {
	return tlv(tagSequence,
		tlv(tagSequence, tlv(tagOID, []byte(algorithm)), params),
		tlv(tagBits, []byte{0}, key))
}
