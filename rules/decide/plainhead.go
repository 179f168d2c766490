package decide

import (
	"slices"

	"github.com/rulegate/rulegate/rules/httpfield"
)

// plainHead is the content of headers that every server reads alike.
type plainHead struct {
	method     string
	scheme     string
	authority  string
	host       string // of the authority, without the port
	path       string // without the query
	query      string
	length     int    // content-length, if it is among seen
	credential string // of the header of tokens
	seen       parts
}

// parts are those of a head that must not come twice.
type parts uint8

const (
	methodPart parts = 1 << iota
	schemePart
	hostPart
	targetPart
	credentialPart
	lengthPart
)

// read reads headers. It reports false for those of which it does not know that every
// server reads them alike, or that have a part in deciding how. It is one function,
// because what costs here is each further one that the processor has not at hand.
func (h *plainHead) read(headers [][2]string, source string) bool {
	target := ""
	for i := range headers {
		name, value := headers[i][0], headers[i][1]
		var part parts
		switch {
		case name == source:
			part, h.credential = credentialPart, value
		case name == "":
			return false
		case name[0] != ':':
			if !isPlain(name) || hasPart(name) {
				return false
			}
			if name != "content-length" {
				continue
			}
			n, err := parseLength(value)
			if err != nil {
				return false
			}
			part, h.length = lengthPart, n
		case name == ":path":
			part, target = targetPart, value
		case name == ":method":
			part, h.method = methodPart, value
		case name == ":scheme":
			part, h.scheme = schemePart, value
		case name == ":authority":
			part, h.authority = hostPart, value
		default:
			return false
		}
		if h.seen&part != 0 {
			return false
		}
		h.seen |= part
	}
	end := len(target)
	for i := range len(target) {
		switch target[i] {
		case '#':
			return false
		case '?':
			end = min(end, i)
		}
	}
	h.path = target[:end]
	if end < len(target) {
		if h.query = target[end+1:]; namesMethod(h.query, h.method) {
			return false
		}
	}
	return h.method != "" && target != "" && h.readHost()
}

// fill makes of a plain head the one that head.read reads of the same headers.
func (h *plainHead) fill(to *head, headers [][2]string) {
	*to = head{
		method: h.method, scheme: h.scheme, host: h.authority, path: h.path, query: h.query, length: -1,
		fields: slices.Grow(to.fields[:0], len(headers)), types: to.types[:0],
	}
	if h.seen&lengthPart != 0 {
		to.length = h.length
	}
	for i := range headers {
		name := headers[i][0]
		if name[0] == ':' {
			continue
		}
		to.fields = append(to.fields, headers[i])
		switch name {
		case "content-type":
			to.types = append(to.types, headers[i][1])
		case "content-encoding":
			to.encoded = to.encoded || !httpfield.IsIdentity(headers[i][1])
		}
	}
}

// readHost cuts the port off. It reports false for a host that is not a name in lower
// case, without a point at its end.
func (h *plainHead) readHost() bool {
	label, end := 0, len(h.authority)
	for i := range len(h.authority) {
		b := h.authority[i]
		switch {
		case end < i:
			if b < '0' || b > '9' {
				return false
			}
		case b == ':':
			end = i
		case b == '.' && label > 0:
			label = 0
		case b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b == '-' || b == '_' || b == '~':
			label++
		default:
			return false
		}
	}
	h.host = h.authority[:end]
	return label > 0
}

// hasPart reports whether a field, but for content-length, has a part in how the
// request is decided.
func hasPart(name string) bool {
	switch name {
	case "host", "connection", "upgrade", "transfer-encoding", "x-http-method-override", "x-http-method", "x-method-override":
		return true
	}
	return false
}

// isPlain reports whether a name has only lower-case letters, digits and `-`, and
// begins with one of the former. Two such names are httpfield.Twins only if they are
// equal.
func isPlain(name string) bool {
	for i := range len(name) {
		if b := name[i]; (b < 'a' || b > 'z') && (b < '0' || b > '9') && (b != '-' || i == 0) {
			return false
		}
	}
	return name != ""
}
