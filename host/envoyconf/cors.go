package envoyconf

import (
	"regexp"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/route"
)

const corsFilter = "envoy.filters.http.cors"

// hasCORS reports whether some request needs Envoy's CORS filter.
func (l *Listener) hasCORS() bool {
	if l.Rules == nil {
		return false
	}
	return l.Rules.CORS != nil || slices.ContainsFunc(l.Rules.Entries(), func(e route.Entry[policy.Resource]) bool {
		return e.Resource != nil && e.Resource.CORS != nil
	})
}

// corsFields are the fields of a route whose responses pages of other origins may
// read. Caches must keep the response to one origin from another, and an upstream
// must not open its responses to more of them.
func corsFields(c *policy.CORS) object {
	var origins list
	for _, o := range c.Origins {
		origins = append(origins, originMatch(o))
	}
	p := typed("envoy.extensions.filters.http.cors.v3.CorsPolicy", field{"allow_origin_string_match", origins})
	for _, f := range []struct {
		key   string
		names []string
	}{{"allow_methods", c.Methods}, {"allow_headers", c.Headers}, {"expose_headers", c.Expose}} {
		if len(f.names) > 0 {
			p = append(p, field{f.key, strings.Join(f.names, ",")})
		}
	}
	if c.MaxAge != "" {
		p = append(p, field{"max_age", c.MaxAge})
	}
	p = append(p,
		field{"allow_credentials", c.Credentials},
		// No preflight reaches the upstream.
		field{"forward_not_matching_preflights", false})
	return object{
		{"typed_per_filter_config", object{{corsFilter, p}}},
		{"response_headers_to_add", list{object{{"header", object{{"key", "vary"}, {"value", "origin"}}}}}},
		{"response_headers_to_remove", list{"access-control-allow-origin", "access-control-allow-credentials", "access-control-expose-headers"}},
	}
}

// originMatch matches an entry of origins. Envoy matches a regular expression with
// the whole origin, and takes the entry * for all.
func originMatch(o string) object {
	before, after, pattern := strings.Cut(o, "*.")
	if !pattern {
		return object{{"exact", o}}
	}
	const labels = `[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.`
	return object{{"safe_regex", object{{"regex", regexp.QuoteMeta(before) + labels + regexp.QuoteMeta(after)}}}}
}
