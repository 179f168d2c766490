package envoyconf

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"go.yaml.in/yaml/v4"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func sample() Config {
	return Config{
		Admin:   "127.0.0.1:9901",
		Module:  "rulegate.wasm",
		HostEnv: []string{"JWT_SECRET"},
		VM:      "rulegate-sample",
		Clusters: []Cluster{
			{Name: "upstream", URL: "https://shop.example"},
			{Name: "rulegate-companion", URL: "http://127.0.0.1:9000", Connect: time.Second},
		},
		Listeners: []Listener{{
			Name:     "rulegate",
			Address:  "127.0.0.1:10000",
			Policy:   `{"project":"shop","auth":{"tokens":[{"alg":"HS256","secret":"${JWT_SECRET}"}]},"limits":{"depth":1e1}}`,
			Upstream: "upstream",
		}},
	}
}

func TestGolden(t *testing.T) {
	b, err := Build(sample())
	if err != nil {
		t.Fatal(err)
	}
	for name, encode := range map[string]func() ([]byte, error){"sample.yaml": b.YAML, "sample.json": b.JSON} {
		got, err := encode()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from the golden file (run with -update to rewrite it):\n%s", name, got)
		}
	}
}

// YAML and JSON hold the same configuration, whatever characters a policy has.
func TestFormsAgree(t *testing.T) {
	c := sample()
	c.Listeners[0].Policy = `{"project":"ä \u0085 ` + "\u0085\u2028\ufeff\U000e0001" + ` # : - | '\" \\n","a":["  lead",{"k: v":"trail  "}],"n":12345678901234567890,"f":1.0}`
	b, err := Build(c)
	if err != nil {
		t.Fatal(err)
	}
	y, err := b.YAML()
	if err != nil {
		t.Fatal(err)
	}
	j, err := b.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var fromYAML, fromJSON any
	if err := yaml.Unmarshal(y, &fromYAML); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(j, &fromJSON); err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(fromYAML)
	e, _ := json.Marshal(fromJSON)
	if !bytes.Equal(a, e) {
		t.Errorf("YAML reads as\n%s\nJSON as\n%s", a, e)
	}
	for _, r := range string(y) {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Errorf("U+%04X is in the YAML; parsers disagree on it", r)
		}
	}
	if want := `12345678901234567890`; !bytes.Contains(y, []byte(want)) {
		t.Errorf("the number %s was rewritten", want)
	}
}

func TestAddress(t *testing.T) {
	for in, want := range map[string]string{
		"127.0.0.1:80":  `{"socket_address":{"address":"127.0.0.1","port_value":80}}`,
		"[::1]:0":       `{"socket_address":{"address":"::1","port_value":0}}`,
		":8080":         `{"socket_address":{"address":"0.0.0.0","port_value":8080}}`,
		"localhost:1":   `{"socket_address":{"address":"127.0.0.1","port_value":1}}`,
		"unix:/run/x.s": `{"pipe":{"path":"/run/x.s"}}`,
		"unix:x.s":      "and an absolute path",
		"example.org:1": "want an IP address",
		"127.0.0.1":     "want host:port",
		"127.0.0.1:x":   "want a port",
		"127.0.0.1:-1":  "want a port",
		"1.1.1.1:65536": "want a port",
	} {
		o, err := address(in)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			text, _ := json.Marshal(o)
			got = string(text)
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: want %s, found %s", in, want, got)
		}
	}
}

func TestCluster(t *testing.T) {
	for url, want := range map[string]string{
		"http://127.0.0.1:8080":   `"type":"STATIC"`,
		"http://shop.example":     `"port_value":80`,
		"http://shop.example/":    `"type":"STRICT_DNS"`,
		"https://shop.example":    `"sni":"shop.example"`,
		"https://[::1]:8443":      `"san_type":"IP_ADDRESS"`,
		"unix:///run/up.sock":     `"pipe":{"path":"/run/up.sock"}`,
		"unix:/run/up.sock":       `"pipe":{"path":"/run/up.sock"}`,
		"shop.example:80":         "want http://",
		"ftp://shop.example":      "want http://",
		"http://":                 "want http://",
		"http://a/base":           "want nothing but",
		"http://u:p@a":            "want nothing but",
		"http://a?x":              "want nothing but",
		"http://a:0":              "want a port",
		"unix:up.sock":            "and an absolute path",
		"https://shop.example:99": `"port_value":99`,
	} {
		o, err := Cluster{Name: "c", URL: url}.object()
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			text, _ := json.Marshal(o)
			got = string(text)
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: want %s, found %s", url, want, got)
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no module":          {func(c *Config) { c.Module = "" }, "module: want a path"},
		"bad admin":          {func(c *Config) { c.Admin = "x" }, "admin: address"},
		"bad listener":       {func(c *Config) { c.Listeners[0].Address = "x" }, "listener rulegate: address"},
		"unknown upstream":   {func(c *Config) { c.Listeners[0].Upstream = "x" }, `no cluster "x"`},
		"no upstream":        {func(c *Config) { c.Listeners[0].Upstream = "" }, "want an upstream"},
		"unknown companion":  {func(c *Config) { c.Listeners[0].Companion = "x" }, `no cluster "x"`},
		"listener twice":     {func(c *Config) { c.Listeners = append(c.Listeners, c.Listeners[0]) }, "listener rulegate: twice"},
		"cluster twice":      {func(c *Config) { c.Clusters[1].Name = "upstream" }, "cluster upstream: twice"},
		"nothing is refused": {func(*Config) {}, ""},
	} {
		cfg := sample()
		c.change(&cfg)
		_, err := Build(cfg)
		switch {
		case err == nil && c.want != "":
			t.Errorf("%s: built", name)
		case err != nil && (c.want == "" || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: want %q, found %v", name, c.want, err)
		}
	}
}

func TestVM(t *testing.T) {
	id := func(change func(*Config)) string {
		c := sample()
		c.VM = ""
		change(&c)
		id, err := c.vmID()
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	base := id(func(*Config) {})
	if again := id(func(*Config) {}); again != base {
		t.Errorf("one configuration, two ids: %s, %s", base, again)
	}
	if other := id(func(c *Config) { c.Listeners[0].Policy = "{}" }); other == base {
		t.Error("another policy has the same id")
	}
	module := filepath.Join(t.TempDir(), "m.wasm")
	os.WriteFile(module, []byte("a"), 0o600)
	first := id(func(c *Config) { c.Module = module })
	os.WriteFile(module, []byte("b"), 0o600)
	if second := id(func(c *Config) { c.Module = module }); first == base || second == first {
		t.Error("another module has the same id")
	}
}
