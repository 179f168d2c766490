package spacecloud

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/importer"
	"go.yaml.in/yaml/v4"
)

// services writes the rules of remote services.
func (w *writer) services() {
	for _, service := range w.project.services {
		endpoints := importer.Get(service.node, "endpoints")
		if endpoints == nil {
			endpoints = importer.Get(service.node, "functions")
		}
		if endpoints == nil {
			endpoints = service.node // the first generation: a map of functions
		}
		for _, e := range importer.Entries(endpoints) {
			what := "service " + service.id + "." + e.Key
			source := importer.Get(e.Value, "rule")
			if source != nil && source.Kind == yaml.ScalarNode {
				source = e.Value // the first generation: the function is the rule
			}
			rule := w.rule(source, service.at, what, false)
			if rule == nil {
				w.dropped(service.at, what, "no rule, so it is denied")
				continue
			}
			comment(importer.Set(importer.Section(w.Policy, "services", service.id, "endpoints"), e.Key, importer.Object(importer.Text("rule"), rule)), e.Name)
			if source != e.Value {
				w.endpointFields(service.at, what, e.Value)
			}
			w.carried(service.at, what)
		}
	}
}

// endpointFields reports the fields of an endpoint that the upstream keeps.
func (w *writer) endpointFields(at, what string, n *yaml.Node) {
	var kept []string
	for _, e := range importer.Entries(n) {
		if e.Key != "rule" && !importer.IsEmpty(e.Value) {
			kept = append(kept, e.Key)
		}
	}
	if len(kept) > 0 {
		w.dropped(at, what+": "+strings.Join(kept, ", "), "the server that answers the API calls the service")
	}
}

// files writes the rules of the file store.
func (w *writer) files() {
	list := importer.List()
	for _, file := range w.project.files {
		prefix := importer.TextOf(file.node, "prefix")
		what := "files " + prefix
		rules := importer.Object()
		source := importer.Get(file.node, "rule")
		if source == nil {
			source = importer.Get(file.node, "rules")
		}
		for _, e := range importer.Entries(source) {
			if !contains([]string{"create", "read", "delete"}, e.Key) {
				w.dropped(file.at, what+".rule."+e.Key, "no such operation")
			} else if rule := w.rule(e.Value, file.at, what+" "+e.Key, false); rule != nil {
				comment(importer.Set(rules, e.Key, rule), e.Name)
			}
		}
		if len(rules.Content) == 0 {
			w.dropped(file.at, what, "no rule, so it is denied")
			continue
		}
		entry := importer.Object(importer.Text("prefix"), importer.Text(prefix), importer.Text("rules"), rules)
		comment(entry, file.name)
		list.Content = append(list.Content, entry)
		w.carried(file.at, what)
	}
	if len(list.Content) > 0 {
		importer.Set(w.Policy, "files", list)
	}
}

// events writes the security rules of events.
func (w *writer) events() {
	for _, e := range w.project.events {
		what := "event " + e.id
		source := clone(e.node)
		if importer.TextOf(source, "id") == e.id { // it names the event, and not the rule
			importer.Remove(source, importer.Get(source, "id"))
		}
		rule := w.rule(source, e.at, what, false)
		if rule == nil {
			w.dropped(e.at, what, "no rule, so it is denied")
			continue
		}
		comment(importer.Set(importer.Section(w.Policy, "events"), e.id, importer.Object(importer.Text("rule"), rule)), e.name)
		w.carried(e.at, what)
	}
}

// routes writes the ingress routes.
func (w *writer) routes() {
	list := importer.List()
	for _, r := range w.project.routes {
		what := "route" + named(r.id)
		source := importer.Get(r.node, "source")
		path := w.path(r.at, what, source)
		if path == "" {
			continue
		}
		rule := w.rule(importer.Get(r.node, "rule"), r.at, what, true)
		hosts := importer.Texts(importer.Get(source, "hosts"))
		if len(hosts) == 0 || slices.Contains(hosts, "*") {
			hosts = []string{""}
		}
		for i, host := range hosts {
			match := importer.Object()
			if methods := importer.Texts(importer.Get(source, "methods")); len(methods) > 0 && !slices.Contains(methods, "*") {
				importer.Set(match, "methods", importer.TextList(methods...))
			}
			if host != "" {
				importer.Set(match, "host", importer.Text(host))
			}
			importer.Set(match, "path", importer.Text(path))
			route := importer.Object()
			if name := r.id; name != "" {
				if i > 0 {
					name = fmt.Sprintf("%s %d", name, i+1)
				}
				importer.Set(route, "name", importer.Text(name))
			}
			importer.Set(route, "match", match)
			if rule == nil {
				importer.Set(route, "rule", importer.Object(importer.Text("rule"), importer.Text("deny")))
				importer.Ask(route, "who may use this route? It has no rule in the source; until you decide it is denied")
				w.ask(r.at, what, "it has no rule")
			} else {
				kind := importer.TextOf(rule, "rule")
				if guard := slashGuard(source); guard != nil && kind != "deny" {
					if kind == "allow" {
						importer.Set(route, "auth", importer.Text("none"))
						importer.Set(route, "rule", guard)
					} else {
						importer.Set(route, "rule", importer.Object(importer.Text("rule"), importer.Text("and"), importer.Text("clauses"), importer.List(guard, clone(rule))))
					}
				} else {
					importer.Set(route, "rule", clone(rule))
				}
			}
			comment(route, r.node)
			comment(route, r.name)
			list.Content = append(list.Content, route)
		}
		w.routeFields(r.at, what, r.node)
		w.carried(r.at, what)
	}
	if len(list.Content) > 0 {
		importer.Set(w.Policy, "routes", list)
	}
}

// path is the path of a route; "": it has none.
func (w *writer) path(at, what string, source *yaml.Node) string {
	url := importer.TextOf(source, "url")
	if url == "" || url[0] != '/' || strings.ContainsAny(url, "{}*?#") {
		w.ask(at, what, fmt.Sprintf("the path %q cannot be said; the route is left out", url))
		return ""
	}
	if importer.TextOf(source, "type") == "exact" {
		return url
	}
	path := strings.TrimSuffix(url, "/") + "/{rest...}"
	reason := "the prefix ends at a slash here"
	if !strings.HasSuffix(url, "/") {
		reason += fmt.Sprintf("; Space Cloud also took %sbeta", url)
	}
	w.rewrote(at, what, "prefix "+url, path, reason)
	return path
}

// slashGuard returns the clause that keeps a route from a path with another slash at
// its end, which means nothing in a route here; nil: the source takes both.
func slashGuard(source *yaml.Node) *yaml.Node {
	url, eval := importer.TextOf(source, "url"), ""
	switch exact := importer.TextOf(source, "type") == "exact"; {
	case exact:
		eval = "=="
	case len(url) > 1 && strings.HasSuffix(url, "/"):
		eval = "startsWith"
	default:
		return nil
	}
	comparison := importer.Text(eval)
	if eval == "==" {
		comparison.Style = yaml.DoubleQuotedStyle
	}
	return importer.Object(importer.Text("rule"), importer.Text("match"), importer.Text("type"), importer.Text("string"), importer.Text("eval"), comparison,
		importer.Text("f1"), importer.Text("args.request.path"), importer.Text("f2"), importer.Text(url))
}

// routeFields reports the fields of a route that are the proxy's.
func (w *writer) routeFields(at, what string, n *yaml.Node) {
	for _, field := range []string{"targets", "modify", "isRouteCacheable", "cacheOptions"} {
		if !importer.IsEmpty(importer.Get(n, field)) {
			w.dropped(at, what+"."+field, "routes to upstreams are the proxy's")
		}
	}
	for _, field := range []string{"rewrite", "port"} {
		if v := importer.TextOf(n, "source", field); v != "" && v != "0" {
			w.dropped(at, what+".source."+field, "routes to upstreams are the proxy's")
		}
	}
}

// clone copies a node and all inside it: two routes do not share a rule.
func clone(n *yaml.Node) *yaml.Node {
	out := *n
	out.Content = nil
	for _, x := range n.Content {
		out.Content = append(out.Content, clone(x))
	}
	return &out
}
