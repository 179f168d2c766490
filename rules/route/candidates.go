package route

import (
	"iter"
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
	p, err := splitPath(path, nil)
	if err != nil { // such as the `*` of OPTIONS
		return nil, "", nil
	}
	if method == "HEAD" {
		method = "GET"
	}
	if section, _, ok := t.API.section(p.segments); ok {
		return nil, nameOf(section), nil
	}
	for r := range t.Routes.all() {
		var alone Routes[R]
		anywhere := *r
		anywhere.Host = ""
		alone.Add(&anywhere)
		all = append(all, Candidate[R]{
			Route:      r,
			FitsPath:   alone.leaf("", p.segments) != nil,
			FitsHost:   Pattern{Host: r.Host}.Covered(hostOf(host)),
			FitsMethod: r.Methods == nil || slices.Contains(r.Methods, method),
			Chosen:     chosen.Resource != nil && chosen.Resource == r.Resource,
		})
	}
	return all, "", nil
}

// all yields the routes, the most specific first.
func (x *Routes[R]) all() iter.Seq[*Route[R]] {
	return func(yield func(*Route[R]) bool) {
		for l := range x.leaves() {
			for _, r := range l.routes {
				if !yield(r) {
					return
				}
			}
		}
	}
}
