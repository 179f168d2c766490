package harness

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/host/envoyconf"
)

// Bootstrap is the configuration of one Envoy while a test adds to it. Its
// listeners pass requests to the cluster "upstream" unless they name another.
type Bootstrap struct {
	Conf envoyconf.Config
	// Discovered holds listeners that Envoy gets by its listener discovery
	// service. A fault in a policy then refuses that listener, not the start.
	Discovered envoyconf.Config
	Workers    int // worker threads; each has its own VM

	// Alter changes the HTTP connection manager of the listener with that name.
	Alter map[string]func(manager map[string]any)
	// Filters replaces the module in the listener with that name.
	Filters map[string][]any
	// HTTP2 names the clusters to which Envoy speaks HTTP/2.
	HTTP2 []string
	// HTTP1Trailers names the listeners and clusters with enable_trailers;
	// without it Envoy drops the trailers of HTTP/1.1.
	HTTP1Trailers []string

	env map[string]string // the variables that the policies name
}

// NewBootstrap returns a configuration with two workers, no listener and the
// cluster "upstream" at a URL.
func NewBootstrap(t testing.TB, upstream string) *Bootstrap {
	return &Bootstrap{
		Conf: envoyconf.Config{
			Admin:    "127.0.0.1:0",
			Module:   ModuleFile(t),
			VM:       "cases",
			Idle:     RequestTimeout,
			Clusters: []envoyconf.Cluster{{Name: "upstream", URL: upstream}},
		},
		Workers: 2,
		Alter:   map[string]func(map[string]any){},
		env:     map[string]string{},
	}
}

// Add adds a listener for a case, and a companion if the case needs one.
func (b *Bootstrap) Add(t testing.TB, c *Case) *Companion {
	t.Helper()
	p, _ := c.Load(t, c.Policy)
	co := c.Companion(t, p)
	l := b.listener(t, c, c.Name, c.Policy)
	l.Buffer = envoyconf.BufferLimit(p.Limits.RequestBody, p.Limits.ResponseBody)
	if c.usesCompanion() {
		srv := httptest.NewServer(co)
		t.Cleanup(srv.Close)
		l.Companion = "companion-of-" + c.Name
		b.AddCluster(l.Companion, srv.URL)
	}
	for _, r := range p.JWKS {
		for _, s := range r.Servers() {
			b.AddCluster(s.Cluster, s.URL)
		}
	}
	if c.UsesTLS() {
		l.TLS = envoyTLS(t)
	}
	b.Conf.Listeners = append(b.Conf.Listeners, l)
	return co
}

// AddCluster adds a cluster unless there is one of that name.
func (b *Bootstrap) AddCluster(name, url string) {
	if !slices.ContainsFunc(b.Conf.Clusters, func(c envoyconf.Cluster) bool { return c.Name == name }) {
		b.Conf.Clusters = append(b.Conf.Clusters, envoyconf.Cluster{Name: name, URL: url})
	}
}

// AddPolicy adds a listener with a policy. companion is the URL of its companion,
// "" for none. The listener returned may be changed until another is added.
func (b *Bootstrap) AddPolicy(t testing.TB, name, policy, companion string) *envoyconf.Listener {
	t.Helper()
	return b.AddCandidate(t, name, policy, "", companion)
}

// AddCandidate is AddPolicy for a policy whose `shadow` names candidate.yaml.
func (b *Bootstrap) AddCandidate(t testing.TB, name, policy, candidate, companion string) *envoyconf.Listener {
	t.Helper()
	l := b.listener(t, &Case{Name: name, Policy: policy, Candidate: candidate}, name, policy)
	if companion != "" {
		l.Companion = "companion-of-" + name
		b.AddCluster(l.Companion, companion)
	}
	b.Conf.Listeners = append(b.Conf.Listeners, l)
	return &b.Conf.Listeners[len(b.Conf.Listeners)-1]
}

// Discover adds a listener, with a policy in the environment of a case, that Envoy
// gets by its listener discovery service.
func (b *Bootstrap) Discover(t testing.TB, c *Case, name, text string) {
	t.Helper()
	b.Discovered.Listeners = append(b.Discovered.Listeners, b.listener(t, c, name, text))
}

// listener returns a listener whose policy is as `rulegate envoy` writes it: the
// module reads variables from its environment, to which b adds them.
func (b *Bootstrap) listener(t testing.TB, c *Case, name, text string) envoyconf.Listener {
	t.Helper()
	doc, err := c.ParsePolicy(text)
	if err != nil {
		t.Fatal(err)
	}
	policy, names, err := envoyconf.ForModule(doc, envoyconf.Expansion{Getenv: c.getenv, ReadFile: os.ReadFile})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		v, set := c.getenv(n)
		if old, there := b.env[n]; there && old != v {
			t.Fatalf("%s: %s is set to something else by another case", c.Name, n)
		}
		if set {
			b.env[n] = v
		}
	}
	_, rules, _ := c.ReadPolicy(text) // nil for a policy that Envoy has to refuse
	return envoyconf.Listener{Name: name, Address: "127.0.0.1:0", Policy: policy, Rules: rules, Upstream: "upstream"}
}

// Start starts Envoy with this configuration.
func (b *Bootstrap) Start(t testing.TB) *Process {
	t.Helper()
	var env []string
	for name, value := range b.env {
		b.Conf.HostEnv = append(b.Conf.HostEnv, name)
		env = append(env, name+"="+value)
	}
	whole, listeners := b.Build(t, b.Conf)
	b.alter(listeners)
	for _, c := range whole["static_resources"].(map[string]any)["clusters"].([]any) {
		switch c := c.(map[string]any); {
		case slices.Contains(b.HTTP2, c["name"].(string)):
			speak(c, map[string]any{"http2_protocol_options": map[string]any{}})
		case slices.Contains(b.HTTP1Trailers, c["name"].(string)):
			speak(c, map[string]any{"http_protocol_options": map[string]any{"enable_trailers": true}})
		}
	}
	if len(b.Discovered.Listeners) > 0 {
		whole["node"] = map[string]any{"id": "cases", "cluster": "cases"}
		whole["dynamic_resources"] = map[string]any{"lds_config": map[string]any{
			"resource_api_version": "V3", "path_config_source": map[string]any{"path": b.discoveryFile(t)},
		}}
	}
	return Start(t, []byte(JSON(whole)), env, b.Workers)
}

// alter makes the changes to listeners that Config of package envoyconf has no
// field for.
func (b *Bootstrap) alter(listeners []map[string]any) {
	for _, l := range listeners {
		name, manager := l["name"].(string), ConnectionManager(l)
		if alter := b.Alter[name]; alter != nil {
			alter(manager)
		}
		if filters, ok := b.Filters[name]; ok {
			all := manager["http_filters"].([]any)
			at := ModuleAt(all)
			manager["http_filters"] = slices.Concat(all[:at], filters, all[at+1:])
		}
		if slices.Contains(b.HTTP1Trailers, name) {
			manager["http_protocol_options"] = map[string]any{"enable_trailers": true}
		}
	}
}

// discoveryFile writes the discovered listeners as a discovery response of
// Envoy's filesystem subscription and returns the file's path.
func (b *Bootstrap) discoveryFile(t testing.TB) string {
	t.Helper()
	conf := b.Conf
	conf.Listeners = b.Discovered.Listeners
	_, listeners := b.Build(t, conf)
	b.alter(listeners)
	for _, l := range listeners {
		l["@type"] = "type.googleapis.com/envoy.config.listener.v3.Listener"
	}
	file := filepath.Join(t.TempDir(), "listeners.json")
	text := JSON(map[string]any{"version_info": "1", "resources": listeners})
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// speak sets the protocol that Envoy speaks to a cluster.
func speak(cluster, protocol map[string]any) {
	cluster["typed_extension_protocol_options"] = map[string]any{
		"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": map[string]any{
			"@type":                "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
			"explicit_http_config": protocol,
		},
	}
}

// ConnectionManager returns the configuration of a listener's HTTP connection
// manager.
func ConnectionManager(listener map[string]any) map[string]any {
	chain := listener["filter_chains"].([]any)[0].(map[string]any)
	return chain["filters"].([]any)[0].(map[string]any)["typed_config"].(map[string]any)
}

// PluginConfig returns the configuration of the plugin in a connection manager.
func PluginConfig(manager map[string]any) map[string]any {
	all := manager["http_filters"].([]any)
	module := all[ModuleAt(all)].(map[string]any)["typed_config"].(map[string]any)
	return module["config"].(map[string]any)
}

// ModuleAt returns the index of the module among HTTP filters.
func ModuleAt(filters []any) int {
	return slices.IndexFunc(filters, func(f any) bool { return f.(map[string]any)["name"] == "rulegate" })
}

// Build returns the decoded JSON of a configuration, and the listeners in it.
func (b *Bootstrap) Build(t testing.TB, c envoyconf.Config) (whole map[string]any, listeners []map[string]any) {
	t.Helper()
	conf, err := envoyconf.Build(c)
	if err != nil {
		t.Fatal(err)
	}
	text, err := conf.JSON()
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	if err := dec.Decode(&whole); err != nil {
		t.Fatal(err)
	}
	for _, l := range whole["static_resources"].(map[string]any)["listeners"].([]any) {
		listeners = append(listeners, l.(map[string]any))
	}
	return whole, listeners
}

// Slug replaces the spaces of a name, which a cluster's name must not have.
func Slug(name string) string { return strings.ReplaceAll(name, " ", "-") }
