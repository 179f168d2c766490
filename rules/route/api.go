package route

// API finds the resource of a request to Space Cloud's HTTP API.
type API[R any] struct {
	Base []string // the path's segments before the section: {apiPrefix}/{project}
	// Of each section: nil when the policy does not have it. An empty section
	// denies all requests below its path.
	Services  map[string]map[string]*R            // by service and endpoint
	Databases map[string]map[string]map[string]*R // by database, collection and operation
	Files     *Files[R]
}

// defaultCollection is the collection whose rules hold for an operation that the
// request's own collection does not list.
const defaultCollection = "default"

// section returns the section of the API whose rules decide on a path, by the
// name that its paths have, and the segments below it. It is "" when no section
// that the policy has decides there.
func (x *API[R]) section(segs []string) (section string, below []string, ok bool) {
	n := len(x.Base)
	if len(segs) <= n {
		return "", nil, false
	}
	for i, s := range x.Base {
		if segs[i] != s {
			return "", nil, false
		}
	}
	section = segs[n]
	switch section {
	case "services":
		ok = x.Services != nil
	case "crud":
		ok = x.Databases != nil
	case "files":
		ok = x.Files != nil
	}
	return section, segs[n+1:], ok
}

// Decides returns the section of the policy file whose rules decide on every
// path of the template, "" when there is none: a route there is never asked.
func (x *API[R]) Decides(t Template) (section string) {
	path, _ := t.Literals()
	section, _, ok := x.section(path)
	switch {
	case !ok:
		return ""
	case section == "crud":
		return "databases"
	}
	return section
}

func (x *API[R]) find(method, section string, below []string) (Match[R], error) {
	if section == "files" {
		return x.Files.find(method, below)
	}
	var r *R
	switch {
	case section == "services" && len(below) == 2:
		r = x.Services[below[0]][below[1]]
	case section == "crud" && len(below) == 3:
		collections := x.Databases[below[0]]
		if r = collections[below[1]][below[2]]; r == nil {
			r = collections[defaultCollection][below[2]]
		}
	}
	switch {
	case r == nil:
		return Match[R]{}, ErrNotCovered
	case method != "POST":
		return Match[R]{}, ErrMethod
	}
	return Match[R]{Resource: r}, nil
}
