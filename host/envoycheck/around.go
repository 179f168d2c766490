package envoycheck

import (
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules/policy"
)

// before are the filters that answer requests themselves, by type.
var before = map[string]struct {
	level    Level
	why, fix string
}{
	"cache.v3.CacheConfig":                   {Error, "a cached response goes to a client about whom nothing was decided", "put the cache after rulegate's filter: then rulegate decides and masks each response from it"},
	"cache_v2.v3.CacheV2Config":              {Error, "a cached response goes to a client about whom nothing was decided", "put the cache after rulegate's filter: then rulegate decides and masks each response from it"},
	"file_server.v3.FileServer":              {Error, "files go to clients about whom nothing was decided", "put it after rulegate's filter"},
	"aws_lambda.v3.Config":                   {Error, "the function answers requests about which nothing was decided", "put it after rulegate's filter"},
	"ext_proc.v3.ExternalProcessor":          {Note, "it can answer requests before rulegate decides, and change them", "put it after rulegate's filter, unless it only refuses"},
	"golang.v3alpha.Config":                  {Note, "it can answer requests before rulegate decides, and change them", "put it after rulegate's filter, unless it only refuses"},
	"dynamic_modules.v3.DynamicModuleFilter": {Note, "it can answer requests before rulegate decides, and change them", "put it after rulegate's filter, unless it only refuses"},
	"wasm.v3.Wasm":                           {Note, "it can answer requests before rulegate decides, and change them", "put it after rulegate's filter, unless it only refuses"},
}

const httpFilters = "envoy.extensions.filters.http."

// checkBefore looks at the filters that see a request before the module.
func (c *checker) checkBefore(u *use) {
	if u.filter.matched {
		c.add(u.filter.node, "matcher", Error, "rulegate's filter runs only for the requests that a matcher chooses: all others pass undecided", "the filter without ExtensionWithMatcher")
	}
	for _, f := range u.filters[:u.at] {
		kind := strings.TrimPrefix(f.kind, httpFilters)
		if b, ok := before[kind]; ok && !f.isRulegate() {
			c.add(f.node, "answers-before", b.level, "this filter is before rulegate's: "+b.why, b.fix)
		}
		switch kind {
		case "health_check.v3.HealthCheck":
			if !f.message.get("pass_through_mode").isTrue() {
				c.add(f.node, "answers-before", Note, "this filter is before rulegate's and answers the requests of its headers to everybody", "put it after rulegate's filter, unless everybody may ask")
			}
		case "lua.v3.Lua":
			if strings.Contains(strings.Join(texts(f.message), "\n"), ":respond(") {
				c.add(f.node, "answers-before", Warning, "this script is before rulegate's filter and answers requests about which nothing was decided", "put it after rulegate's filter, unless it only refuses")
			}
		case "jwt_authn.v3.JwtAuthentication":
			c.checkJWT(u, f)
		case "header_mutation.v3.HeaderMutation":
			for _, m := range f.message.get("mutations", "request_mutations").all() {
				c.checkRemoval(u, m.get("remove"))
			}
		case "oauth2.v3.OAuth2":
			if at := f.message.get("config"); !at.get("forward_bearer_token").isTrue() && readsTokens(u) {
				c.add(or(at.get("forward_bearer_token"), at, f.node), "token-removed", Error, "oauth2 is before rulegate's filter and does not hand the token on, so requests get 401", "forward_bearer_token: true")
			}
		}
	}
	for _, e := range u.get("early_header_mutation_extensions").all() {
		message, _ := typed(e.get("typed_config"))
		for _, m := range message.get("mutations").all() {
			c.checkRemoval(u, m.get("remove"))
		}
	}
}

// readsTokens reports whether the policy reads tokens of requests.
func readsTokens(u *use) bool { return len(u.policy.Sources) > 0 }

// checkJWT requires that the providers of jwt_authn leave the token in the request.
func (c *checker) checkJWT(u *use, f filter) {
	providers := f.message.get("providers")
	if providers == nil || !readsTokens(u) {
		return
	}
	for _, p := range providers.values {
		if at := p.get("forward"); !at.isTrue() {
			c.add(or(at, p), "token-removed", Error, "jwt_authn is before rulegate's filter and removes the token that it has verified, so rulegate finds none and answers 401",
				"forward: true, or leave jwt_authn out: rulegate verifies tokens itself")
		}
	}
}

// checkRemoval looks for a header with a token among those that are removed.
func (c *checker) checkRemoval(u *use, at *node) {
	name := strings.ToLower(at.string())
	for _, s := range u.policy.Sources {
		if name != "" && (name == s.Header || name == "cookie" && s.Cookie != "") {
			c.add(at, "token-removed", Error, "the header "+name+", in which the policy looks for a token, is removed before rulegate's filter", "leave the header in the request")
		}
	}
}

func texts(n *node) (out []string) {
	n.walk(func(n *node) { out = append(out, n.text) })
	return out
}

// checkAfter looks at the filters between the module and the upstream.
func (c *checker) checkAfter(u *use) {
	masks := slices.ContainsFunc(u.policy.Resources(), func(r *policy.Resource) bool { return r.Response != nil || r.Rule.HasResponse() })
	for _, f := range u.filters[u.at+1:] {
		if f.kind == httpFilters+"compressor.v3.Compressor" && masks {
			c.add(f.node, "compressed", Error, "this filter compresses responses before rulegate sees them, and rulegate cannot mask what is compressed: such responses get 502", "put the compressor before rulegate's filter: responses pass the filters in the other order")
		}
	}
}

// checkRoutes looks for requests of the connection manager that pass by the module.
func (c *checker) checkRoutes(u *use) {
	for _, up := range u.get("upgrade_configs").all() {
		if up.get("filters") == nil {
			continue
		}
		ours := slices.ContainsFunc(c.httpFilters(up.get("filters")), func(f filter) bool { return f.isRulegate() })
		if !ours {
			c.add(up, "route-without", Error, "upgrades to "+up.get("upgrade_type").string()+" have filters of their own, without rulegate's: they pass undecided", "rulegate's filter in these filters too, or no filters here")
		}
	}
	if u.routes == nil {
		c.add(or(u.get("rds"), u.get("scoped_routes"), u.node), "routes-unseen", Note, "the routes come from a server, so it cannot be told here whether each has the filter",
			"give this check the admin interface's URL: its dump has the routes")
		return
	}
	name := u.filter.get("name").string()
	off := u.filter.get("disabled").isTrue()
	whole := c.perRoute(u.routes, name, off)
	for _, host := range u.routes.get("virtual_hosts").all() {
		general := c.perRoute(host, name, whole)
		for _, r := range host.get("routes").all() {
			if r.get("route") == nil {
				continue // a redirect or a fixed answer, after the filters
			}
			own := c.perRoute(r, name, general)
			for _, w := range r.get("route", "weighted_clusters", "clusters").all() {
				own = c.perRoute(w, name, own) || own
			}
			if own {
				c.add(r, "route-without", Error, "rulegate's filter is off for this route: its requests pass undecided", "enable it for all routes: no disabled in the filter, none in typed_per_filter_config."+name)
			}
		}
	}
}

// perRoute reports whether the filter is off below a level of the routes.
func (c *checker) perRoute(level *node, filter string, off bool) bool {
	at := level.get("typed_per_filter_config")
	for i, key := range keysOf(at) {
		if key != filter {
			continue
		}
		message, kind := typed(at.values[i])
		if strings.HasSuffix(kind, ".FilterConfig") {
			return message.get("disabled").isTrue()
		}
		return false
	}
	return off
}

func keysOf(n *node) []string {
	if n == nil {
		return nil
	}
	return n.keys
}

// checkBypass looks for other ways to the clusters that the module protects.
func (c *checker) checkBypass(uses []*use, managers []*manager, proxies []*node) {
	guarded := map[string]bool{}
	guards := map[*node]bool{}
	for _, u := range uses {
		guards[u.node] = true
		for name := range targets(u.routes) {
			guarded[name] = true
		}
	}
	for _, m := range managers {
		if guards[m.node] {
			continue
		}
		for name, route := range targets(m.routes) {
			if guarded[name] {
				c.bypass(m.listener, route, name)
			}
		}
	}
	for _, p := range proxies {
		names := []*node{p.get("cluster")}
		for _, w := range p.get("weighted_clusters", "clusters").all() {
			names = append(names, w.get("name"))
		}
		for _, n := range names {
			if guarded[n.string()] {
				c.bypass(c.listenerOf(p), n, n.string())
			}
		}
	}
}

func (c *checker) bypass(listener, at *node, cluster string) {
	level, who := Error, "everybody who reaches the listener"
	if !reachable(listener) {
		level, who = Warning, "who reaches it on this machine"
	}
	c.add(at, "route-without", level, "the listener "+listener.get("name").string()+" leads to the cluster "+cluster+" without rulegate's filter: "+who+" gets there undecided",
		"rulegate's filter in this listener too, or a cluster of its own")
}

func (c *checker) listenerOf(n *node) *node {
	for _, l := range c.listeners {
		if l.file == n.file && strings.HasPrefix(n.path, l.path+".") {
			return l
		}
	}
	return nil
}

// refused reports an update that Envoy did not take.
func (c *checker) refused(entry *node) {
	if e := entry.get("error_state"); e != nil {
		c.add(e, "refused-update", Error, "Envoy has refused the last update and still has the one before: "+e.get("details").string(), "correct the update: rulegate's log lines before it list the policy's faults")
	}
}

func sortedUnique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
