package route

import "github.com/rulegate/rulegate/rules/value"

// FindPlain returns the route that Find finds for a request, in most cases: nil
// says nothing. It takes a host in lower case, without a port and without a point at its
// end, and a path without a query. It touches little: from the left it takes the first
// way down, where Find would come back and try another.
func (t *Table[R]) FindPlain(method, host, path string) *Route[R] {
	if len(t.Routes.wild) > 0 || len(path) == 0 || path[0] != '/' {
		return nil
	}
	at := t.Routes.any
	if len(t.Routes.hosts) > 0 {
		if n := t.Routes.hosts[host]; n != nil {
			at = n
		}
	}
	var in *leaf[R]    // the routes, once the rest of the path is a variable's
	from, base := 1, 0 // base counts the segments that are those of the API
	for i := 1; i <= len(path); i++ {
		if i < len(path) && path[i] != '/' {
			if b := path[i]; b <= ' ' || b >= 0x7f || b == '%' || b == '\\' || b == '#' || b == ';' {
				return nil // it may have to be decoded, or is refused
			}
			continue
		}
		name := path[from:i]
		switch {
		case name == "" && i == len(path): // a slash at the end has no meaning
		case name == "" || name[0] == '.' && len(name) <= 2 || at == nil && in == nil:
			return nil
		case in != nil:
		default:
			at, in = at.next(name)
		}
		if base >= 0 && base < len(t.API.Base) {
			if base++; name != t.API.Base[base-1] {
				base = -1
			}
		}
		from = i + 1
	}
	if in == nil && at != nil {
		in = at.end
		if in == nil {
			in = at.rest
		}
	}
	if in == nil || base == len(t.API.Base) && !t.API.isEmpty() {
		return nil
	}
	switch method {
	case "HEAD":
		method = "GET"
	case "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
	default:
		return nil
	}
	if r := in.route(method); r != nil && r.Resource != nil {
		return r
	}
	return nil
}

// BindPlain returns the Match.Vars of a path that FindPlain has found the route for,
// without a query. It appends to vars.
func (r *Route[R]) BindPlain(vars []value.Member, path string) []value.Member {
	var buf [16]string
	segments, from := buf[:0], 1
	for i := 1; i <= len(path); i++ {
		if i == len(path) && i > from || i < len(path) && path[i] == '/' {
			segments = append(segments, path[from:i])
			from = i + 1
		}
	}
	return r.Path.bind(vars, segments)
}

// next returns the node of a segment, or the routes for all that follows it. Both are
// nil if there is none or more than one way.
func (n *node[R]) next(segment string) (*node[R], *leaf[R]) {
	if below := n.literal[segment]; below != nil {
		return below, nil
	}
	if len(n.suffixed) > 0 {
		return nil, nil
	}
	if n.variable != nil {
		return n.variable, nil
	}
	return nil, n.rest
}
