package policy

// apiIndex finds what decides a request to Space Cloud's API.
type apiIndex struct {
	base      []string // {apiPrefix}/{project}
	services  map[string]map[string]*Resource
	databases map[string]map[string]map[string]*Resource // by collection and operation
	files     *fileNode
}

// fallback is the collection whose rules step in.
const fallback = "default"

// fileNode is a place in the tree of file prefixes.
type fileNode struct {
	literal  map[string]*fileNode
	variable *fileNode
	prefix   *filePrefix // that ends here
}
type filePrefix struct {
	place    string
	captures []capture
	byOp     map[string]*Resource
}

// covers says whether the path is in a section that the policy has: its rules,
// and no route, decide there.
func (x *apiIndex) covers(segs []string) (section string, below []string, ok bool) {
	n := len(x.base)
	if len(segs) <= n {
		return "", nil, false
	}
	for i, s := range x.base {
		if segs[i] != s {
			return "", nil, false
		}
	}
	section = segs[n]
	switch section {
	case "services":
		ok = x.services != nil
	case "crud":
		ok = x.databases != nil
	case "files":
		ok = x.files != nil
	}
	return section, segs[n+1:], ok
}
func (x *apiIndex) find(method, section string, below []string) (Match, error) {
	if section == "files" {
		return x.findFile(method, below)
	}
	var r *Resource
	switch {
	case section == "services" && len(below) == 2:
		r = x.services[below[0]][below[1]]
	case section == "crud" && len(below) == 3:
		collections := x.databases[below[0]]
		if r = collections[below[1]][below[2]]; r == nil {
			r = collections[fallback][below[2]]
		}
	}
	switch {
	case r == nil:
		return Match{}, ErrNotCovered
	case method != "POST":
		return Match{}, ErrMethod
	}
	return Match{Resource: r}, nil
}
func (x *apiIndex) findFile(method string, below []string) (Match, error) {
	p, _ := x.files.find(below, 0)
	if p == nil {
		return Match{}, ErrNotCovered
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
		return Match{}, ErrMethod
	}
	r := p.byOp[op]
	if r == nil {
		return Match{}, ErrNotCovered
	}
	return Match{Resource: r, Vars: bind(p.captures, below)}, nil
}

// find is the longest prefix; of equally long ones the one whose first segment
// that differs is a literal.
func (n *fileNode) find(segs []string, depth int) (best *filePrefix, length int) {
	best, length = n.prefix, depth
	if len(segs) == 0 {
		return best, length
	}
	for _, below := range [...]*fileNode{n.literal[segs[0]], n.variable} {
		if below == nil {
			continue
		}
		if p, long := below.find(segs[1:], depth+1); p != nil && (best == nil || long > length) {
			best, length = p, long
		}
	}
	return best, length
}

// add files a prefix; the one that is there already is a conflict.
func (n *fileNode) add(segs []segment, p *filePrefix) (conflict *filePrefix) {
	for _, s := range segs {
		if s.kind == variable {
			if n.variable == nil {
				n.variable = &fileNode{}
			}
			n = n.variable
			continue
		}
		if n.literal == nil {
			n.literal = map[string]*fileNode{}
		}
		if n.literal[s.text] == nil {
			n.literal[s.text] = &fileNode{}
		}
		n = n.literal[s.text]
	}
	if n.prefix != nil {
		return n.prefix
	}
	n.prefix = p
	return nil
}
