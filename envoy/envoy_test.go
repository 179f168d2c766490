package envoy

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/host/envoyconf"
)

// TestEnvoy takes the cases through the module in a real Envoy: one start, a
// listener for each case. Policies that must be refused come by the listener
// discovery service, as one of them in the configuration would end the start.
func TestEnvoy(t *testing.T) {
	cases := loadCases(t)
	up := newUpstream(t)
	b := newBootstrap(t, up)
	companions := map[*Case]*companion{}
	for _, c := range cases {
		if c.Faults != nil {
			b.discover(t, c, refused(c), c.Policy)
			b.discover(t, c, taken(c), c.Loads)
			continue
		}
		companions[c] = b.add(t, c)
	}
	p := b.launch(t)
	t.Cleanup(func() {
		if strings.Contains(p.log(), "panic") {
			t.Errorf("Envoy's log speaks of a panic:\n%s", tail(p.log(), 60))
		}
	})
	p.ready(t)
	at := p.listeners(t)
	log := p.log()
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			if c.Faults != nil {
				refusedInEnvoy(t, c, at, log)
			} else {
				c.runOver(t, at[c.Name], up, companions[c])
			}
			tally.envoy.add(c)
		})
	}
}

func refused(c *Case) string { return c.Name + "/policy.yaml" }
func taken(c *Case) string   { return c.Name + "/loads.yaml" }

// refusedInEnvoy sees that a policy's listener was not taken, with every fault
// in the log, and that its twin was.
func refusedInEnvoy(t *testing.T, c *Case, at map[string]string, log string) {
	t.Helper()
	if at[refused(c)] != "" {
		t.Errorf("%s: listens, want it refused", refused(c))
	}
	if at[taken(c)] == "" {
		t.Errorf("%s: does not listen, want it taken", taken(c))
	}
	for _, f := range c.moduleFaults() {
		if !strings.Contains(log, "rulegate: policy: "+f) {
			t.Errorf("Envoy's log has no word of %q", f)
		}
	}
}

// bootstrap gathers what one Envoy is started with.
type bootstrap struct {
	conf       envoyconf.Config
	discovered envoyconf.Config // its listeners come by discovery
	env        map[string]string
}

func newBootstrap(t testing.TB, up *upstream) *bootstrap {
	return &bootstrap{env: map[string]string{}, conf: envoyconf.Config{
		Admin:    "127.0.0.1:0",
		Module:   moduleFile(t),
		VM:       "cases",
		Idle:     answerWithin,
		Clusters: []envoyconf.Cluster{{Name: "upstream", URL: up.URL}},
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
	b.conf.Listeners = append(b.conf.Listeners, l)
	return co
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
	whole := asJSON(t, b.conf)
	if len(b.discovered.Listeners) > 0 {
		with := b.conf
		with.Listeners = b.discovered.Listeners
		file := filepath.Join(t.TempDir(), "listeners.json")
		resources := asJSON(t, with)["static_resources"].(map[string]any)["listeners"].([]any)
		for _, l := range resources {
			l.(map[string]any)["@type"] = "type.googleapis.com/envoy.config.listener.v3.Listener"
		}
		if err := os.WriteFile(file, []byte(mustJSON(map[string]any{"version_info": "1", "resources": resources})), 0o600); err != nil {
			t.Fatal(err)
		}
		whole["node"] = map[string]any{"id": "cases", "cluster": "cases"}
		whole["dynamic_resources"] = map[string]any{"lds_config": map[string]any{
			"resource_api_version": "V3", "path_config_source": map[string]any{"path": file},
		}}
	}
	return launch(t, []byte(mustJSON(whole)), env)
}

func asJSON(t testing.TB, c envoyconf.Config) map[string]any {
	t.Helper()
	b, err := envoyconf.Build(c)
	if err != nil {
		t.Fatal(err)
	}
	text, err := b.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	if err := dec.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}
