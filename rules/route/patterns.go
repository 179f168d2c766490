package route

import (
	"maps"
	"slices"
	"strings"
)

// Pattern is a set of requests that an entry of a Table stands for. The entries
// that are more specific decide some of them.
type Pattern struct {
	Host    string   // lower case, `*.` and the end of one, or "" for all
	Methods []string // nil: all
	Path    Template
	API     bool   // it belongs to a section of the API
	Event   string // the type that the body names; "": it is no event
}

// Patterns lists the patterns of all entries, for tools that look for the requests
// of a policy. A section of the API has its entries' exact paths.
func (t *Table[R]) Patterns() (out []Pattern) {
	for r := range t.Routes.all() {
		out = append(out, Pattern{Host: r.Host, Methods: r.Methods, Path: r.Path})
	}
	return append(out, t.API.patterns()...)
}

func (x *API[R]) patterns() (out []Pattern) {
	post := []string{"POST"}
	below := func(methods []string, path Template, segments ...string) {
		var t Template
		for _, s := range append(slices.Clone(x.Base), segments...) {
			t = append(t, segment{kind: literal, text: s})
		}
		out = append(out, Pattern{Methods: methods, Path: append(t, path...), API: true})
	}
	for _, service := range slices.Sorted(maps.Keys(x.Services)) {
		for _, endpoint := range slices.Sorted(maps.Keys(x.Services[service])) {
			below(post, nil, "services", service, endpoint)
		}
	}
	for _, db := range slices.Sorted(maps.Keys(x.Databases)) {
		for _, col := range slices.Sorted(maps.Keys(x.Databases[db])) {
			for _, op := range slices.Sorted(maps.Keys(x.Databases[db][col])) {
				if col == Default {
					below(post, Template{{kind: variable, text: "collection"}, {kind: literal, text: op}}, "crud", db)
				}
				below(post, nil, "crud", db, col, op)
			}
		}
	}
	for _, db := range slices.Sorted(maps.Keys(x.Queries)) {
		for _, name := range slices.Sorted(maps.Keys(x.Queries[db])) {
			if name == Default {
				below(post, Template{{kind: variable, text: "query"}}, "crud", db, PreparedQueries)
			}
			below(post, nil, "crud", db, PreparedQueries, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(x.Events)) {
		below(post, nil, "eventing", "queue")
		out[len(out)-1].Event = name
	}
	for _, p := range x.Files.prefixes(nil) {
		below([]string{"GET", "POST", "DELETE"}, append(slices.Clone(p.Path), segment{kind: rest, text: "rest"}), "files")
	}
	return out
}

func (n *Files[R]) prefixes(out []*Prefix[R]) []*Prefix[R] {
	if n == nil {
		return out
	}
	if n.prefix != nil {
		out = append(out, n.prefix)
	}
	for _, text := range slices.Sorted(maps.Keys(n.literal)) {
		out = n.literal[text].prefixes(out)
	}
	return n.variable.prefixes(out)
}

// Literal returns the text that the i-th segment of every path has, "" where paths
// differ or end.
func (t Template) Literal(i int) string {
	if i < len(t) && t[i].kind == literal {
		return t[i].text
	}
	return ""
}

// Suffix returns the text behind the variable of the i-th segment, "" for none.
func (t Template) Suffix(i int) string {
	if i < len(t) {
		return t[i].suffix
	}
	return ""
}

// Fits reports whether a path of the template may have the text as its i-th
// segment.
func (t Template) Fits(i int, text string) bool {
	switch {
	case len(t) > 0 && t[len(t)-1].kind == rest && i >= len(t)-1:
		return true
	case i >= len(t):
		return false
	}
	return t[i].fits(text)
}

// Ends reports whether a path of the template may have n segments.
func (t Template) Ends(n int) bool {
	if len(t) > 0 && t[len(t)-1].kind == rest {
		return n >= len(t)-1
	}
	return n == len(t)
}

// Covered reports whether a pattern's host covers a request's, which is in lower
// case and has no port.
func (p Pattern) Covered(host string) bool {
	end, wild := strings.CutPrefix(p.Host, "*")
	if wild {
		return len(host) > len(end) && strings.HasSuffix(host, end)
	}
	return p.Host == "" || p.Host == host
}
