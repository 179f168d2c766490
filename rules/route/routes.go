package route

import (
	"slices"
	"strings"
)

// Routes finds a route by host, then path, then method. The most specific host
// that has a route for the path decides.
type Routes[R any] struct {
	hosts map[string]*node[R] // by the whole name
	wild  map[string]*node[R] // by the name after the star, such as `.example.org`
	any   *node[R]            // routes without a host
	keeps bool                // some route has KeepSlash
}

// Route is a route of the policy.
type Route[R any] struct {
	Host    string   // lower case, `*.` and the end of one, or "" for all
	Methods []string // nil: every method that no other route of the same host and template lists
	Path    Template
	// KeepSlash says that a variable may hold an encoded slash, which the upstream
	// gets encoded.
	KeepSlash bool
	Place     string // of the route in the policy file
	Resource  *R
}

// node is a segment in the tree of templates. A template has one way down, so a
// search visits each node at most once.
type node[R any] struct {
	literal  map[string]*node[R]
	suffixed []suffixed[R] // variables with a suffix, the longest suffix first
	variable *node[R]
	end      *leaf[R] // routes whose template ends here
	rest     *leaf[R] // routes whose template ends here with {x...}
}

// suffixed is the node of a variable with a suffix.
type suffixed[R any] struct {
	suffix string
	node   *node[R]
}

// leaf holds the routes of one host and one shape of path.
type leaf[R any] struct{ routes []*Route[R] }

// Add adds a route. It returns the route that ties with r: both cover some
// request, and neither is more specific. Then r is not added.
func (x *Routes[R]) Add(r *Route[R]) (conflict *Route[R]) {
	at := x.root(r.Host)
	leafOf := func(n *node[R]) **leaf[R] { return &n.end }
	for _, s := range r.Path {
		if s.kind == rest {
			leafOf = func(n *node[R]) **leaf[R] { return &n.rest }
			break
		}
		at = at.down(s)
	}
	l := leafOf(at)
	if *l == nil {
		*l = &leaf[R]{}
	}
	for _, other := range (*l).routes {
		if overlap(other.Methods, r.Methods) {
			return other
		}
	}
	(*l).routes = append((*l).routes, r)
	x.keeps = x.keeps || r.KeepSlash
	return nil
}

// root returns the tree of a host, and adds it when there is none.
func (x *Routes[R]) root(host string) *node[R] {
	if host == "" {
		if x.any == nil {
			x.any = &node[R]{}
		}
		return x.any
	}
	trees := &x.hosts
	if host[0] == '*' {
		trees, host = &x.wild, host[1:]
	}
	if *trees == nil {
		*trees = map[string]*node[R]{}
	}
	if (*trees)[host] == nil {
		(*trees)[host] = &node[R]{}
	}
	return (*trees)[host]
}

// down returns the node of the next segment, and adds it when there is none.
func (n *node[R]) down(s segment) *node[R] {
	switch {
	case s.suffix != "":
		return n.behind(s.suffix)
	case s.kind == variable:
		if n.variable == nil {
			n.variable = &node[R]{}
		}
		return n.variable
	}
	if n.literal == nil {
		n.literal = map[string]*node[R]{}
	}
	below := n.literal[s.text]
	if below == nil {
		below = &node[R]{}
		n.literal[s.text] = below
	}
	return below
}

// behind returns the node of a variable with a suffix.
func (n *node[R]) behind(suffix string) *node[R] {
	for _, s := range n.suffixed {
		if s.suffix == suffix {
			return s.node
		}
	}
	// Insert, and do not sort: slices.SortFunc would be 24,000 bytes of the module's code.
	at := slices.IndexFunc(n.suffixed, func(s suffixed[R]) bool {
		return len(s.suffix) < len(suffix) || len(s.suffix) == len(suffix) && s.suffix > suffix
	})
	if at < 0 {
		at = len(n.suffixed)
	}
	below := &node[R]{}
	n.suffixed = slices.Insert(n.suffixed, at, suffixed[R]{suffix, below})
	return below
}

// overlap reports whether two lists of methods tie: they share a method, or
// both are nil. A route that lists a method wins over one that lists none.
func overlap(a, b []string) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	for _, m := range a {
		if slices.Contains(b, m) {
			return true
		}
	}
	return false
}

func (x *Routes[R]) find(method, host string, p *requestPath) (*Route[R], error) {
	l := x.leaf(host, p.segments)
	if l == nil {
		return nil, ErrNotCovered
	}
	r := l.route(method)
	if r == nil || r.Resource == nil {
		return nil, ErrMethod
	}
	if err := r.check(p); err != nil {
		return nil, err
	}
	return r, nil
}

// check fails for a path that servers may read in another way than the route does.
func (r *Route[R]) check(p *requestPath) error {
	if p.slash && !r.KeepSlash {
		return errSlash
	}
	for i, s := range r.Path {
		switch {
		case s.suffix != "":
			if err := s.check(p.segments[i], p.raw(i)); err != nil {
				return err
			}
		case s.kind == rest && p.slash && strings.Contains(strings.Join(p.segments[min(i, len(p.segments)):], ""), "/"):
			return errSlash // in the text of {x...}, nobody could tell the slashes apart
		}
	}
	return nil
}

// check fails for a text of a variable with a suffix that servers may read in other
// ways, with the suffix and without.
func (s segment) check(text, raw string) error {
	switch name := strings.TrimSuffix(text, s.suffix); {
	case !strings.HasSuffix(raw, s.suffix):
		return &PathError{"an escape in the text behind a variable"}
	case isDots(name):
		return errDots
	case strings.HasSuffix(name, " "):
		return errControl
	}
	return nil
}

// leaf returns the most specific routes for host and path: of the whole host
// name, then of the longest wildcard, then those without a host.
func (x *Routes[R]) leaf(host string, segs []string) *leaf[R] {
	if l := x.hosts[host].find(segs); l != nil {
		return l
	}
	if len(x.wild) > 0 {
		for tail := host; ; {
			i := strings.IndexByte(tail[min(1, len(tail)):], '.')
			if i < 0 {
				break
			}
			tail = tail[i+1:]
			if l := x.wild[tail].find(segs); l != nil {
				return l
			}
		}
	}
	return x.any.find(segs)
}

// find returns the most specific leaf, nil when there is none. From the left, a
// literal segment wins over a variable with a suffix, the longer suffix over the
// shorter one, and that over a variable, and a variable over {x...}.
func (n *node[R]) find(segs []string) *leaf[R] {
	if n == nil {
		return nil
	}
	if len(segs) == 0 {
		if n.end != nil {
			return n.end
		}
		return n.rest
	}
	if l := n.literal[segs[0]].find(segs[1:]); l != nil {
		return l
	}
	for _, s := range n.suffixed {
		if len(segs[0]) > len(s.suffix) && strings.HasSuffix(segs[0], s.suffix) {
			if l := s.node.find(segs[1:]); l != nil {
				return l
			}
		}
	}
	if l := n.variable.find(segs[1:]); l != nil {
		return l
	}
	return n.rest
}

// route returns the route for a method: the one that lists it, else the one
// that lists no methods, else nil.
func (l *leaf[R]) route(method string) (r *Route[R]) {
	for _, each := range l.routes {
		if each.Methods == nil {
			r = each
		} else if slices.Contains(each.Methods, method) {
			return each
		}
	}
	return r
}
