// Package route finds the resource that decides a request, by its method, host
// and path.
//
// A Table is filled when the policy is loaded and does not change afterwards. R
// is the resource: this package stores pointers to it and never looks inside.
package route

import (
	"errors"
	"strings"

	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/value"
)

// Errors of Find for a request that no resource decides. Such a request is denied.
var (
	ErrNotCovered = errors.New("no entry of the policy covers it")
	ErrNoMethod   = errors.New("not a method of HTTP")
	ErrMethod     = errors.New("the entry that covers its path does not list its method")
)

// Table holds the routes of a policy and its sections of Space Cloud's HTTP API.
type Table[R any] struct {
	Routes Routes[R]
	API    API[R]
}

// Match is the resource that decides a request.
type Match[R any] struct {
	Resource *R
	// Vars are the values of the template's variables, percent-decoded once.
	Vars  []value.Member
	types map[string]*R // of events
}

// HasTypes reports whether Resource is API.Queue: the type that the body names tells
// the resource that decides.
func (m *Match[R]) HasTypes() bool { return m.types != nil }

// Of returns the resource that decides an event of a type, nil when none does.
func (m *Match[R]) Of(eventType string) *R {
	if r := m.types[eventType]; r != nil {
		return r
	}
	return m.types[Default]
}

// Find returns the resource that decides a request. Host is the authority, with
// or without a port; rawPath is the path as sent, with or without the query.
//
// The most specific route for host and path decides for all methods: a method
// that it does not list is denied. HEAD is looked up as GET. The sections of
// the API that the policy has decide on their paths before any route, whatever
// the host.
//
// Errors: *PathError when servers could read the path in different ways;
// ErrNoMethod when no registry knows the method; ErrNotCovered; ErrMethod.
func (t *Table[R]) Find(method, host, rawPath string) (Match[R], error) {
	return t.FindIn(nil, method, host, rawPath)
}

// FindIn is Find, but that it appends Match.Vars to vars, which may have capacity
// from an earlier request.
func (t *Table[R]) FindIn(vars []value.Member, method, host, rawPath string) (Match[R], error) {
	var m Match[R]
	if method == "CONNECT" || rawPath == "*" {
		return m, ErrNotCovered
	}
	if !httpfield.IsMethod(method) {
		return m, ErrNoMethod
	}
	path, _, _ := strings.Cut(rawPath, "?")
	var buf [16]string
	p, err := splitPath(path, buf[:0])
	if err != nil {
		return m, err
	}
	if method == "HEAD" {
		method = "GET"
	}
	m, r, err := t.find(method, host, &p)
	if err != nil && p.slash { // also where no route decides
		err = errSlash
	}
	if r != nil {
		m.Vars = r.Path.bind(vars, p.segments)
	}
	return m, err
}

func (t *Table[R]) find(method, host string, p *requestPath) (Match[R], *Route[R], error) {
	switch section, below, ok := t.API.section(p.segments); {
	case p.slash && (ok || !t.Routes.keeps):
		return Match[R]{}, nil, errSlash
	case ok:
		m, err := t.API.find(method, section, below)
		return m, nil, err
	}
	r, err := t.Routes.find(method, hostOf(host), p)
	if err != nil {
		return Match[R]{}, nil, err
	}
	return Match[R]{Resource: r.Resource}, r, nil
}

// KeepsSlashes reports whether some route has KeepSlash.
func (t *Table[R]) KeepsSlashes() bool { return t.Routes.keeps }

// Covering returns the resource of the most specific route for host and path: that
// of the method or, if none lists it, another one. It is nil if there is no route, or
// a section of the API decides.
func (t *Table[R]) Covering(method, host, rawPath string) *R {
	path, _, _ := strings.Cut(rawPath, "?")
	p, err := splitPath(path, nil)
	if err != nil {
		return nil
	}
	if _, _, ok := t.API.section(p.segments); ok {
		return nil
	}
	l := t.Routes.leaf(hostOf(host), p.segments)
	if l == nil {
		return nil
	}
	if method == "HEAD" {
		method = "GET"
	}
	if r := l.route(method); r != nil {
		return r.Resource
	}
	return l.routes[0].Resource
}
