package envoycheck

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/host/envoyconf"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
	"github.com/rulegate/rulegate/rules/value"
)

const testPolicy = `{
"project":"shop",
"auth":{"tokens":[{"name":"own","alg":"HS256","secret":"${JWT_SECRET}","primary":true}]},
"databases":{"db":{"type":"mongo","collections":{}}},
"routes":[
{"name":"order","match":{"methods":["POST"],"path":"/v1/orders"},"rule":{"rule":"match","type":"string","eval":"==","f1":"args.params.customer","f2":"args.auth.id"}},
{"name":"inside","match":{"methods":["GET"],"path":"/inside"},"rule":{"rule":"match","type":"string","eval":"==","f1":"args.request.ip","f2":"10.0.0.1"}},
{"name":"user","match":{"methods":["GET"],"path":"/users/{id}"},"rule":{"rule":"query","db":"db","col":"users","find":{"id":"args.request.vars.id"}},"response":{"rule":"remove","fields":["res.salary"]}}
]}`

// generated returns the configuration for a policy as `rulegate envoy` writes it.
func generated(t *testing.T, text string, change func(*envoyconf.Config)) string {
	t.Helper()
	doc, err := value.Parse(text, policy.MaxDepth)
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := policy.Load(doc, policy.Options{Module: true, AllowUnset: true, Crypto: gocrypto.Crypto()})
	if err != nil {
		t.Fatal(err)
	}
	c := envoyconf.Config{
		Admin: "127.0.0.1:9901", Module: "rulegate.wasm", HostEnv: p.Unset,
		Clusters: []envoyconf.Cluster{{Name: "upstream", URL: "http://127.0.0.1:8080"}, {Name: "rulegate-companion", URL: "http://127.0.0.1:9000"}},
		Listeners: []envoyconf.Listener{{
			Name: "rulegate", Address: "0.0.0.0:10000", Policy: text, Rules: p, Upstream: "upstream",
			Buffer: envoyconf.BufferLimit(p.Limits.RequestBody, p.Limits.ResponseBody),
		}},
	}
	if change != nil {
		change(&c)
	}
	b, err := envoyconf.Build(c)
	if err != nil {
		t.Fatal(err)
	}
	out, err := b.YAML()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func check(t *testing.T, text string) []Finding {
	t.Helper()
	found, err := Check("front.yaml", []byte(text), Options{Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// edits are pairs of an old and a new text. In both, a line that follows has the
// indentation of the old text's line in the configuration.
type edits []string

func (e edits) apply(t *testing.T, text string) string {
	t.Helper()
	for i := 0; i+1 < len(e); i += 2 {
		at := strings.Index(text, e[i])
		if at < 0 {
			t.Fatalf("the configuration has no %q", e[i])
		}
		start := strings.LastIndexByte(text[:at], '\n') + 1
		indent := text[start : at+len(e[i])]
		indent = indent[:len(indent)-len(strings.TrimLeft(indent, " -"))]
		if strings.HasPrefix(e[i], "-") {
			indent = indent[:strings.IndexByte(indent, '-')]
		}
		indent = strings.Repeat(" ", len(indent))
		lines, ends := strings.CutSuffix(e[i+1], "\n")
		lines = strings.ReplaceAll(lines, "\n", "\n"+indent)
		if ends {
			lines += "\n"
		}
		text = text[:at] + lines + text[at+len(e[i]):]
	}
	return text
}

const (
	module  = "- name: rulegate\n                    typed_config:\n                      '@type': type.googleapis.com/envoy.extensions.filters.http.wasm"
	filters = "http_filters:\n"
)

// before returns an edit that puts a filter before the module.
func beforeModule(kind, fields string) edits {
	return edits{filters, filters + "  - name: other\n    typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.http." + kind + fields + "}\n"}
}

// A listener beside that of the module.
func listener(address, cluster, filters string) edits {
	return edits{"  listeners:\n", `  listeners:
  - name: side
    address: {socket_address: {address: ` + address + `, port_value: 10009}}
    filter_chains:
    - filters:
      - typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: side
          route_config: {virtual_hosts: [{name: a, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: ` + cluster + `}}]}]}
          http_filters: [` + filters + `]
`}
}

// fixtures are configurations that are wrong, and others that are right, by the codes
// of findings. Each is the generated configuration with some edits.
var fixtures = []struct {
	code      string
	level     Level
	bad, good edits
	at        string // in the line of the finding
	path      string // the end of the finding's path
	fix       string
}{
	{"stop-iteration", Error, edits{"allow_on_headers_stop_iteration: true", "allow_on_headers_stop_iteration: false"}, edits{"allow_on_headers_stop_iteration: true", "allowOnHeadersStopIteration: true"},
		"allow_on_headers", "config.allow_on_headers_stop_iteration", "allow_on_headers_stop_iteration: true"},
	{"stop-iteration", Error, edits{"allow_on_headers_stop_iteration: true", ""}, nil, "config:", "typed_config.config", ""},
	{"failure-policy", Warning, edits{"failure_policy: FAIL_RELOAD", "failure_policy: FAIL_CLOSED"}, edits{"failure_policy: FAIL_RELOAD", "failure_policy: 3"}, "FAIL_CLOSED", "config.failure_policy", "FAIL_RELOAD"},
	{"failure-policy", Error, edits{"failure_policy: FAIL_RELOAD", "fail_open: true"}, nil, "fail_open", "config.fail_open", "FAIL_RELOAD"},
	{"failure-policy", Error, edits{"failure_policy: FAIL_RELOAD", "failure_policy: FAIL_OPEN"}, nil, "FAIL_OPEN", "config.failure_policy", "FAIL_RELOAD"},
	{"vm-id", Warning, edits{"vm_id: rulegate-", "# vm_id: rulegate-"}, nil, "vm_config:", "vm_config", "vm_id"},
	{"vm-id", Error, beforeModule("wasm.v3.Wasm", ", config: {vm_config: {vm_id: VMID, code: {local: {filename: other.wasm}}}}"),
		beforeModule("wasm.v3.Wasm", ", config: {vm_config: {vm_id: other, code: {local: {filename: other.wasm}}}}"), "other.wasm", "vm_id", "vm_id of its own"},
	{"missing-variable", Error, edits{"host_env_keys", "# host_env_keys", "- JWT_SECRET", "key_values: {OTHER: a}"}, edits{"host_env_keys", "# host_env_keys", "- JWT_SECRET", "key_values: {JWT_SECRET: 0123456789abcdef0123456789abcdef}"},
		"environment_variables", "environment_variables", "add JWT_SECRET"},
	{"missing-cluster", Error, edits{"name: rulegate-companion", "name: companion"}, nil, "configuration:", "config.configuration", "--print clusters"},
	{"faulty-policy", Error, edits{`"rule": "query"`, `"rule": "qery"`}, nil, "configuration:", "config.configuration", "rulegate check"},
	{"buffer", Error, edits{"per_connection_buffer_limit_bytes: 4259840", "per_connection_buffer_limit_bytes: 32768"}, edits{"per_connection_buffer_limit_bytes: 4259840", "per_connection_buffer_limit_bytes: 9000000"}, "32768", "listeners[0].per_connection_buffer_limit_bytes", "4259840"},
	{"buffer", Error, edits{"per_connection_buffer_limit_bytes: 4259840", "enable_reuse_port: true"}, nil, "name: rulegate", "listeners[0]", "4259840"},
	{"http2-window", Error, edits{"initial_stream_window_size: 4259840", "initial_stream_window_size: 65536"}, edits{"initial_stream_window_size: 4259840", "allow_connect: false"}, "65536", "initial_stream_window_size", "initial_stream_window_size: 4259840"},
	{"upstream-read", Note, edits{"per_connection_buffer_limit_bytes: 32768", "alt_stat_name: up"}, edits{"per_connection_buffer_limit_bytes: 32768", "per_connection_buffer_limit_bytes: 16384"}, "name: upstream", "clusters[0]", "32768"},
	{"normalize-path", Warning, edits{"normalize_path: true", "normalize_path: false"}, edits{"normalize_path: true", "normalizePath: true"}, "normalize_path", "normalize_path", "normalize_path: true"},
	{"merge-slashes", Warning, edits{"merge_slashes: true", ""}, edits{"merge_slashes", `"merge_slashes"`}, "typed_config:", "typed_config", "merge_slashes: true"},
	{"escaped-slashes", Warning, edits{"REJECT_REQUEST", "KEEP_UNCHANGED"}, edits{"REJECT_REQUEST", "UNESCAPE_AND_REDIRECT"}, "KEEP_UNCHANGED", "path_with_escaped_slashes_action", "REJECT_REQUEST"},
	{"escaped-slashes", Warning, edits{`"path": "/users/{id}"`, `"path": "/users/{id}"}, "paths": {"encodedSlash": "keep"`}, edits{`"path": "/users/{id}"`, `"path": "/users/{id}"}, "paths": {"encodedSlash": "keep"`, "REJECT_REQUEST", "KEEP_UNCHANGED"}, "REJECT_REQUEST", "path_with_escaped_slashes_action", "KEEP_UNCHANGED"},
	{"idle-timeout", Error, edits{"stream_idle_timeout: 30s", "stream_idle_timeout: 0s"}, edits{"stream_idle_timeout: 30s", "stream_idle_timeout: 12.5s"}, "stream_idle", "stream_idle_timeout", "30s"},
	{"idle-timeout", Warning, edits{"stream_idle_timeout: 30s", "stream_idle_timeout: 10s"}, nil, "stream_idle", "stream_idle_timeout", "30s"},
	{"idle-timeout", Note, edits{"stream_idle_timeout: 30s", ""}, nil, "typed_config:", "typed_config", "30s"},
	{"idle-timeout", Error, edits{"- match:", "- match: {prefix: /}\n  route: {cluster: upstream, idle_timeout: 0s}\n- match:"}, nil, "idle_timeout: 0s", "route.idle_timeout", "filter_state"},
	{"idle-released", Note, edits{"- key: rulegate.released", "- key: other"}, nil, "stream_idle", "stream_idle_timeout", "rulegate.released"},
	{"forwarded-for", Error, edits{"use_remote_address: true", "use_remote_address: false"}, edits{"use_remote_address: true", "use_remote_address: true\nxff_num_trusted_hops: 0"}, "use_remote", "use_remote_address", "use_remote_address: true"},
	{"forwarded-for", Note, edits{"use_remote_address: true", "use_remote_address: true\nxff_num_trusted_hops: 1"}, nil, "hops", "xff_num_trusted_hops", "only those proxies"},
	{"forwarded-for", Error, edits{"use_remote_address: true", `original_ip_detection_extensions: [{typed_config: {"@type": type.googleapis.com/envoy.extensions.http.original_ip_detection.custom_header.v3.CustomHeaderConfig, header_name: x-real-ip}}]`},
		edits{"use_remote_address: true", `original_ip_detection_extensions: [{typed_config: {"@type": type.googleapis.com/envoy.extensions.http.original_ip_detection.xff.v3.XffConfig, xff_trusted_cidrs: {cidrs: [{address_prefix: 10.0.0.0, prefix_len: 8}]}}}]`}, "x-real-ip", "extensions[0]", "replace the header"},
	{"forwarded-for", Error, edits{"use_remote_address: true", `original_ip_detection_extensions: [{typed_config: {"@type": type.googleapis.com/envoy.extensions.http.original_ip_detection.xff.v3.XffConfig}}]`}, nil, "Xff", "extensions[0]", "cidrs"},
	{"forwarded-for", Note, edits{"- name: rulegate\n", "- name: rulegate\n  listener_filters: [{typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol}}]\n"}, nil, "ProxyProtocol", "listener_filters[0]", "load balancer"},
	{"token-removed", Error, beforeModule("jwt_authn.v3.JwtAuthentication", ", providers: {own: {issuer: a}}"), beforeModule("jwt_authn.v3.JwtAuthentication", ", providers: {own: {issuer: a, forward: true}}"), "jwt_authn", "providers.own", "forward: true"},
	{"token-removed", Error, beforeModule("header_mutation.v3.HeaderMutation", ", mutations: {request_mutations: [{remove: Authorization}]}"), beforeModule("header_mutation.v3.HeaderMutation", ", mutations: {request_mutations: [{remove: x-a}]}"), "Authorization", "remove", "leave the header"},
	{"token-removed", Error, edits{"remove: x-real-ip", "remove: authorization"}, nil, "authorization", "remove", "leave the header"},
	{"token-removed", Error, beforeModule("oauth2.v3.OAuth2", ", config: {signout_path: {path: {exact: /a}}}"), beforeModule("oauth2.v3.OAuth2", ", config: {forward_bearer_token: true}"), "oauth2", "config", "forward_bearer_token"},
	{"answers-before", Error, beforeModule("cache.v3.CacheConfig", ""), edits{"- name: envoy.filters.http.router", "- name: c\n  typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.cache.v3.CacheConfig}\n- name: envoy.filters.http.router"}, "name: other", "http_filters[0]", "after rulegate"},
	{"answers-before", Warning, beforeModule("lua.v3.Lua", ", default_source_code: {inline_string: 'function envoy_on_request(h) h:respond({}, \"\") end'}"), beforeModule("lua.v3.Lua", ", default_source_code: {inline_string: 'function envoy_on_request(h) end'}"), "name: other", "http_filters[0]", "after rulegate"},
	{"answers-before", Note, beforeModule("health_check.v3.HealthCheck", ", pass_through_mode: false"), beforeModule("health_check.v3.HealthCheck", ", pass_through_mode: true"), "name: other", "http_filters[0]", "after rulegate"},
	{"answers-before", Note, beforeModule("ext_proc.v3.ExternalProcessor", ""), beforeModule("ext_authz.v3.ExtAuthz", ""), "name: other", "http_filters[0]", "unless it only refuses"},
	{"compressed", Error, edits{"- name: envoy.filters.http.router", "- name: c\n  typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.compressor.v3.Compressor}\n- name: envoy.filters.http.router"}, beforeModule("compressor.v3.Compressor", ""), "- name: c", "http_filters[2]", "other order"},
	{"matcher", Error, edits{module + ".v3.Wasm\n                      config:", "-\n name: rulegate\n typed_config:\n  \"@type\": type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher\n  extension_config:\n   typed_config:\n    \"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm\n    config:"}, nil, "name: rulegate", "http_filters[0]", "without ExtensionWithMatcher"},
	{"route-without", Error, edits{"- name: upstream\n                      domains", "- name: upstream\n  typed_per_filter_config: {rulegate: {\"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true}}\n  domains"},
		edits{"- name: upstream\n                      domains", "- name: upstream\n  typed_per_filter_config: {other: {\"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true}}\n  domains"}, "match", "routes[0]", "enable it for all"},
	{"route-without", Error, edits{"- name: rulegate\n                    typed_config", "- name: rulegate\n  disabled: true\n  typed_config"},
		edits{"- name: rulegate\n                    typed_config", "- name: rulegate\n  disabled: true\n  typed_config", "- name: upstream\n                      domains", "- name: upstream\n  typed_per_filter_config: {rulegate: {\"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig, config: {}}}\n  domains"}, "match", "routes[0]", "enable it for all"},
	{"route-without", Error, listener("0.0.0.0", "upstream", ""), listener("0.0.0.0", "elsewhere", ""), "cluster: upstream", "routes[0]", "this listener too"},
	{"route-without", Warning, listener("127.0.0.1", "upstream", ""), nil, "cluster: upstream", "routes[0]", "this listener too"},
	{"route-without", Error, edits{"  listeners:\n", "  listeners:\n  - name: tcp\n    address: {socket_address: {address: \"::\", port_value: 1}}\n    filter_chains: [{filters: [{typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, cluster: upstream}}]}]\n"}, nil, "TcpProxy", "typed_config.cluster", "this listener too"},
	{"route-without", Error, edits{filters, "upgrade_configs: [{upgrade_type: websocket, filters: [{name: r, typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]}]\n" + filters}, edits{filters, "upgrade_configs: [{upgrade_type: websocket}]\n" + filters}, "websocket", "upgrade_configs[0]", "no filters here"},
	{"routes-unseen", Note, edits{"route_config:\n", "rds: {route_config_name: a, config_source: {ads: {}}}\nunused:\n"}, nil, "rds", "rds", "admin interface"},
	{"stats-tags", Warning, edits{"- tag_name: resource", "- tag_name: other"}, nil, "stats_config", "stats_config", "--print stats"},
	{"stats-tags", Warning, edits{"stats_config:\n", "unused:\n"}, nil, "admin", ".", "--print stats"},
	{"no-filter", Error, edits{"envoy.extensions.filters.http.wasm.v3.Wasm", "envoy.extensions.filters.http.rbac.v3.RBAC"}, nil, "http_filters", "http_filters", "--print filter"},
	{"no-filter", Error, edits{"v3.HttpConnectionManager", "v3.Other"}, nil, "name: rulegate", "listeners[0]", "--print filter"},
	{"unreadable-file", Error, edits{"static_resources:\n", "dynamic_resources: {lds_config: {path_config_source: {path: .}}}\nstatic_resources:\n"}, nil, "lds_config", "path_config_source.path", "Envoy's folder"},
	{"unreadable-file", Note, edits{"static_resources:\n", "dynamic_resources: {lds_config: {path_config_source: {path: /none/such}}}\nstatic_resources:\n"}, edits{"static_resources:\n", "dynamic_resources: {lds_config: {ads: {}}}\nstatic_resources:\n"}, "lds_config", "path_config_source.path", "Envoy's folder"},
}

func TestFixtures(t *testing.T) {
	base := generated(t, testPolicy, nil)
	vm := base[strings.Index(base, "vm_id: ")+len("vm_id: "):]
	vm = vm[:strings.IndexByte(vm, '\n')]
	for i, f := range fixtures {
		t.Run(fmt.Sprint(f.code, " ", i), func(t *testing.T) {
			text := strings.ReplaceAll(f.bad.apply(t, base), "VMID", vm)
			var of []Finding
			for _, x := range check(t, text) {
				if x.Code == f.code {
					of = append(of, x)
				} else if x.Level == Error {
					t.Errorf("another finding: %+v", x)
				}
			}
			if len(of) == 0 {
				t.Fatalf("not found in\n%s", text)
			}
			x := of[0]
			line := strings.Split(text, "\n")[x.Line-1]
			if x.Level != f.level || !strings.HasSuffix(x.Path, f.path) || !strings.Contains(line, f.at) || !strings.Contains(x.Fix, f.fix) || x.Why == "" {
				t.Errorf("%+v\nat %s", x, line)
			}
			for _, x := range check(t, f.good.apply(t, base)) {
				if x.Code == f.code {
					t.Errorf("the good one has: %+v", x)
				}
			}
		})
	}
}

// Each code that a finding may have is explained and has a fixture or a test.
func TestCodes(t *testing.T) {
	elsewhere := map[string]bool{"expired-certificate": true, "certificate-unread": true, "refused-update": true}
	for _, f := range fixtures {
		if Codes[f.code] == "" {
			t.Errorf("%s: not explained", f.code)
		}
		elsewhere[f.code] = true
	}
	for code := range Codes {
		if !elsewhere[code] {
			t.Errorf("%s: no fixture", code)
		}
	}
}

// What is generated has nothing to find, whatever the options.
func TestGeneratedIsClean(t *testing.T) {
	dir := t.TempDir()
	cert, key := pair(t, dir, "gw", time.Now().Add(-time.Hour), time.Now().Add(1000*time.Hour))
	for name, change := range map[string]func(*envoyconf.Config){
		"plain":   nil,
		"socket":  func(c *envoyconf.Config) { c.Listeners[0].Address = "unix:/run/a"; c.Admin = "" },
		"trusted": func(c *envoyconf.Config) { c.TrustForwarded = true },
		"tls": func(c *envoyconf.Config) {
			c.Listeners[0].TLS = &envoyconf.ServerTLS{Cert: cert, Key: key, ClientCA: cert}
			c.Clusters[0] = envoyconf.Cluster{Name: "upstream", URL: "https://127.0.0.1:1", CA: cert, Cert: cert, Key: key}
		},
	} {
		for _, policy := range []string{testPolicy, `{"routes":[]}`, `{"limits":{"requestBody":"64MiB","responseBody":"1KiB"},"routes":[{"match":{"path":"/a/{x}"},"paths":{"encodedSlash":"keep"},"idle":"1h","rule":{"rule":"allow"}}]}`} {
			if found := check(t, generated(t, policy, change)); len(found) > 0 {
				t.Errorf("%s: %+v", name, found)
			}
		}
	}
}

func TestForms(t *testing.T) {
	base := generated(t, testPolicy, nil)
	bad := strings.Replace(base, "use_remote_address: true", "use_remote_address: false", 1)
	root, err := parse("front.yaml", []byte(bad))
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.MarshalIndent(root.plain(), "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	discovery, err := json.Marshal(map[string]any{"resources": []any{withType(root.get("static_resources", "listeners").all()[0].plain(), "envoy.config.listener.v3.Listener")}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "lds.json")
	if err := os.WriteFile(file, discovery, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"yaml": bad, "json": string(asJSON), "byte order mark": "\ufeff" + string(asJSON), "discovery response": string(discovery),
		"listeners by a file": "dynamic_resources: {lds_config: {path_config_source: {path: " + file + "}}}\nstats_config: " + statsJSON(root),
		"anchor":              strings.Replace(bad, "normalize_path: true", "normalize_path: &on true", 1),
	} {
		found := check(t, text)
		if len(found) != 1 || found[0].Code != "forwarded-for" {
			t.Errorf("%s: %+v", name, found)
		}
		if name == "json" && !strings.Contains(strings.Split(text, "\n")[found[0].Line-1], "use_remote_address") {
			t.Errorf("json: line %d", found[0].Line)
		}
	}
}

func withType(v any, name string) any {
	v.(map[string]any)["@type"] = "type.googleapis.com/" + name
	return v
}

func statsJSON(root *node) string {
	text, _ := json.Marshal(root.get("stats_config").plain())
	return string(text)
}

// A policy as Struct or BytesValue is read too.
func TestPolicyForms(t *testing.T) {
	base := generated(t, testPolicy, nil)
	at := strings.Index(base, `'@type': type.googleapis.com/google.protobuf.StringValue`)
	end := at + strings.Index(base[at:], "vm_config:")
	indent := "\n" + strings.Repeat(" ", at-strings.LastIndexByte(base[:at], '\n')-1)
	for name, form := range map[string]string{
		"Struct":     "value: {auth: {tokens: [{alg: HS256, secret: '${JWT_SECRET}'}]}, limits: {requestBody: 8MiB, depth: 7}, routes: []}",
		"BytesValue": "value: eyJsaW1pdHMiOnsicmVxdWVzdEJvZHkiOiI4TWlCIiwiZGVwdGgiOjd9LCJyb3V0ZXMiOltdfQ==",
	} {
		text := base[:at] + `"@type": type.googleapis.com/google.protobuf.` + name + indent + form + indent[:len(indent)-2] + base[end:]
		found := check(t, text)
		if len(found) < 2 || found[0].Code != "buffer" || !strings.Contains(found[0].Fix, "8454144") {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":               "want a configuration of Envoy",
		"a: [":           "",
		"{}":             "no listener",
		"a: &a [*a, *a]": "nested too deep",
		`{"a":` + strings.Repeat(`[`, 1000) + strings.Repeat(`]`, 1000) + "}": "nested too deep",
		`static_resources: {clusters: []}`:                                    "no listener",
	} {
		if _, err := Check("x", []byte(text), Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v", text, err)
		}
	}
	bomb := "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
	for c := 'b'; c < 'j'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s*%c]\n", c, c, strings.Repeat(fmt.Sprintf("*%c,", c-1), 9), c-1)
	}
	if _, err := Check("x", []byte(bomb), Options{}); err == nil {
		t.Error("ten to the ninth nodes were read")
	}
}

func TestRead(t *testing.T) {
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/config_dump" {
			w.WriteHeader(404)
		}
		fmt.Fprint(w, "dump")
	}))
	defer admin.Close()
	for source, want := range map[string]string{admin.URL: "dump", admin.URL + "/": "dump", admin.URL + "/config_dump": "dump", "-": "in", admin.URL + "/x": "status 404", "/none/such": "no such file", "/dev/zero": "not a file"} {
		_, data, err := Read(context.Background(), source, strings.NewReader("in"))
		got := string(data)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s", source, got)
		}
	}
}
