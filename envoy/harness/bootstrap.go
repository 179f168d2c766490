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

// Bootstrap gathers what one Envoy is started with.
type Bootstrap struct {
	Conf       envoyconf.Config
	Discovered envoyconf.Config // its listeners come by discovery
	env        map[string]string
	Workers    int // threads, and so VMs
	// reshape, where set, changes how a listener's policy is configured.
	Reshape func(listener string, configuration map[string]any)
	// Alter changes listeners, by their names: their manager of connections.
	Alter map[string]func(manager map[string]any)
	// HTTP2 names the clusters that are spoken to in HTTP/2.
	HTTP2 []string
	// HTTP1Trailers names listeners and clusters that let trailers through in
	// HTTP/1.1, which Envoy drops otherwise.
	HTTP1Trailers []string
	// filters, where set for a listener, take the module's place.
	Filters map[string][]any
}

func NewBootstrap(t testing.TB, upstream string) *Bootstrap {
	return &Bootstrap{env: map[string]string{}, Alter: map[string]func(map[string]any){}, Workers: 2, Conf: envoyconf.Config{
		Admin:    "127.0.0.1:0",
		Module:   moduleFile(t),
		VM:       "cases",
		Idle:     AnswerWithin,
		Clusters: []envoyconf.Cluster{{Name: "upstream", URL: upstream}},
	}}
}

// Add gives a case a listener, and a companion where it needs one.
func (b *Bootstrap) Add(t testing.TB, c *Case) *Companion {
	t.Helper()
	p, _ := c.Load(t, c.Policy)
	co := c.Companion(t, p)
	l := b.listener(t, c, c.Name, c.Policy)
	l.Buffer = envoyconf.BufferLimit(p.Limits.RequestBody, p.Limits.ResponseBody)
	if c.UsesCompanion() {
		srv := httptest.NewServer(co)
		t.Cleanup(srv.Close)
		l.Companion = "companion-of-" + c.Name
		b.Conf.Clusters = append(b.Conf.Clusters, envoyconf.Cluster{Name: l.Companion, URL: srv.URL})
	}
	for _, r := range p.Remotes {
		b.AddCluster(r.Cluster, "http://"+r.Cluster)
	}
	b.Conf.Listeners = append(b.Conf.Listeners, l)
	return co
}

// AddCluster adds one, unless it is there.
func (b *Bootstrap) AddCluster(name, url string) {
	if !slices.ContainsFunc(b.Conf.Clusters, func(c envoyconf.Cluster) bool { return c.Name == name }) {
		b.Conf.Clusters = append(b.Conf.Clusters, envoyconf.Cluster{Name: name, URL: url})
	}
}

// AddPolicy gives a policy a listener, with a companion at a URL or none.
func (b *Bootstrap) AddPolicy(t testing.TB, name, policy, companion string) {
	t.Helper()
	c := &Case{Name: name, Policy: policy}
	l := b.listener(t, c, name, policy)
	if companion != "" {
		l.Companion = "companion-of-" + name
		b.Conf.Clusters = append(b.Conf.Clusters, envoyconf.Cluster{Name: l.Companion, URL: companion})
	}
	b.Conf.Listeners = append(b.Conf.Listeners, l)
}

func (b *Bootstrap) Discover(t testing.TB, c *Case, name, text string) {
	t.Helper()
	b.Discovered.Listeners = append(b.Discovered.Listeners, b.listener(t, c, name, text))
}

// listener is one with the policy as `rulegate envoy` writes it: variables stay
// in the environment.
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
	return envoyconf.Listener{Name: name, Address: "127.0.0.1:0", Policy: policy, Upstream: "upstream"}
}

// Start starts Envoy with all of it.
func (b *Bootstrap) Start(t testing.TB) *Process {
	t.Helper()
	var env []string
	for name, value := range b.env {
		b.Conf.HostEnv = append(b.Conf.HostEnv, name)
		env = append(env, name+"="+value)
	}
	whole, listeners := b.Build(t, b.Conf)
	b.reshapeAll(listeners)
	for _, c := range whole["static_resources"].(map[string]any)["clusters"].([]any) {
		switch c := c.(map[string]any); {
		case slices.Contains(b.HTTP2, c["name"].(string)):
			speak(c, map[string]any{"http2_protocol_options": map[string]any{}})
		case slices.Contains(b.HTTP1Trailers, c["name"].(string)):
			speak(c, map[string]any{"http_protocol_options": map[string]any{"enable_trailers": true}})
		}
	}
	for _, l := range listeners {
		if own, set := b.Filters[l["name"].(string)]; set {
			m := ManagerOf(l)
			m["http_filters"] = append(own, m["http_filters"].([]any)[1:]...)
		}
		if slices.Contains(b.HTTP1Trailers, l["name"].(string)) {
			ManagerOf(l)["http_protocol_options"] = map[string]any{"enable_trailers": true}
		}
	}
	if len(b.Discovered.Listeners) > 0 {
		with := b.Conf
		with.Listeners = b.Discovered.Listeners
		_, listeners := b.Build(t, with)
		b.reshapeAll(listeners)
		for _, l := range listeners {
			l["@type"] = "type.googleapis.com/envoy.config.listener.v3.Listener"
		}
		file := filepath.Join(t.TempDir(), "listeners.json")
		text := JSON(map[string]any{"version_info": "1", "resources": listeners})
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		whole["node"] = map[string]any{"id": "cases", "cluster": "cases"}
		whole["dynamic_resources"] = map[string]any{"lds_config": map[string]any{
			"resource_api_version": "V3", "path_config_source": map[string]any{"path": file},
		}}
	}
	return Start(t, []byte(JSON(whole)), env, b.Workers)
}

func (b *Bootstrap) reshapeAll(listeners []map[string]any) {
	for _, l := range listeners {
		if b.Reshape != nil {
			b.Reshape(l["name"].(string), ConfigOf(ManagerOf(l))["configuration"].(map[string]any))
		}
		if alter := b.Alter[l["name"].(string)]; alter != nil {
			alter(ManagerOf(l))
		}
	}
}

// speak sets the protocol in which a cluster is spoken to.
func speak(cluster, protocol map[string]any) {
	cluster["typed_extension_protocol_options"] = map[string]any{
		"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": map[string]any{
			"@type":                "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
			"explicit_http_config": protocol,
		},
	}
}

// ManagerOf finds the HTTP connection manager in a listener.
func ManagerOf(listener map[string]any) map[string]any {
	chain := listener["filter_chains"].([]any)[0].(map[string]any)
	return chain["filters"].([]any)[0].(map[string]any)["typed_config"].(map[string]any)
}

// ConfigOf finds the configuration of a manager's plugin.
func ConfigOf(manager map[string]any) map[string]any {
	module := manager["http_filters"].([]any)[0].(map[string]any)["typed_config"].(map[string]any)
	return module["config"].(map[string]any)
}

// Build is a configuration as JSON, and its listeners in it.
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

// Slug makes a name that may stand in the name of a cluster.
func Slug(name string) string { return strings.ReplaceAll(name, " ", "-") }
