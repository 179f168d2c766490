package route

// Files finds the resource of a request for a file: the longest prefix decides.
// It is the root of a tree of path segments.
type Files[R any] struct {
	literal  map[string]*Files[R]
	variable *Files[R]
	prefix   *Prefix[R] // that ends here, nil when none does
}

// Prefix is an entry of the policy's `files`.
type Prefix[R any] struct {
	Path       Template
	Place      string        // of the entry in the policy file
	Operations map[string]*R // by read, create and delete
}

// Add adds a prefix. It returns the prefix that covers the same paths already;
// then p is not added.
func (n *Files[R]) Add(p *Prefix[R]) (conflict *Prefix[R]) {
	for _, s := range p.Path {
		n = n.down(s)
	}
	if n.prefix != nil {
		return n.prefix
	}
	n.prefix = p
	return nil
}

// down returns the node of the next segment, and adds it when there is none.
func (n *Files[R]) down(s segment) *Files[R] {
	if s.kind == variable {
		if n.variable == nil {
			n.variable = &Files[R]{}
		}
		return n.variable
	}
	if n.literal == nil {
		n.literal = map[string]*Files[R]{}
	}
	below := n.literal[s.text]
	if below == nil {
		below = &Files[R]{}
		n.literal[s.text] = below
	}
	return below
}

func (n *Files[R]) find(method string, segs []string) (Match[R], error) {
	p, _ := n.longest(segs, 0)
	if p == nil {
		return Match[R]{}, ErrNotCovered
	}
	op := ""
	switch method {
	case "GET":
		op = "read"
	case "POST":
		op = "create"
	case "DELETE":
		op = "delete"
	default:
		return Match[R]{}, ErrMethod
	}
	r := p.Operations[op]
	if r == nil {
		return Match[R]{}, ErrNotCovered
	}
	return Match[R]{Resource: r, Vars: p.Path.bind(nil, segs)}, nil
}

// longest returns the longest prefix of a path and its length in segments. Of
// two that are equally long, the one with a literal at the first difference wins.
func (n *Files[R]) longest(segs []string, depth int) (best *Prefix[R], length int) {
	best, length = n.prefix, depth
	if len(segs) == 0 {
		return best, length
	}
	for _, below := range [...]*Files[R]{n.literal[segs[0]], n.variable} {
		if below == nil {
			continue
		}
		if p, long := below.longest(segs[1:], depth+1); p != nil && (best == nil || long > length) {
			best, length = p, long
		}
	}
	return best, length
}
