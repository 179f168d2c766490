package route

import (
	"maps"
	"slices"
	"strings"
)

// Candidate is a route, and whether it fits a request.
type Candidate[R any] struct {
	*Route[R]
	FitsPath, FitsHost, FitsMethod bool
	Chosen                         bool // it decides
}

// Candidates lists the routes, the most specific hosts and paths first, and how each
// fits a request. For a path that a section of the API decides on, it returns the
// section's name in the policy file, and no route. It is for explanations: Find decides.
//
// Errors: those of Find for a path or a method that no route can have.
func (t *Table[R]) Candidates(method, host, rawPath string) (all []Candidate[R], section string, err error) {
	chosen, err := t.Find(method, host, rawPath)
	if err != nil && err != ErrNotCovered && err != ErrMethod {
		return nil, "", err
	}
	path, _, _ := strings.Cut(rawPath, "?")
	segs, err := splitPath(path, nil)
	if err != nil { // such as the `*` of OPTIONS
		return nil, "", nil
	}
	if method == "HEAD" {
		method = "GET"
	}
	if section, _, ok := t.API.section(segs); ok {
		if section == "crud" {
			section = "databases"
		}
		return nil, section, nil
	}
	for r := range t.Routes.all() {
		var alone Routes[R]
		anywhere := *r
		anywhere.Host = ""
		alone.Add(&anywhere)
		all = append(all, Candidate[R]{
			Route:      r,
			FitsPath:   alone.leaf("", segs) != nil,
			FitsHost:   Pattern{Host: r.Host}.Covered(hostOf(host)),
			FitsMethod: r.Methods == nil || slices.Contains(r.Methods, method),
			Chosen:     chosen.Resource != nil && chosen.Resource == r.Resource,
		})
	}
	return all, "", nil
}

// all yields the routes.
func (x *Routes[R]) all() func(yield func(*Route[R]) bool) {
	return func(yield func(*Route[R]) bool) {
		for _, trees := range []map[string]*node[R]{x.hosts, x.wild} {
			for _, host := range slices.Sorted(maps.Keys(trees)) {
				if !trees[host].each(yield) {
					return
				}
			}
		}
		x.any.each(yield)
	}
}

func (n *node[R]) each(yield func(*Route[R]) bool) bool {
	if n == nil {
		return true
	}
	for _, l := range [...]*leaf[R]{n.end, n.rest} {
		if l == nil {
			continue
		}
		for _, r := range l.routes {
			if !yield(r) {
				return false
			}
		}
	}
	for _, text := range slices.Sorted(maps.Keys(n.literal)) {
		if !n.literal[text].each(yield) {
			return false
		}
	}
	return n.variable.each(yield)
}
