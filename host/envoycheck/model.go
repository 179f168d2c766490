package envoycheck

import (
	"errors"
	"io/fs"
	"net"
	"strings"
)

// config are the resources of a configuration, wherever they stand in it.
type config struct {
	root      *node
	listeners []*node
	clusters  map[string]*node
	routes    map[string]*node // route configurations by name
	filters   map[string]*node // filters by config discovery: TypedExtensionConfig by name
	secrets   []*node
	bootstrap *node // nil for a part of a configuration
	// dumped: the configuration is Envoy's dump, which has what Envoy has read of files.
	dumped bool
	// dynamic reports whether Envoy gets more resources from a server than are here.
	dynamic bool
	read    map[string]bool // files that it names and that were read
}

func (c *checker) load(root *node) error {
	c.root = root
	switch {
	case root.get("configs").all() != nil:
		c.dumped = true
		c.dump(root.get("configs"))
	case root.get("static_resources") != nil || root.get("dynamic_resources") != nil:
		c.loadBootstrap(root)
	default:
		c.listeners = append(c.listeners, root.get("listeners").all()...)
		for _, cl := range root.get("clusters").all() {
			c.clusters[cl.get("name").string()] = cl
		}
		c.resources(root)
	}
	c.discover()
	if len(c.listeners) == 0 {
		return errors.New("no listener: want a configuration of Envoy, or the /config_dump of its admin interface")
	}
	return nil
}

func (c *checker) loadBootstrap(root *node) {
	c.bootstrap = root
	static := root.get("static_resources")
	c.listeners = append(c.listeners, static.get("listeners").all()...)
	for _, cl := range static.get("clusters").all() {
		c.clusters[cl.get("name").string()] = cl
	}
	c.secrets = append(c.secrets, static.get("secrets").all()...)
	for _, kind := range []string{"lds_config", "cds_config"} {
		if d := root.get("dynamic_resources", kind); d != nil && !c.file(d) {
			c.dynamic = true
		}
	}
}

// dump reads the pages of Envoy's /config_dump.
func (c *checker) dump(configs *node) {
	for _, page := range configs.all() {
		_, name := typed(page)
		switch name[strings.LastIndexByte(name, '.')+1:] {
		case "BootstrapConfigDump":
			c.bootstrap = page.get("bootstrap")
		case "ClustersConfigDump":
			for _, list := range []string{"static_clusters", "dynamic_active_clusters"} {
				for _, e := range page.get(list).all() {
					c.clusters[e.get("cluster", "name").string()] = e.get("cluster")
				}
			}
		case "ListenersConfigDump":
			for _, e := range page.get("static_listeners").all() {
				c.listeners = append(c.listeners, e.get("listener"))
			}
			for _, e := range page.get("dynamic_listeners").all() {
				if l := e.get("active_state", "listener"); l != nil {
					c.listeners = append(c.listeners, l)
				}
				c.refused(e)
			}
		case "RoutesConfigDump":
			for _, list := range []string{"static_route_configs", "dynamic_route_configs"} {
				for _, e := range page.get(list).all() {
					c.routes[e.get("route_config", "name").string()] = e.get("route_config")
				}
			}
		case "EcdsConfigDump":
			for _, e := range page.get("ecds_filters").all() {
				c.filters[e.get("ecds_filter", "name").string()] = e.get("ecds_filter")
				c.refused(e)
			}
		case "SecretsConfigDump":
			for _, list := range []string{"static_secrets", "dynamic_active_secrets"} {
				for _, e := range page.get(list).all() {
					c.secrets = append(c.secrets, e.get("secret"))
				}
			}
		}
	}
}

// resources reads a discovery response.
func (c *checker) resources(root *node) {
	for _, r := range root.get("resources").all() {
		_, name := typed(r)
		switch name[strings.LastIndexByte(name, '.')+1:] {
		case "Listener":
			c.listeners = append(c.listeners, r)
		case "Cluster":
			c.clusters[r.get("name").string()] = r
		case "RouteConfiguration":
			c.routes[r.get("name").string()] = r
		case "TypedExtensionConfig":
			c.filters[r.get("name").string()] = r
		case "Secret":
			c.secrets = append(c.secrets, r)
		}
	}
}

// file reads the discovery response in the file that a config source names, and
// reports whether there is one.
func (c *checker) file(source *node) bool {
	at := source.get("path_config_source", "path")
	if at == nil {
		at = source.get("path")
	}
	path := at.string()
	if path == "" {
		return false
	}
	if c.dumped || c.read[path] {
		return true
	}
	c.read[path] = true
	data, err := readFile(path)
	var root *node
	if err == nil {
		root, err = parse(path, data)
	}
	if err != nil {
		level := Error
		if errors.Is(err, fs.ErrNotExist) {
			level = Note // Envoy may run on another machine
		}
		c.add(at, "unreadable-file", level, "Envoy gets a part of its configuration from this file, which cannot be read here: "+err.Error(),
			"run this check on Envoy's machine in Envoy's folder, or give it the admin interface's URL")
		return true
	}
	c.resources(root)
	return true
}

// discover reads the files of filters, routes and secrets that listeners name.
func (c *checker) discover() {
	var sources []*node
	find := func(n *node) {
		for _, key := range []string{"config_source", "sds_config"} {
			if s := n.get(key); s != nil && s.object {
				sources = append(sources, s)
			}
		}
	}
	for _, l := range c.listeners {
		l.walk(find)
	}
	for _, cl := range c.clusters {
		cl.walk(find)
	}
	for _, s := range sources {
		c.file(s)
	}
}

// manager is an HTTP connection manager.
type manager struct {
	listener *node
	*node
	filters []filter
	routes  *node // nil: not in the configuration
}

// filter is an HTTP filter.
type filter struct {
	*node        // the element of http_filters
	message      *node
	kind         string // type of the message; "" if it is not in the configuration
	matched      bool   // runs only for requests that a matcher chooses
	viaDiscovery bool
}

// managers lists the connection managers, and the TCP proxies among the network
// filters.
func (c *checker) chains() (managers []*manager, proxies []*node) {
	for _, l := range c.listeners {
		chains := l.get("filter_chains").all()
		if d := l.get("default_filter_chain"); d != nil {
			chains = append(chains, d)
		}
		var filters []*node
		for _, chain := range chains {
			for _, f := range chain.get("filters").all() {
				filters = append(filters, f.get("typed_config"))
			}
		}
		if api := l.get("api_listener", "api_listener"); api != nil {
			filters = append(filters, api)
		}
		for _, f := range filters {
			message, kind := typed(f)
			switch kind[strings.LastIndexByte(kind, '.')+1:] {
			case "HttpConnectionManager":
				managers = append(managers, c.manager(l, message))
			case "TcpProxy":
				proxies = append(proxies, message)
			}
		}
	}
	return managers, proxies
}

func (c *checker) manager(l, n *node) *manager {
	m := &manager{listener: l, node: n, routes: n.get("route_config")}
	if m.routes == nil {
		m.routes = c.routes[n.get("rds", "route_config_name").string()]
	}
	m.filters = c.httpFilters(n.get("http_filters"))
	return m
}

func (c *checker) httpFilters(list *node) (out []filter) {
	for _, n := range list.all() {
		f := filter{node: n}
		any := n.get("typed_config")
		if n.get("config_discovery") != nil {
			f.viaDiscovery = true
			any = c.filters[n.get("name").string()].get("typed_config")
		}
		f.message, f.kind = typed(any)
		if strings.HasSuffix(f.kind, ".ExtensionWithMatcher") {
			f.matched = true
			f.message, f.kind = typed(f.message.get("extension_config", "typed_config"))
		}
		out = append(out, f)
	}
	return out
}

// wasm is the type of filters in wasm.
const wasm = "envoy.extensions.filters.http.wasm.v3.Wasm"

// isRulegate reports whether a filter is the module, by one of the names that the
// configuration gives it.
func (f *filter) isRulegate() bool {
	if f.kind != wasm {
		return false
	}
	config := f.message.get("config")
	code := config.get("vm_config", "code")
	for _, n := range []*node{
		f.get("name"), config.get("name"), config.get("root_id"),
		code.get("local", "filename"), code.get("remote", "http_uri", "uri"),
	} {
		if strings.Contains(strings.ToLower(n.string()), "rulegate") {
			return true
		}
	}
	return false
}

// targets are the clusters that routes lead to, each with a route to it.
func targets(routes *node) map[string]*node {
	out := map[string]*node{}
	routes.walk(func(n *node) {
		if r := n.get("route"); r != nil && r.object {
			if name := r.get("cluster").string(); name != "" {
				out[name] = n
			}
			for _, w := range r.get("weighted_clusters", "clusters").all() {
				out[w.get("name").string()] = n
			}
		}
	})
	return out
}

// reachable reports whether other machines reach a listener.
func reachable(listener *node) bool {
	address := listener.get("address", "socket_address", "address").string()
	if address == "" {
		return false // a pipe, or inside Envoy
	}
	ip := net.ParseIP(address)
	return ip == nil || !ip.IsLoopback()
}
