package gateway

import (
	"context"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"testing"
)

func TestARefusedConfigurationIsAnErrorWithTheModulesLog(t *testing.T) {
	cfg := prepare(t).config("configure: warn line one; warn line two; pause")
	_, err := New(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "configure: the module refused:\nline one\nline two") {
		t.Fatalf("got %v", err)
	}
	cfg.PluginConfig = []byte("configure: warn line one")
	g, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	_ = g.Close(t.Context())
}

func TestAPanicInConfigureIsAnErrorWithItsText(t *testing.T) {
	_, err := New(t.Context(), prepare(t).config("configure: panic"))
	if err == nil || !strings.Contains(err.Error(), "panic: as told") {
		t.Fatalf("got %v", err)
	}
}

func TestConfigFaults(t *testing.T) {
	for _, c := range []struct {
		name, want string
		change     func(*Config)
	}{
		{"no module", "no module", func(c *Config) { c.Module = nil }},
		{"no upstream", "upstream: want a URL", func(c *Config) { c.Upstream = Cluster{} }},
		{"a scheme", "upstream: want an http or https URL", func(c *Config) { c.Upstream.URL = &url.URL{Scheme: "ftp", Host: "h"} }},
		{"a cluster", `cluster "x": want a URL`, func(c *Config) { c.Clusters = map[string]Cluster{"x": {}} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := prepare(t).config("")
			c.change(&cfg)
			if _, err := New(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestLoadFaults(t *testing.T) {
	for name, wasm := range map[string][]byte{
		"compile":                 []byte("no module"),
		"proxy_on_context_create": {0, 'a', 's', 'm', 1, 0, 0, 0},
		// (import "env" "proxy_nothing" (func))
		`import "proxy_nothing"`: append([]byte{0, 'a', 's', 'm', 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 2, 21, 1, 3, 'e', 'n', 'v', 13},
			append([]byte("proxy_nothing"), 0, 0)...),
	} {
		if _, err := Load(t.Context(), wasm); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %q", err, name)
		}
	}
}

func TestACachedModuleServes(t *testing.T) {
	dir := t.TempDir()
	for range 2 { // the second module is read from the folder
		m, err := LoadCached(t.Context(), must(t, script).wasm, dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = m.Close(context.Background()) })
		b := start(t, "request_headers: reply 403 no", func(c *Config) { c.Module = m })
		if r := b.do("GET", "/", ""); r.code != 403 {
			t.Errorf("got %d %v", r.code, r.err)
		}
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) == 0 {
		t.Errorf("no compiled code is stored: %v %v", files, err)
	}
	if _, err := LoadCached(t.Context(), must(t, script).wasm, "/dev/null/x"); err == nil {
		t.Error("a folder that cannot be created is not an error")
	}
}

func TestWithoutALogNothingIsLogged(t *testing.T) {
	cfg := prepare(t).config("")
	cfg.Log = nil
	g, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if g.cfg.Log.Enabled(t.Context(), slog.LevelError) {
		t.Error("something is logged")
	}
	_ = g.Close(t.Context())
}
