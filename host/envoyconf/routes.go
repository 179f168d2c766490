package envoyconf

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/route"
)

// settings are those that Envoy itself applies to a request.
type settings struct {
	cors *policy.CORS  // nil: none
	idle time.Duration // 0: limits.idle of the policy
}

// settings returns those of a resource; nil for those of the policy.
func (l *Listener) settings(r *policy.Resource) settings {
	if r == nil {
		return settings{cors: l.Rules.CORS}
	}
	return settings{r.CORS, r.Idle}
}

// routes returns the routes of Envoy in the order in which it tries them: those for
// each route of the policy whose settings differ from those of the policy, and for
// each that would be taken for such a one; then those for all other requests.
func (l *Listener) routes() (out list) {
	if l.Rules == nil {
		return l.add(nil, object{{"prefix", "/"}}, settings{})
	}
	general := l.settings(nil)
	out = l.add(out, object{{"prefix", "/"}}, general)
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
		out = l.add(out, matchOf(e), own)
	}
	slices.Reverse(out)
	return out
}

// hasPaths reports whether some route has a path of the policy as its condition.
func (l *Listener) hasPaths() bool {
	return l.Rules != nil && slices.ContainsFunc(l.Rules.Entries(), func(e route.Entry[policy.Resource]) bool {
		return l.settings(e.Resource) != l.settings(nil)
	})
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

// add appends the routes for one condition, the last one first.
func (l *Listener) add(out list, match object, s settings) list {
	if l.Rules == nil {
		return append(out, l.route(match, s, 0))
	}
	idle := s.idle
	if idle == 0 {
		idle = l.Rules.Limits.Idle
	}
	if !l.Rules.Waits() {
		return append(out, l.route(match, s, idle))
	}
	released := append(slices.Clone(match), field{"filter_state", list{releasedMatch(s.idle != 0)}})
	return append(out, l.route(match, s, 0), l.route(released, s, idle))
}

// route returns a route to the upstream. idle is its idle timeout; 0: the listener's.
func (l *Listener) route(match object, s settings, idle time.Duration) object {
	// A limit on the whole response would abort long downloads; the idle timeout
	// bounds the silence.
	action := object{{"cluster", l.Upstream}, {"timeout", "0s"}}
	if idle > 0 {
		action = append(action, field{"idle_timeout", seconds(idle)})
	}
	r := object{{"match", match}, {"route", action}}
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
