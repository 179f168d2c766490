// Package envoy imports the jwt_authn and rbac filters of a configuration of Envoy.
package envoy

import (
	"fmt"
	"strings"

	"github.com/rulegate/rulegate/host/importer"
	"github.com/rulegate/rulegate/host/importer/access"
	"github.com/rulegate/rulegate/host/policyfile"
	"go.yaml.in/yaml/v4"
)

// Names of the messages that are read.
const (
	managerType = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
	jwtType     = "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication"
	rbacType    = "envoy.extensions.filters.http.rbac.v3.RBAC"
)

// Import returns a draft for each HTTP connection manager of the files that has
// jwt_authn or rbac.
//
// Errors: *policyfile.Error for a document that is no configuration of Envoy.
func Import(files []*policyfile.Documents) (drafts []*importer.Draft, err error) {
	for _, f := range files {
		for _, root := range f.Roots {
			if kind := importer.Recognise(root); kind != "envoy" {
				if kind == "" {
					return nil, f.Fault(root, "", "not a configuration of Envoy: want static_resources, a dump of /config_dump, a listener or an HTTP connection manager")
				}
				return nil, f.Fault(root, "", "this is %s", importer.Describe(kind))
			}
			found, err := document(f, root)
			if err != nil {
				return nil, err
			}
			drafts = append(drafts, found...)
		}
	}
	if len(drafts) == 0 {
		return nil, fmt.Errorf("the files have no HTTP connection manager with a jwt_authn or rbac filter")
	}
	return drafts, nil
}

func document(f *policyfile.Documents, root *yaml.Node) (out []*importer.Draft, err error) {
	names := map[string]bool{}
	routes := routeConfigs(root)
	for _, m := range managers(root) {
		name := m.name
		for i := 2; names[name]; i++ {
			name = fmt.Sprintf("%s %d", m.name, i)
		}
		names[name] = true
		d := importer.NewDraft(name)
		read, err := m.draft(f, d, routes)
		if err != nil {
			return nil, err
		}
		if read {
			out = append(out, d)
		}
	}
	return out, nil
}

// manager is an HTTP connection manager.
type manager struct {
	name string
	port int
	node *yaml.Node
}

// managers finds the connection managers of a document, each with the listener that it
// is in.
func managers(root *yaml.Node) (out []manager) {
	var walk func(n *yaml.Node, name string, port int)
	walk = func(n *yaml.Node, name string, port int) {
		if n.Kind == yaml.MappingNode {
			if field(n, "filter_chains") != nil || field(n, "default_filter_chain") != nil {
				if own := text(n, "name"); own != "" {
					name = own
				}
				port = number(n, 0, "address", "socket_address", "port_value")
			}
			if field(n, "http_filters") != nil {
				out = append(out, manager{name, port, n})
				return
			}
		}
		for _, e := range importer.Entries(n) {
			walk(e.Value, name, port)
		}
	}
	walk(root, "envoy", 0)
	return out
}

// routeConfigs finds the route configurations of a dump, by their names.
func routeConfigs(root *yaml.Node) map[string]*yaml.Node {
	out := map[string]*yaml.Node{}
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		if n.Kind == yaml.MappingNode && field(n, "virtual_hosts") != nil {
			out[text(n, "name")] = n
		}
		for _, e := range importer.Entries(n) {
			walk(e.Value)
		}
	}
	walk(root)
	return out
}

// draft reads the filters of a connection manager. read is false if it has none of those
// that are read.
func (m *manager) draft(f *policyfile.Documents, d *importer.Draft, routes map[string]*yaml.Node) (read bool, err error) {
	r := &reader{
		port:   m.port,
		direct: isTrue(m.node, "use_remote_address") && number(m.node, 0, "xff_num_trusted_hops") == 0 && field(m.node, "original_ip_detection_extensions") == nil,
	}
	d.Report.Notes = []string{
		"the policy stands in the place of the filters jwt_authn and rbac alone: the other filters, the routes and the clusters stay in Envoy's configuration.",
		"a request is refused whose path, headers or tokens servers could read in two ways, and so is a header that came twice where a rule reads it.",
	}
	routes = m.routes(routes)
	for _, e := range importer.Entries(field(m.node, "http_filters")) {
		name := text(e.Value, "name")
		at := fmt.Sprintf("%s:%d", f.Path, e.Value.Line)
		kind, config := unwrapped(field(e.Value, "typed_config"))
		switch {
		case strings.HasSuffix(kind, ".Router"):
			continue
		case kind == jwtType || kind == rbacType:
		case kind == "" && (strings.Contains(name, "jwt_authn") || strings.Contains(name, "rbac")):
			read = true
			r.deny(name, at, "the filter's configuration is elsewhere")
			continue
		case strings.Contains(kind, "ExtensionWithMatcher"), strings.Contains(kind, "Composite"):
			if holds(e.Value, jwtType) || holds(e.Value, rbacType) {
				read = true
				r.deny(name, at, "the filter is chosen by a matcher")
				continue
			}
			fallthrough
		default:
			d.Report.Add(importer.Item{Outcome: importer.Dropped, At: at, Part: "filter " + name, Reason: "it stays in Envoy's configuration"})
			continue
		}
		read = true
		if isTrue(e.Value, "disabled") {
			r.overrides(d, name, at, f, routes)
			d.Report.Add(importer.Item{Outcome: importer.Dropped, At: at, Part: "filter " + name, Reason: "it is disabled"})
			continue
		}
		if kind == jwtType {
			r.jwt(name, at, config)
		} else {
			r.rbac(name, at, config)
		}
		r.overrides(d, name, at, f, routes)
	}
	if !read {
		return false, nil
	}
	return true, r.policy.Write(d)
}

// routes returns the route configurations of the manager.
func (m *manager) routes(all map[string]*yaml.Node) map[string]*yaml.Node {
	if own := field(m.node, "route_config"); own != nil {
		return map[string]*yaml.Node{"": own}
	}
	name := text(m.node, "rds", "route_config_name")
	if c := all[name]; c != nil && name != "" {
		return map[string]*yaml.Node{name: c}
	}
	if field(m.node, "scoped_routes") != nil {
		return all
	}
	return nil
}

// holds reports whether a message of a type stands in a node.
func holds(n *yaml.Node, kind string) bool {
	if n.Kind == yaml.MappingNode && strings.HasSuffix(importer.TextOf(n, "@type"), kind) {
		return true
	}
	for _, e := range importer.Entries(n) {
		if holds(e.Value, kind) {
			return true
		}
	}
	return false
}

// overrides denies the requests for which a virtual host or a route gives the filter
// another configuration, unless that switches it off.
func (r *reader) overrides(d *importer.Draft, name, at string, f *policyfile.Documents, routes map[string]*yaml.Node) {
	override := func(n *yaml.Node, what string, match access.Cond) {
		config := importer.Get(field(n, "typed_per_filter_config"), name)
		if config == nil {
			return
		}
		line := fmt.Sprintf("%s:%d", f.Path, config.Line)
		kind, content := unwrapped(config)
		off := isTrue(content, "disabled") || strings.HasSuffix(kind, "RBACPerRoute") && importer.IsEmpty(field(content, "rbac"))
		if off {
			d.Report.Add(importer.Item{Outcome: importer.Rewritten, At: line, Part: what, Before: name + " is off", After: "it is not", Reason: "stricter: these requests need a route of their own"})
			return
		}
		why := what + " has a configuration of its own for " + name + ": these requests need a route of their own"
		r.policy.Stages = append(r.policy.Stages, access.Stage{Effect: access.Deny, Parts: []access.Part{{Name: what, Asks: true, At: line, Cond: access.Cond{Under: access.Never, Over: match.Over}, Reasons: []string{why}}}})
	}
	for _, config := range routes {
		override(config, "the route configuration", access.Unknown())
		for _, host := range importer.Entries(field(config, "virtual_hosts")) {
			override(host.Value, "virtual host "+text(host.Value, "name"), access.Unknown())
			for i, route := range importer.Entries(field(host.Value, "routes")) {
				what := text(route.Value, "name")
				if what == "" {
					what = fmt.Sprintf("routes[%d] of virtual host %s", i, text(host.Value, "name"))
				}
				override(route.Value, what, r.routeMatch(field(route.Value, "match")))
				for _, w := range importer.Entries(field(route.Value, "route", "weighted_clusters", "clusters")) {
					override(w.Value, what, access.Unknown())
				}
			}
		}
	}
}
