package envoyconf

import (
	"regexp"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/route"
)

// settings are those that Envoy itself applies to a request.
type settings struct {
	cors *policy.CORS // nil: none
}

// settings returns those of a resource; nil for those of the policy.
func (l *Listener) settings(r *policy.Resource) settings {
	switch {
	case l.Rules == nil:
		return settings{}
	case r == nil:
		return settings{l.Rules.CORS}
	}
	return settings{r.CORS}
}

// routes returns the routes of Envoy in the order in which it tries them: one for
// each route of the policy whose settings differ from those of the policy, and for
// each that would be taken for such a one; then one for all other requests.
func (l *Listener) routes() (out list) {
	if l.Rules == nil {
		return list{l.route(object{{"prefix", "/"}}, settings{})}
	}
	general := l.settings(nil)
	out = append(out, l.route(object{{"prefix", "/"}}, general))
	var special []*route.Entry[policy.Resource]
	entries := l.Rules.Entries()
	for i := range slices.Backward(entries) {
		e := &entries[i]
		own := l.settings(e.Resource)
		if own != general {
			special = append(special, e)
		} else if !slices.ContainsFunc(special, e.Overlaps) {
			continue
		}
		out = append(out, l.route(matchOf(e), own))
	}
	slices.Reverse(out)
	return out
}

// matchOf returns Envoy's condition for the requests of a route.
func matchOf(e *route.Entry[policy.Resource]) object {
	m := object{{"safe_regex", object{{"regex", e.Path.Regexp()}}}}
	var headers list
	if host := route.HostRegexp(e.Host); host != "" {
		headers = append(headers, headerMatch(":authority", host))
	}
	if len(e.Methods) > 0 {
		methods := make([]string, len(e.Methods))
		for i, name := range e.Methods {
			methods[i] = regexp.QuoteMeta(name)
		}
		if slices.Contains(e.Methods, "GET") {
			methods = append(methods, "HEAD")
		}
		headers = append(headers, headerMatch(":method", strings.Join(methods, "|")))
	}
	if headers != nil {
		m = append(m, field{"headers", headers})
	}
	return m
}

func headerMatch(name, regex string) object {
	return object{{"name", name}, {"string_match", object{{"safe_regex", object{{"regex", regex}}}}}}
}

// route returns a route to the upstream.
func (l *Listener) route(match object, s settings) object {
	r := object{
		{"match", match},
		// A limit on the whole response would abort long downloads;
		// stream_idle_timeout bounds the silence.
		{"route", object{{"cluster", l.Upstream}, {"timeout", "0s"}}},
	}
	if s.cors != nil {
		r = append(r, corsFields(s.cors)...)
	}
	return r
}

// regexLimit raises Envoy's limit for a regular expression, 100 instructions, which
// is less than a long path needs. These expressions are those of the policy's paths.
func regexLimit() field {
	return field{"layered_runtime", object{{"layers", list{object{
		{"name", "rulegate"}, {"static_layer", object{{"re2.max_program_size.error_level", 100000}}},
	}}}}}
}
