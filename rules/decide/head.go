package decide

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/policy"
)

// head is the content of a request's headers.
type head struct {
	method, scheme, host string
	path                 string // as sent, without the query
	query                string // as sent, without the question mark

	fields [][2]string // all but the pseudo-headers; names in lower case

	types     []string // of content-type
	encoded   bool     // there is a content-encoding
	chunked   bool     // there is a transfer-encoding
	upgrade   bool     // to another protocol, whose bytes have no end
	websocket bool     // it is a WebSocket
	hostField string   // the field host; a proxy makes :authority of it
	options   []string // the values of connection
	methods   []string // the methods that override fields name
	length    int      // content-length; -1: none
}

// pseudo are the pseudo-headers of a request (RFC 9113, section 8.3.1).
var pseudo = [...]string{":method", ":scheme", ":authority", ":path"}

// read sorts the headers. It fails where two servers could read two requests.
// Envoy refuses most of those itself, but the engine relies on no proxy.
func (h *head) read(headers [][2]string) (err error) {
	*h = head{length: -1, fields: slices.Grow(h.fields[:0], len(headers)), types: h.types[:0]}
	var target string
	var seen [len(pseudo)]bool
	for _, f := range headers {
		name, value := strings.ToLower(f[0]), f[1]
		if !strings.HasPrefix(name, ":") {
			h.fields = append(h.fields, [2]string{name, value})
			if e := h.readField(name, value); e != nil {
				err = e
			}
			continue
		}
		i := slices.Index(pseudo[:], name)
		if i < 0 {
			// An extended CONNECT (RFC 8441) upgrades in HTTP/2.
			h.upgrade = h.upgrade || name == ":protocol"
			continue
		}
		if seen[i] {
			err = errors.New("repeated " + name)
		}
		seen[i] = true
		switch name {
		case ":method":
			h.method = value
		case ":scheme":
			h.scheme = value
		case ":authority":
			h.host = strings.ToLower(value)
		case ":path":
			target = value
		}
	}
	h.path, h.query, _ = strings.Cut(target, "?")
	if e := h.contradiction(target); e != nil {
		return e
	}
	return err
}

// readField keeps the fields that the engine itself needs.
func (h *head) readField(name, value string) error {
	switch name {
	case "content-type":
		h.types = append(h.types, value)
	case "connection":
		h.options = append(h.options, value)
	case "content-encoding":
		h.encoded = h.encoded || !httpfield.IsIdentity(value)
	case "transfer-encoding":
		h.chunked = true
	case "upgrade":
		h.upgrade = h.upgrade || value != ""
		h.websocket = h.websocket || strings.EqualFold(httpfield.TrimSpace(value), "websocket")
	case "host":
		two := h.hostField != "" && h.hostField != value
		h.hostField = value
		if two {
			return errors.New("two different hosts")
		}
	case "content-length":
		n, err := parseLength(value)
		if err != nil || h.length >= 0 && h.length != n {
			return errLength
		}
		h.length = n
	default:
		if overridesMethod(name) {
			h.methods = append(h.methods, value)
		}
	}
	return nil
}

var errLength = errors.New("a malformed or second content-length")

// parseLength reads a content-length.
func parseLength(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 50)
	return int(n), err
}

// contradiction fails if parts of the head do not fit together.
func (h *head) contradiction(target string) error {
	for _, m := range h.methods {
		if !sameMethod(m, h.method) {
			return errOtherMethod
		}
	}
	switch {
	case h.method == "" || target == "":
		return errors.New("no method or no path")
	case !httpfield.IsAuthority(h.host) || h.hostField != "" && !strings.EqualFold(h.hostField, h.host):
		return errors.New("a host that servers could read differently")
	case h.chunked && h.length >= 0:
		return errors.New("a content-length beside a transfer-encoding") // RFC 9112, section 6.3
	case h.websocket && (h.chunked || h.length > 0):
		return errors.New("a body in a request that opens a WebSocket, whose bytes begin behind it") // RFC 6455, section 4.1
	case namesMethod(h.query, h.method):
		return errOtherMethod
	case strings.Contains(target, "#"):
		return errors.New("a fragment in the path") // RFC 9112, section 3.2: never sent
	}
	return nil
}

// value returns the first value of a field, whose name is in lower case, or "".
func (h *head) value(name string) string {
	for _, f := range h.fields {
		if f[0] == name {
			return f[1]
		}
	}
	return ""
}

// count returns how many fields of a name, in lower case, there are, and the value
// of the first.
func (h *head) count(name string) (first string, n int) {
	for i := range h.fields {
		if f := &h.fields[i]; f[0] == name {
			if n == 0 {
				first = f[1]
			}
			n++
		}
	}
	return first, n
}

// values returns all values of a field, whose name is in lower case.
func (h *head) values(name string) []string {
	var out []string
	for _, f := range h.fields {
		if f[0] == name {
			out = append(out, f[1])
		}
	}
	return out
}

// hasAlias reports whether servers could take another field for this one.
func (h *head) hasAlias(name string) bool {
	for i := range h.fields {
		if f := &h.fields[i]; f[0] != name && httpfield.Twins(f[0], name) {
			return true
		}
	}
	return false
}

// aliases returns the names of other fields that servers could take for this one.
func (h *head) aliases(name string) (names []string) {
	for _, f := range h.fields {
		if f[0] != name && httpfield.Twins(f[0], name) {
			names = appendNew(names, f[0])
		}
	}
	return names
}

// removeReserved removes the fields that only the policy may set, and those that a
// server could take for one of them, for one that the rules read, or for a proxy's. It
// returns their names.
//
// Where the rules read the body, so are the fields that a server could take for one
// that says how the body is read.
func (h *head) removeReserved(r *policy.Resource, body bool) (removed []string) {
	for i := range h.fields {
		name := h.fields[i][0]
		marked := hasMark(name)
		if isReserved(r, name) || h.isTwin(r, i) || marked && (hasTwin(proxyFields[:], name) || body && hasTwin(framing[:], name)) {
			removed = appendNew(removed, name)
		}
	}
	if len(removed) > 0 {
		h.fields = slices.DeleteFunc(h.fields, func(f [2]string) bool { return slices.Contains(removed, f[0]) })
	}
	return removed
}

// proxyFields are those by which a proxy tells about the client's request. A proxy
// removes or writes them under these names alone; under others a client has sent them.
var proxyFields = [...]string{
	"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-prefix", "x-forwarded-proto",
	"x-forwarded-client-cert", "x-real-ip", "x-original-url", "x-rewrite-url",
}

// framing says where a body ends, and how it is read. CGI has Content_Type under the
// name of Content-Type, and so do some servers of Rack.
var framing = [...]string{"content-type", "content-encoding", "content-length", "transfer-encoding"}

// isTwin reports whether a server could take a field for another one that the
// rules read. If they may read every field, the field with other marks than `-` is
// the twin.
func (h *head) isTwin(r *policy.Resource, i int) bool {
	name := h.fields[i][0]
	if slices.Contains(r.Headers.List, name) {
		return false
	}
	if hasTwin(r.Headers.List, name) {
		return true
	}
	return r.Headers.All && hasMark(name) && h.hasAlias(name)
}

// checkConnection refuses a request whose field connection names a header that the
// policy sets or reads: the next proxy would drop it (RFC 9110, section 7.6.1).
func (r *Request) checkConnection() *Refusal {
	for _, line := range r.head.options {
		for option := range strings.SplitSeq(line, ",") {
			option = httpfield.TrimSpace(option)
			if isReserved(r.resource, option) || hasTwin(r.resource.Headers.List, option) || r.isTokenHeader(option) {
				return malformed("connection names a header of the policy")
			}
		}
	}
	return nil
}

// isTokenHeader reports whether a token, or an API key, may come in the header.
func (r *Request) isTokenHeader(name string) bool {
	for _, src := range r.engine.policy.Sources {
		if src.Header != "" && httpfield.Twins(name, src.Header) || src.Cookie != "" && strings.EqualFold(name, "cookie") {
			return true
		}
	}
	return false
}

// hasMark reports whether a field's name has marks other than `-`.
func hasMark(name string) bool {
	for i := range len(name) {
		if b := name[i]; b != '-' && (b < 'a' || b > 'z') && (b < '0' || b > '9') {
			return true
		}
	}
	return false
}

func hasTwin(names []string, name string) bool {
	for _, n := range names {
		if httpfield.Twins(n, name) {
			return true
		}
	}
	return false
}

// Reserved returns the names of those trailers of a request that servers could
// merge into headers that only the policy or a proxy may set, or that the rules read
// (RFC 9110, section 6.5.1).
func Reserved(r *policy.Resource, trailers [][2]string) (names []string) {
	for _, f := range trailers {
		if name := strings.ToLower(f[0]); isReserved(r, name) || hasTwin(r.Headers.List, name) || hasTwin(proxyFields[:], name) {
			names = appendNew(names, f[0])
		}
	}
	return names
}

func isReserved(r *policy.Resource, name string) bool { return hasTwin(r.Reserved, name) }

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
