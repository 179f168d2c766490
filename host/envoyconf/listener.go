package envoyconf

import (
	"fmt"
	"slices"

	"github.com/rulegate/rulegate/rules/policy"
)

// Listener is an address, its policy, and the cluster behind it.
type Listener struct {
	Name    string // unique; "" is rulegate
	Address string // host:port or unix:/path
	// Policy is the policy as JSON for the module; ForModule returns it.
	Policy string
	// Rules is the same policy, whose settings for the proxy go into Envoy's routes;
	// nil: none do.
	Rules *policy.Policy
	// Upstream is the name of the cluster that allowed requests go to.
	Upstream string
	// TLS is nil for plain HTTP.
	TLS *ServerTLS
	// Challenge is nil if no ACME server asks this listener's host.
	Challenge *Challenge
	// Companion is the name of the companion's cluster, which Build writes into
	// the policy; "" leaves the policy as it is.
	Companion string
	// Buffer is the number of bytes of a body that Envoy buffers, from
	// BufferLimit; 0 is enough for bodies of 4 MiB.
	Buffer int
}

// BufferLimit returns the buffer that a proxy needs for a policy's body limits. It
// is larger than the limits, so that the module sees a body that exceeds them and
// answers itself, before the proxy does.
func BufferLimit(request, response int) int { return max(request, response) + 64<<10 }

// listener returns the listener, and that of its challenge.
func (c *Config) listener(l Listener) (list, error) {
	if l.Name == "" {
		l.Name = "rulegate"
	}
	if l.Buffer == 0 {
		l.Buffer = BufferLimit(4<<20, 4<<20)
	}
	addr, err := address(l.Address)
	if err != nil {
		return nil, fmt.Errorf("listener %s: %w", l.Name, err)
	}
	if err := l.TLS.Check(); err != nil {
		return nil, fmt.Errorf("listener %s: tls: %w", l.Name, err)
	}
	filter, err := c.filter(l)
	if err != nil {
		return nil, fmt.Errorf("listener %s: %w", l.Name, err)
	}
	if c.Discovery != "" {
		filter = c.discovered(l)
	}
	chain := object{{"filters", c.connection(l, filter, l.routes())}}
	if l.TLS != nil {
		chain = append(chain, l.TLS.socket())
	}
	out := list{l.object(addr, chain)}
	if l.Challenge != nil {
		plain, err := c.challenge(l, filter)
		if err != nil {
			return nil, fmt.Errorf("listener %s: challenge: %w", l.Name, err)
		}
		out = append(out, plain)
	}
	return out, nil
}

// object is the listener with its one filter chain.
func (l *Listener) object(addr, chain object) object {
	return object{
		{"name", l.Name},
		{"address", addr},
		// Above the policy's limits: at this limit, Envoy answers 413 (request) or
		// 500 (response) before the module has seen the end of the body.
		{"per_connection_buffer_limit_bytes", l.Buffer},
		{"filter_chains", list{chain}},
	}
}

// connection is the network filter of a listener.
func (c *Config) connection(l Listener, filter object, routes list) list {
	return list{object{
		{"name", "envoy.filters.network.http_connection_manager"},
		{"typed_config", c.manager(l, filter, routes)},
	}}
}

// manager is the HTTP connection manager of an edge proxy: it does not trust the
// client's headers about addresses, and the module and the upstream get the same
// normalized path.
func (c *Config) manager(l Listener, filter object, routes list) object {
	slashes := "REJECT_REQUEST"
	if l.Rules != nil && l.Rules.KeepsSlashes() {
		slashes = "KEEP_UNCHANGED" // the module refuses them where no route keeps them
	}
	m := typed("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
		field{"stat_prefix", l.Name},
		field{"codec_type", "AUTO"},
		field{"use_remote_address", true},
		field{"normalize_path", true},
		field{"merge_slashes", true},
		field{"path_with_escaped_slashes_action", slashes},
		// If the module traps, only this timeout ends the streams that waited in
		// its VM. Those that were let through have that of a route.
		field{"stream_idle_timeout", seconds(c.Idle)},
		// A WebSocket is decided by the request that opens it.
		field{"upgrade_configs", list{object{{"upgrade_type", "websocket"}}}},
		field{"request_headers_timeout", "10s"},
		field{"request_timeout", "300s"},
		field{"common_http_protocol_options", object{
			{"idle_timeout", "3600s"},
			// The module removes the underscore aliases of the headers that it sets.
			{"headers_with_underscores_action", "ALLOW"},
		}},
		field{"http2_protocol_options", object{
			{"max_concurrent_streams", 100},
			// For HTTP/2, the stream's window is Envoy's buffer limit in both
			// directions; per_connection_buffer_limit_bytes is for HTTP/1.1.
			{"initial_stream_window_size", max(l.Buffer, 65535)},
			{"initial_connection_window_size", max(l.Buffer, 1<<20)},
		}},
		field{"server_header_transformation", "APPEND_IF_ABSENT"},
		field{"server_name", "rulegate"},
		field{"access_log", list{accessLog(&l)}},
		field{"local_reply_config", namedReplies()},
		field{"http_filters", l.filters(filter)},
		field{"route_config", object{
			{"name", l.Upstream},
			{"virtual_hosts", list{object{
				{"name", l.Upstream},
				{"domains", list{"*"}},
				{"routes", routes},
			}}},
		}},
	)
	if !c.TrustForwarded {
		m = append(m, field{"early_header_mutation_extensions", list{withoutForwarded()}})
	}
	return m
}

// filters returns the HTTP filters around the module.
func (l *Listener) filters(module object) (out list) {
	if l.hasCORS() {
		// Before the module, which would refuse a preflight: it has no token.
		out = append(out, object{{"name", corsFilter}, {"typed_config", typed("envoy.extensions.filters.http.cors.v3.Cors")}})
	}
	out = append(out, module)
	if l.Rules != nil && l.Rules.Waits() {
		out = append(out, releasedFilter())
	}
	return append(out,
		object{{"name", "envoy.filters.http.router"}, {"typed_config", typed("envoy.extensions.filters.http.router.v3.Router")}})
}

// forwarded are headers by which a proxy tells about the client's request. From a
// client they are claims, which some upstreams believe: they choose hosts, addresses
// and paths.
var forwarded = []string{
	"forwarded", "x-forwarded-host", "x-forwarded-port", "x-forwarded-prefix", "x-real-ip", "x-original-url", "x-rewrite-url",
}

// Forwarded returns the names of headers by which a proxy tells about the client's
// request, and which a proxy at the edge removes from requests.
func Forwarded() []string { return slices.Clone(forwarded) }

// withoutForwarded removes the forwarded headers before the module sees them.
func withoutForwarded() object {
	var mutations list
	for _, name := range forwarded {
		mutations = append(mutations, object{{"remove", name}})
	}
	return object{
		{"name", "envoy.http.early_header_mutation.header_mutation"},
		{"typed_config", typed("envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation", field{"mutations", mutations})},
	}
}

// filter is the module with this listener's policy.
func (c *Config) filter(l Listener) (object, error) {
	text, err := l.policy()
	if err != nil {
		return nil, err
	}
	env := object{}
	if len(c.HostEnv) > 0 {
		names := make(list, len(c.HostEnv))
		for i, n := range c.HostEnv {
			names[i] = n
		}
		env = append(env, field{"host_env_keys", names})
	}
	if len(c.Env) > 0 {
		env = append(env, field{"key_values", sorted(c.Env)})
	}
	vm := object{
		{"vm_id", c.VM},
		{"runtime", "envoy.wasm.runtime.v8"},
		{"code", object{{"local", object{{"filename", c.Module}}}}},
	}
	if len(env) > 0 {
		vm = append(vm, field{"environment_variables", env})
	}
	return object{
		{"name", "rulegate"},
		{"typed_config", typed(wasmFilter, field{"config", object{
			{"name", l.Name},
			{"root_id", "rulegate"},
			// Envoy replaces the VM after a trap; FAIL_CLOSED would answer 503 from then on.
			{"failure_policy", "FAIL_RELOAD"},
			// Without this, Envoy calls no body callback for a stream that is paused in
			// its headers, and the request waits until the module's timeout.
			{"allow_on_headers_stop_iteration", true},
			{"configuration", typed("google.protobuf.StringValue", field{"value", text})},
			{"vm_config", vm},
		}})},
	}, nil
}
