package route

import "slices"

// API finds the resource of a request to Space Cloud's HTTP API.
type API[R any] struct {
	Base []string // the path's segments before the section: {apiPrefix}/{project}
	// Of each section: nil when the policy does not have it. An empty section
	// denies all requests below its path.
	Services  map[string]map[string]*R            // by service and endpoint
	Databases map[string]map[string]map[string]*R // by database, collection and operation
	Queries   map[string]map[string]*R            // by database and name
	Files     *Files[R]
	Events    map[string]*R // by type
	Queue     *R            // covers an event whose type is not known yet
}

// Default is the collection whose rules hold for an operation that the request's own
// collection does not list. It is also the query and the event whose rule holds for
// those that the policy does not list.
const Default = "default"

// PreparedQueries stands in the place of a collection in the paths of prepared
// queries.
const PreparedQueries = "prepared-queries"

// Operations are the operations on a collection. No prepared query has one of these
// names: its path would be that of an operation.
var Operations = []string{"create", "read", "update", "delete", "aggr"}

// isEmpty reports whether the policy has no section.
func (x *API[R]) isEmpty() bool {
	return x.Services == nil && x.Databases == nil && x.Queries == nil && x.Files == nil && x.Events == nil
}

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
		ok = x.Databases != nil || x.Queries != nil
	case "files":
		ok = x.Files != nil
	case "eventing":
		ok = x.Events != nil
	}
	return section, segs[n+1:], ok
}

// sectionNames are the names that sections have in the policy file, where they are
// other than in paths.
var sectionNames = map[string]string{"crud": "databases", "eventing": "events"}

func nameOf(section string) string {
	if name := sectionNames[section]; name != "" {
		return name
	}
	return section
}

// Decides returns the section of the policy file whose rules decide on every
// path of the template, "" when there is none: a route there is never asked.
func (x *API[R]) Decides(t Template) (section string) {
	path, _ := t.Literals()
	section, _, ok := x.section(path)
	if !ok {
		return ""
	}
	return nameOf(section)
}

func (x *API[R]) find(method, section string, below []string) (Match[R], error) {
	if section == "files" {
		return x.Files.find(method, below)
	}
	var r *R
	var types map[string]*R
	switch {
	case section == "services" && len(below) == 2:
		r = x.Services[below[0]][below[1]]
	case section == "crud" && len(below) == 3 && below[1] == PreparedQueries:
		queries := x.Queries[below[0]]
		if r = queries[below[2]]; r == nil && !slices.Contains(Operations, below[2]) {
			r = queries[Default]
		}
	case section == "crud" && len(below) == 3:
		collections := x.Databases[below[0]]
		if r = collections[below[1]][below[2]]; r == nil {
			r = collections[Default][below[2]]
		}
	case section == "eventing" && len(below) == 1 && below[0] == "queue":
		r, types = x.Queue, x.Events
	}
	switch {
	case r == nil:
		return Match[R]{}, ErrNotCovered
	case method != "POST":
		return Match[R]{}, ErrMethod
	}
	return Match[R]{Resource: r, types: types}, nil
}
