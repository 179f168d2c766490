package policy

import (
	"errors"
	"strings"
)

// What Find gives when nothing lets the request through.
var (
	ErrNotCovered = errors.New("no entry of the policy covers it")
	ErrMethod     = errors.New("the entry that covers its path does not list its method")
)

// Find gives what decides a request. Host is the authority, with or without a
// port; rawPath is as sent, with or without the query.
//
// Once a route is the most specific for host and path it decides for all
// methods: what it does not list is denied. HEAD is looked up as GET. Where
// services, databases or files are configured, their paths are theirs, whatever
// the routes and the host.
//
// Errors: *PathError when servers could read the path in different ways;
// ErrNotCovered; ErrMethod.
func (p *Policy) Find(method, host, rawPath string) (Match, error) {
	if method == "CONNECT" || rawPath == "*" {
		return Match{}, ErrNotCovered
	}
	path, _, _ := strings.Cut(rawPath, "?")
	var buf [16]string
	segs, err := segments(path, buf[:0])
	if err != nil {
		return Match{}, err
	}
	if method == "HEAD" {
		method = "GET"
	}
	if section, below, ok := p.api.covers(segs); ok {
		return p.api.find(method, section, below)
	}
	l := p.routes.find(hostOf(host), segs)
	if l == nil {
		return Match{}, ErrNotCovered
	}
	r := l.route(method)
	if r == nil || r.resource == nil {
		return Match{}, ErrMethod
	}
	return Match{Resource: r.resource, Vars: bind(r.captures, segs)}, nil
}
