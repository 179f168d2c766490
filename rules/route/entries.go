package route

import (
	"iter"
	"maps"
	"slices"
	"strings"
)

// Entry is a route as a list has it in which the first match decides.
type Entry[R any] struct {
	Host    string   // as Route.Host
	Methods []string // nil: all
	Path    Template
	// Resource decides the requests; of an Unlisted entry, it is one of the same
	// host and path. Nil: a section of the API decides.
	Resource *R
	// Unlisted says that the entry is for the methods that no route of its host and
	// path lists. They are denied.
	Unlisted bool
}

// Entries returns the sections of the API and the routes in their order of
// precedence: the first entry that matches a request decides it in Find.
func (t *Table[R]) Entries() (out []Entry[R]) {
	for _, section := range [...]string{"services", "crud", "files", "eventing"} {
		var path Template
		for _, s := range append(slices.Clone(t.API.Base), section) {
			path = append(path, segment{kind: literal, text: s})
		}
		path = append(path, segment{kind: rest, text: "rest"})
		if t.API.Decides(path) != "" {
			out = append(out, Entry[R]{Path: path})
		}
	}
	for l := range t.Routes.leaves() {
		out = append(out, l.entries()...)
	}
	return out
}

// leaves yields the routes, the most specific first: the first leaf whose host and
// path fit a request has the route that decides it.
func (x *Routes[R]) leaves() iter.Seq[*leaf[R]] {
	return func(yield func(*leaf[R]) bool) {
		for _, host := range slices.Sorted(maps.Keys(x.hosts)) {
			if !x.hosts[host].leaves(yield) {
				return
			}
		}
		wild := slices.SortedFunc(maps.Keys(x.wild), func(a, b string) int {
			if len(a) != len(b) {
				return len(b) - len(a)
			}
			return strings.Compare(a, b)
		})
		for _, host := range wild {
			if !x.wild[host].leaves(yield) {
				return
			}
		}
		x.any.leaves(yield)
	}
}

func (n *node[R]) leaves(yield func(*leaf[R]) bool) bool {
	if n == nil {
		return true
	}
	if n.end != nil && !yield(n.end) {
		return false
	}
	for _, text := range slices.Sorted(maps.Keys(n.literal)) {
		if !n.literal[text].leaves(yield) {
			return false
		}
	}
	for _, s := range n.suffixed {
		if !s.node.leaves(yield) {
			return false
		}
	}
	return n.variable.leaves(yield) && (n.rest == nil || yield(n.rest))
}

// entries returns the routes of a leaf: first those that list methods.
func (l *leaf[R]) entries() (out []Entry[R]) {
	first := l.routes[0]
	last := Entry[R]{Host: first.Host, Path: first.Path, Resource: first.Resource, Unlisted: true}
	for _, r := range l.routes {
		if r.Methods == nil {
			last = Entry[R]{Host: r.Host, Path: r.Path, Resource: r.Resource}
			continue
		}
		out = append(out, Entry[R]{Host: r.Host, Methods: r.Methods, Path: r.Path, Resource: r.Resource})
	}
	return append(out, last)
}

// Overlaps reports whether some request may match both entries.
func (e *Entry[R]) Overlaps(o *Entry[R]) bool {
	return hostsOverlap(e.Host, o.Host) && e.Path.Overlaps(o.Path)
}

func hostsOverlap(a, b string) bool {
	endA, wildA := strings.CutPrefix(a, "*")
	endB, wildB := strings.CutPrefix(b, "*")
	switch {
	case a == "" || b == "" || a == b:
		return true
	case wildA && wildB:
		return strings.HasSuffix(endA, endB) || strings.HasSuffix(endB, endA)
	case wildA:
		return strings.HasSuffix(b, endA)
	case wildB:
		return strings.HasSuffix(a, endB)
	}
	return false
}

// Overlaps reports whether some path is one of both templates.
func (t Template) Overlaps(o Template) bool {
	for i := 0; ; i++ {
		switch {
		case i < len(t) && t[i].kind == rest, i < len(o) && o[i].kind == rest:
			return true
		case i == len(t) || i == len(o):
			return len(t) == len(o)
		case !t[i].overlaps(o[i]):
			return false
		}
	}
}

func (s segment) overlaps(o segment) bool {
	switch {
	case o.kind == literal:
		return s.fits(o.text)
	case s.kind == literal:
		return o.fits(s.text)
	}
	return strings.HasSuffix(s.suffix, o.suffix) || strings.HasSuffix(o.suffix, s.suffix)
}

// Regexp returns a regular expression, in the syntax that Go and RE2 share, for the
// whole of a path that a proxy has normalized, without its query.
func (t Template) Regexp() string {
	var b strings.Builder
	for _, s := range t {
		switch s.kind {
		case rest:
			b.WriteString("(?:/.*)?")
			return b.String()
		case variable:
			b.WriteString("/[^/]+" + quote(s.suffix))
		case literal:
			b.WriteByte('/')
			writeLiteral(&b, s.text)
		}
	}
	if len(t) == 0 {
		return "/"
	}
	return b.String() + "/?" // a slash at the end has no meaning
}

// writeLiteral writes an expression for a text, of which a path may escape all but
// the unreserved characters (RFC 3986, section 2.3): the proxy decodes those.
func writeLiteral(b *strings.Builder, text string) {
	const hex = "0123456789ABCDEF"
	digit := func(d byte) string {
		if d := hex[d]; d >= 'A' {
			return "[" + string(d) + string(d|0x20) + "]"
		}
		return string(hex[d])
	}
	for i := range len(text) {
		c := text[i]
		escaped := "%" + digit(c>>4) + digit(c&15)
		switch {
		case isUnreserved(c):
			b.WriteString(quote(string(c)))
		case c >= 0x80 || c == ' ':
			b.WriteString(escaped)
		default:
			b.WriteString("(?:" + quote(string(c)) + "|" + escaped + ")")
		}
	}
}

// HostRegexp returns a regular expression for the authorities that a route's host
// covers, with a port or without; "" for all.
func HostRegexp(host string) string {
	const end = `\.?(?::[0-9]*)?`
	switch tail, wild := strings.CutPrefix(host, "*"); {
	case host == "":
		return ""
	case wild:
		return `(?i)[^:\[\]]+` + quote(tail) + end
	}
	return `(?i)` + quote(host) + end
}

// quote escapes all but letters and digits. Package regexp would be part of the
// module.
func quote(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c >= 0x80 || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' {
			b.WriteByte(c)
		} else {
			b.WriteString(`\` + string(c))
		}
	}
	return b.String()
}
