package policy

import (
	"strings"
)

// routeIndex finds routes: the most specific host that has a match for the
// path, then the path segment by segment, then the method.
type routeIndex struct {
	hosts map[string]*node // exact
	wild  map[string]*node // by what follows the star, with its dot
	any   *node
}

// node is a place in the tree of templates. A template has one way down, so a
// search sees each node at most once.
type node struct {
	literal  map[string]*node
	variable *node
	end      *leaf // templates that end here
	rest     *leaf // templates that go on with {x...}
}

// leaf are the routes of one host and shape of path.
type leaf struct{ routes []*route }

type route struct {
	place    string
	methods  []string // nil: all that no other route of the leaf lists
	captures []capture
	resource *Resource
}

// add files a route. The other one that covers some of the same requests, and
// is no less specific, is a conflict.
func (x *routeIndex) add(host string, segs []segment, r *route) (conflict *route) {
	root := &x.any
	if host != "" {
		byName := &x.hosts
		if host[0] == '*' {
			byName, host = &x.wild, host[1:]
		}
		if *byName == nil {
			*byName = map[string]*node{}
		}
		n := (*byName)[host]
		if n == nil {
			n = &node{}
			(*byName)[host] = n
		}
		root = &n
	}
	if *root == nil {
		*root = &node{}
	}
	at, ending := *root, segment{}
	for _, s := range segs {
		if s.kind == rest {
			ending = s
			break
		}
		at = at.down(s)
	}
	l := &at.end
	if ending.kind == rest {
		l = &at.rest
	}
	if *l == nil {
		*l = &leaf{}
	}
	for _, other := range (*l).routes {
		if overlap(other.methods, r.methods) {
			return other
		}
	}
	(*l).routes = append((*l).routes, r)
	return nil
}

// down is the node below, made if need be.
func (n *node) down(s segment) *node {
	if s.kind == variable {
		if n.variable == nil {
			n.variable = &node{}
		}
		return n.variable
	}
	if n.literal == nil {
		n.literal = map[string]*node{}
	}
	below := n.literal[s.text]
	if below == nil {
		below = &node{}
		n.literal[s.text] = below
	}
	return below
}

// overlap says whether two lists of methods tie somewhere; one that lists a
// method beats one that lists none.
func overlap(a, b []string) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	for _, m := range a {
		if contains(b, m) {
			return true
		}
	}
	return false
}

func (x *routeIndex) find(host string, segs []string) *leaf {
	if n := x.hosts[host]; n != nil {
		if l := n.find(segs); l != nil {
			return l
		}
	}
	if len(x.wild) > 0 {
		for tail := host; ; {
			i := strings.IndexByte(tail[min(1, len(tail)):], '.')
			if i < 0 {
				break
			}
			tail = tail[i+1:]
			if n := x.wild[tail]; n != nil {
				if l := n.find(segs); l != nil {
					return l
				}
			}
		}
	}
	if x.any == nil {
		return nil
	}
	return x.any.find(segs)
}

// find is the most specific leaf: a literal segment before a variable one
// before {x...}, from the left.
func (n *node) find(segs []string) *leaf {
	if len(segs) == 0 {
		if n.end != nil {
			return n.end
		}
		return n.rest
	}
	if below := n.literal[segs[0]]; below != nil {
		if l := below.find(segs[1:]); l != nil {
			return l
		}
	}
	if n.variable != nil {
		if l := n.variable.find(segs[1:]); l != nil {
			return l
		}
	}
	return n.rest
}

// route is the one for a method, nil when none lists it.
func (l *leaf) route(method string) (found *route) {
	for _, r := range l.routes {
		if r.methods == nil {
			found = r
		} else if contains(r.methods, method) {
			return r
		}
	}
	return found
}
