package decide

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/policy"
)

// head is what a request's headers say.
type head struct {
	method, scheme, host string
	path                 string // as sent, without the query
	query                string // as sent, without the question mark

	fields [][2]string // all but the pseudo-headers; names in lower case

	types    []string // every content-type
	encoded  bool     // a content-encoding is there
	chunked  bool     // a transfer-encoding is there
	upgrade  bool     // to another protocol, whose bytes have no end
	named    string   // the host field, which a proxy makes :authority of
	methods  []string // every method that a field says the request has
	length   int      // content-length; -1: none
	badField string   // why the headers cannot be read, "" when they can
}

// pseudo are the pseudo-headers of a request (RFC 9113, section 8.3.1).
var pseudo = [...]string{":method", ":scheme", ":authority", ":path"}

// readHead sorts the pairs. Envoy has refused most of what is refused here; the
// gate relies on no proxy for it.
func readHead(pairs [][2]string) *head {
	h := &head{length: -1, fields: make([][2]string, 0, len(pairs))}
	var target string
	var seen [4]bool
	for _, p := range pairs {
		name, value := strings.ToLower(p[0]), p[1]
		if !strings.HasPrefix(name, ":") {
			h.fields = append(h.fields, [2]string{name, value})
			h.framing(name, value)
			continue
		}
		i := slices.Index(pseudo[:], name)
		if i < 0 {
			// Of an extended CONNECT (RFC 8441), which upgrades in HTTP/2.
			h.upgrade = h.upgrade || name == ":protocol"
			continue
		}
		if seen[i] {
			h.badField = "repeated " + name
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
	if fault := h.contradiction(target); fault != "" {
		h.badField = fault
	}
	return h
}

// contradiction says which of the request's parts would let two servers read two
// requests, "" when none does.
func (h *head) contradiction(target string) string {
	for _, m := range h.methods {
		if !sameMethod(m, h.method) {
			return otherMethod
		}
	}
	switch {
	case h.method == "" || target == "":
		return "no method or no path"
	case !httpfield.IsAuthority(h.host) || h.named != "" && !strings.EqualFold(h.named, h.host):
		return "the host"
	case h.chunked && h.length >= 0:
		return "a content-length beside a transfer-encoding" // RFC 9112, section 6.3
	case h.queryNamesMethod():
		return otherMethod
	case strings.Contains(target, "#"):
		return "a fragment in the path" // RFC 9112, section 3.2: never sent
	}
	return ""
}

// framing keeps what tells how the body is to be read.
func (h *head) framing(name, value string) {
	switch name {
	case "content-type":
		h.types = append(h.types, value)
	case "content-encoding":
		h.encoded = true
	case "transfer-encoding":
		h.chunked = true
	case "upgrade":
		h.upgrade = h.upgrade || value != ""
	case "host":
		if h.named != "" && h.named != value {
			h.badField = "two hosts"
		}
		h.named = value
	case "content-length":
		n, ok := parseLength(value)
		if !ok || h.length >= 0 && h.length != n {
			h.badField = "content-length"
			return
		}
		h.length = n
	default:
		if strings.Contains(name, "method") && overrides[httpfield.Fold(name)] {
			h.methods = append(h.methods, value)
		}
	}
}

// parseLength reads a content-length.
func parseLength(s string) (n int, ok bool) {
	u, err := strconv.ParseUint(s, 10, 50)
	return int(u), err == nil
}

// values lists what the fields called name (in lower case) hold.
func (h *head) values(name string) []string {
	var out []string
	for _, f := range h.fields {
		if f[0] == name {
			out = append(out, f[1])
		}
	}
	return out
}

// strip takes the fields away that only the policy may set, with their twins:
// CGI and what imitates it fold `_` and `-` into one (RFC 3875, section 4.1.18).
// It returns their names.
func (h *head) strip(r *policy.Resource) (removed []string) {
	if len(r.Strip) == 0 {
		return nil
	}
	kept := h.fields[:0:0]
	for _, f := range h.fields {
		if reserved(r.Strip, f[0]) {
			removed = appendNew(removed, f[0])
		} else {
			kept = append(kept, f)
		}
	}
	h.fields = kept
	return removed
}

// reserved says whether name is one of the names, or the twin of one.
func reserved(names []string, name string) bool {
	name = httpfield.Fold(name)
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

func appendNew(list []string, s string) []string {
	for _, x := range list {
		if x == s {
			return list
		}
	}
	return append(list, s)
}

// value is the first value of a field, "" when there is none.
func (h *head) value(name string) string {
	for _, f := range h.fields {
		if f[0] == name {
			return f[1]
		}
	}
	return ""
}
