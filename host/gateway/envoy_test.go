package gateway

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestScenariosInEnvoy runs the scenarios in a real Envoy, found by $ENVOY or on
// PATH: so the results that the gateway is tested for are Envoy's.
func TestScenariosInEnvoy(t *testing.T) {
	envoy := os.Getenv("ENVOY")
	if envoy == "" {
		envoy, _ = exec.LookPath("envoy")
	}
	if envoy == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("no Envoy: set ENVOY")
		}
		t.Skip("no Envoy: set ENVOY")
	}
	e := &envoyConfig{clusters: map[string]*url.URL{}}
	for name, u := range peers(t) {
		e.clusters[name] = u
	}
	testbeds := map[string]*testbed{}
	add := func(name string, s scenario) {
		b := prepare(t)
		if s.respond != nil {
			b.respond = s.respond(b)
		}
		up := httptest.NewServer(http.HandlerFunc(b.upstream))
		t.Cleanup(up.Close)
		e.clusters[name], _ = url.Parse(up.URL)
		e.listeners = append(e.listeners, listener{name: name, s: s})
		testbeds[name] = b
	}
	for i, s := range scenarios {
		if s.skip == "" {
			add(fmt.Sprintf("s%d", i), s)
		}
	}
	add("path", scenario{name: "paths", script: pathScript})
	for i, tr := range traps {
		add(fmt.Sprintf("t%d", i), tr.scenario())
		e.listeners[len(e.listeners)-1].trap = &tr
	}
	add("crowd", scenario{name: "many wait for one call", script: crowdScript})
	ports := e.run(t, envoy, testbeds)
	for _, l := range e.listeners {
		b := testbeds[l.name]
		b.addr = ports[l.name]
		b.url = "http://" + b.addr
		b.notes.reset()
		t.Run(l.s.name, func(t *testing.T) {
			b.t = t
			if l.s.idle > 0 {
				t.Parallel()
			}
			switch {
			case l.name == "path":
				tryPaths(b)
			case l.name == "crowd":
				tryCrowd(b)
			case l.trap != nil:
				l.trap.play(b)
			default:
				l.s.play(b)
			}
		})
	}
}

type listener struct {
	name string
	s    scenario
	trap *trap // nil: none
}

// vm is the listener's VM: a plugin that traps has its own, because a trap ends
// all plugins of a VM.
func (l *listener) vm() (id, policy string) {
	switch {
	case l.trap == nil:
		return "test", "FAIL_CLOSED"
	case l.trap.closed:
		return l.name, "FAIL_CLOSED"
	}
	return l.name, "FAIL_RELOAD"
}

type envoyConfig struct {
	listeners []listener
	clusters  map[string]*url.URL
}

type object = map[string]any

func (e *envoyConfig) json(module string) []byte {
	var listeners, clusters []any
	for _, l := range e.listeners {
		limit := l.s.limit
		if limit == 0 {
			limit = 1 << 20
		}
		idle := l.s.idle
		if idle == 0 {
			idle = 20 * time.Second
		}
		listeners = append(listeners, object{
			"name":                              l.name,
			"per_connection_buffer_limit_bytes": limit,
			"address":                           socket("127.0.0.1", "0"),
			"filter_chains": []any{object{"filters": []any{object{
				"name": "envoy.filters.network.http_connection_manager",
				"typed_config": object{
					"@type":       "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
					"stat_prefix": l.name, "codec_type": "AUTO", "use_remote_address": true,
					"normalize_path": true, "merge_slashes": true, "path_with_escaped_slashes_action": "REJECT_REQUEST",
					"stream_idle_timeout":   fmt.Sprintf("%.3fs", idle.Seconds()),
					"http_protocol_options": object{"enable_trailers": true},
					// Over HTTP/2 Envoy buffers as much as this.
					"http2_protocol_options": object{"initial_stream_window_size": max(limit, 65535)},
					"route_config": object{"name": "r", "virtual_hosts": []any{object{
						"name": "all", "domains": []any{"*"},
						"routes": []any{object{"name": "main", "match": object{"prefix": "/"}, "route": object{"cluster": l.name}}},
					}}},
					"http_filters": []any{wasmFilter(l, module), object{
						"name":         "router",
						"typed_config": object{"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
					}},
				},
			}}}},
		})
	}
	for name, u := range e.clusters {
		clusters = append(clusters, object{
			"name": name, "type": "STATIC", "connect_timeout": "5s",
			"typed_extension_protocol_options": object{"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": object{
				"@type":                "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
				"explicit_http_config": object{"http_protocol_options": object{"enable_trailers": true}},
			}},
			"load_assignment": object{"cluster_name": name, "endpoints": []any{object{"lb_endpoints": []any{
				object{"endpoint": object{"address": socket(u.Hostname(), u.Port())}},
			}}}},
		})
	}
	out, _ := json.Marshal(object{
		"admin":            object{"address": socket("127.0.0.1", "0")},
		"static_resources": object{"listeners": listeners, "clusters": clusters},
	})
	return out
}

func wasmFilter(l listener, module string) object {
	vm, policy := l.vm()
	return object{
		"name": "wasm",
		"typed_config": object{
			"@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
			"config": object{
				"name": l.name, "root_id": l.name, "failure_policy": policy,
				"allow_on_headers_stop_iteration": !l.s.deny,
				"configuration":                   object{"@type": "type.googleapis.com/google.protobuf.StringValue", "value": l.s.script},
				"vm_config": object{
					"vm_id": vm, "runtime": "envoy.wasm.runtime.v8", "code": object{"local": object{"filename": module}},
				},
			},
		},
	}
}

func socket(host, port string) object {
	return object{"socket_address": object{"address": host, "port_value": json.Number(port)}}
}

// run starts Envoy and returns the address of each listener. A plugin's log goes
// to the notes of the testbed of its name.
func (e *envoyConfig) run(t *testing.T, envoy string, testbeds map[string]*testbed) map[string]string {
	t.Helper()
	dir := t.TempDir()
	module := filepath.Join(dir, "script.wasm")
	config := filepath.Join(dir, "envoy.json")
	admin := filepath.Join(dir, "admin")
	for file, data := range map[string][]byte{module: must(t, script).wasm, config: e.json(module)} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, envoy, "-c", config, "--admin-address-path", admin, "--concurrency", "1",
		"--use-dynamic-base-id", "-l", "warn", "--component-log-level", "wasm:info")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var tail lockedText
	read := make(chan struct{})
	go func() {
		defer close(read)
		for sc := bufio.NewScanner(stderr); sc.Scan(); {
			tail.add(sc.Text())
			_, line, ok := strings.Cut(sc.Text(), "wasm log ")
			name, rest, _ := strings.Cut(line, " ")
			_, note, isNote := strings.Cut(rest, ": note ")
			if b := testbeds[name]; ok && isNote && b != nil {
				b.notes.add(note)
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-read; _ = cmd.Wait() })
	var address []byte
	until(t, func() bool {
		address, _ = os.ReadFile(admin)
		return len(address) > 0
	}, tail.String)
	out := map[string]string{}
	until(t, func() bool {
		resp, err := http.Get("http://" + string(address) + "/listeners?format=json")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		var all struct {
			Listeners []struct {
				Name  string `json:"name"`
				Local struct {
					Socket struct {
						Port int `json:"port_value"`
					} `json:"socket_address"`
				} `json:"local_address"`
			} `json:"listener_statuses"`
		}
		body, _ := io.ReadAll(resp.Body)
		if json.Unmarshal(body, &all) != nil {
			return false
		}
		for _, l := range all.Listeners {
			out[l.Name] = fmt.Sprintf("127.0.0.1:%d", l.Local.Socket.Port)
		}
		return len(out) == len(e.listeners) && ready(string(address))
	}, tail.String)
	return out
}

func ready(admin string) bool {
	resp, err := http.Get("http://" + admin + "/ready")
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	time.Sleep(100 * time.Millisecond)
	return resp.StatusCode == http.StatusOK
}
