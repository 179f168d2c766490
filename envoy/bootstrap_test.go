package envoy

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

// bootstrap gathers what one Envoy is started with.
type bootstrap struct {
	conf       envoyconf.Config
	discovered envoyconf.Config // its listeners come by discovery
	env        map[string]string
	workers    int // threads, and so VMs
	// reshape, where set, changes how a listener's policy is configured.
	reshape func(listener string, configuration map[string]any)
	// alter changes listeners, by their names: their manager of connections.
	alter map[string]func(manager map[string]any)
	// http2 names the clusters that are spoken to in HTTP/2.
	http2 []string
	// http1Trailers names listeners and clusters that let trailers through in
	// HTTP/1.1, which Envoy drops otherwise.
	http1Trailers []string
	// filters, where set for a listener, take the module's place.
	filters map[string][]any
}

func newBootstrap(t testing.TB, upstream string) *bootstrap {
	return &bootstrap{env: map[string]string{}, alter: map[string]func(map[string]any){}, workers: 2, conf: envoyconf.Config{
		Admin:    "127.0.0.1:0",
		Module:   moduleFile(t),
		VM:       "cases",
		Idle:     answerWithin,
		Clusters: []envoyconf.Cluster{{Name: "upstream", URL: upstream}},
	}}
}

// add gives a case a listener, and a companion where it needs one.
func (b *bootstrap) add(t testing.TB, c *Case) *companion {
	t.Helper()
	p, _ := c.load(t, c.Policy)
	co := c.companion(t, p)
	l := b.listener(t, c, c.Name, c.Policy)
	l.Buffer = envoyconf.BufferLimit(p.Limits.RequestBody, p.Limits.ResponseBody)
	if c.UsesCompanion() {
		srv := httptest.NewServer(co)
		t.Cleanup(srv.Close)
		l.Companion = "companion-of-" + c.Name
		b.conf.Clusters = append(b.conf.Clusters, envoyconf.Cluster{Name: l.Companion, URL: srv.URL})
	}
	for _, r := range p.Remotes {
		b.addCluster(r.Cluster, "http://"+r.Cluster)
	}
	b.conf.Listeners = append(b.conf.Listeners, l)
	return co
}

// addCluster adds one, unless it is there.
func (b *bootstrap) addCluster(name, url string) {
	if !slices.ContainsFunc(b.conf.Clusters, func(c envoyconf.Cluster) bool { return c.Name == name }) {
		b.conf.Clusters = append(b.conf.Clusters, envoyconf.Cluster{Name: name, URL: url})
	}
}

// addPolicy gives a policy a listener, with a companion at a URL or none.
func (b *bootstrap) addPolicy(t testing.TB, name, policy, companion string) {
	t.Helper()
	c := &Case{Name: name, Policy: policy}
	l := b.listener(t, c, name, policy)
	if companion != "" {
		l.Companion = "companion-of-" + name
		b.conf.Clusters = append(b.conf.Clusters, envoyconf.Cluster{Name: l.Companion, URL: companion})
	}
	b.conf.Listeners = append(b.conf.Listeners, l)
}

func (b *bootstrap) discover(t testing.TB, c *Case, name, text string) {
	t.Helper()
	b.discovered.Listeners = append(b.discovered.Listeners, b.listener(t, c, name, text))
}

// listener is one with the policy as `rulegate envoy` writes it: variables stay
// in the environment.
func (b *bootstrap) listener(t testing.TB, c *Case, name, text string) envoyconf.Listener {
	t.Helper()
	doc, err := c.parse(text)
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

// launch starts Envoy with all of it.
func (b *bootstrap) launch(t testing.TB) *process {
	t.Helper()
	var env []string
	for name, value := range b.env {
		b.conf.HostEnv = append(b.conf.HostEnv, name)
		env = append(env, name+"="+value)
	}
	whole, listeners := b.build(t, b.conf)
	b.reshapeAll(listeners)
	for _, c := range whole["static_resources"].(map[string]any)["clusters"].([]any) {
		switch c := c.(map[string]any); {
		case slices.Contains(b.http2, c["name"].(string)):
			speak(c, map[string]any{"http2_protocol_options": map[string]any{}})
		case slices.Contains(b.http1Trailers, c["name"].(string)):
			speak(c, map[string]any{"http_protocol_options": map[string]any{"enable_trailers": true}})
		}
	}
	for _, l := range listeners {
		if own, set := b.filters[l["name"].(string)]; set {
			m := managerOf(l)
			m["http_filters"] = append(own, m["http_filters"].([]any)[1:]...)
		}
		if slices.Contains(b.http1Trailers, l["name"].(string)) {
			managerOf(l)["http_protocol_options"] = map[string]any{"enable_trailers": true}
		}
	}
	if len(b.discovered.Listeners) > 0 {
		with := b.conf
		with.Listeners = b.discovered.Listeners
		_, listeners := b.build(t, with)
		b.reshapeAll(listeners)
		for _, l := range listeners {
			l["@type"] = "type.googleapis.com/envoy.config.listener.v3.Listener"
		}
		file := filepath.Join(t.TempDir(), "listeners.json")
		text := mustJSON(map[string]any{"version_info": "1", "resources": listeners})
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		whole["node"] = map[string]any{"id": "cases", "cluster": "cases"}
		whole["dynamic_resources"] = map[string]any{"lds_config": map[string]any{
			"resource_api_version": "V3", "path_config_source": map[string]any{"path": file},
		}}
	}
	return launch(t, []byte(mustJSON(whole)), env, b.workers)
}

func (b *bootstrap) reshapeAll(listeners []map[string]any) {
	for _, l := range listeners {
		if b.reshape != nil {
			b.reshape(l["name"].(string), configOf(managerOf(l))["configuration"].(map[string]any))
		}
		if alter := b.alter[l["name"].(string)]; alter != nil {
			alter(managerOf(l))
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

// managerOf finds the HTTP connection manager in a listener.
func managerOf(listener map[string]any) map[string]any {
	chain := listener["filter_chains"].([]any)[0].(map[string]any)
	return chain["filters"].([]any)[0].(map[string]any)["typed_config"].(map[string]any)
}

// configOf finds the configuration of a manager's plugin.
func configOf(manager map[string]any) map[string]any {
	module := manager["http_filters"].([]any)[0].(map[string]any)["typed_config"].(map[string]any)
	return module["config"].(map[string]any)
}

// build is a configuration as JSON, and its listeners in it.
func (b *bootstrap) build(t testing.TB, c envoyconf.Config) (whole map[string]any, listeners []map[string]any) {
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
