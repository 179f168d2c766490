package envoycheck

import (
	"fmt"
	"strings"
	"time"

	"github.com/rulegate/rulegate/host/envoyconf"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/policy/schema"
)

// Envoy's defaults.
const (
	defaultBuffer = 1 << 20
	defaultWindow = 16 << 20
	defaultIdle   = 5 * time.Minute
)

// checkBuffers compares the buffers with the policy's limits.
func (c *checker) checkBuffers(u *use) {
	limits := u.policy.Limits
	level := Warning
	if u.waits {
		level = Error
	}
	want := envoyconf.BufferLimit(limits.RequestBody, limits.ResponseBody)
	at := u.listener.get("per_connection_buffer_limit_bytes")
	have := at.number(defaultBuffer)
	if have < want {
		c.add(or(at, u.listener), "buffer", level, fmt.Sprintf("the buffer, %s, is below the policy's limits (requestBody %s, responseBody %s): over HTTP/1.1 Envoy answers 413 or 500 before rulegate has seen the body",
			size(have), size(limits.RequestBody), size(limits.ResponseBody)), fmt.Sprintf("per_connection_buffer_limit_bytes: %d", want))
	}
	for _, protocol := range []string{"http2_protocol_options", "http3_protocol_options"} {
		options := u.get(protocol)
		window := options.get("initial_stream_window_size")
		if protocol == "http3_protocol_options" {
			window = options.get("quic_protocol_options", "initial_stream_window_size")
			if u.get("codec_type").string() != "HTTP3" {
				continue
			}
		}
		if have := window.number(defaultWindow); have < want {
			c.add(or(window, options, u.node), "http2-window", level, fmt.Sprintf("over HTTP/2 and HTTP/3 a stream's window is Envoy's buffer: %s is below the policy's limits, so longer bodies get 413 or 500", size(have)),
				fmt.Sprintf("%s: {initial_stream_window_size: %d, initial_connection_window_size: %d}", protocol, want, max(want, 1<<20)))
		}
	}
	for name, route := range targets(u.routes) {
		cluster := c.clusters[name]
		if cluster == nil || !u.waits || have < want {
			continue
		}
		read := cluster.get("per_connection_buffer_limit_bytes")
		if read.number(defaultBuffer) > have-limits.ResponseBody {
			c.add(or(read, cluster, route), "upstream-read", Note, fmt.Sprintf("one read from this cluster may be longer (%s) than the buffer has room above limits.responseBody: Envoy then answers 500 to a response that is too large, where rulegate would answer 502 and log why", size(read.number(defaultBuffer))),
				"per_connection_buffer_limit_bytes: 32768")
		}
	}
}

func size(n int) string { return schema.FormatSize(n) }

// checkPaths requires that the upstream gets the path that was decided.
func (c *checker) checkPaths(u *use) {
	if at := u.get("normalize_path"); !at.isTrue() {
		c.add(or(at, u.node), "normalize-path", Warning, "paths with /./ and /../ reach the module as they are, which refuses them with 400; Envoy's own routes see the other path", "normalize_path: true")
	}
	if at := u.get("merge_slashes"); !at.isTrue() {
		c.add(or(at, u.node), "merge-slashes", Warning, "paths with // reach the module as they are, which refuses them with 400", "merge_slashes: true")
	}
	at := u.get("path_with_escaped_slashes_action")
	switch action := at.string(); {
	case u.policy.KeepsSlashes() && action != "KEEP_UNCHANGED" && action != "":
		c.add(at, "escaped-slashes", Warning, "a route of the policy keeps encoded slashes, and Envoy does not: "+action, "path_with_escaped_slashes_action: KEEP_UNCHANGED")
	case !u.policy.KeepsSlashes() && (action == "" || action == "KEEP_UNCHANGED" || action == "IMPLEMENTATION_SPECIFIC_DEFAULT"):
		c.add(or(at, u.node), "escaped-slashes", Warning, "encoded slashes (%2F) reach Envoy's routes and the module, which refuses them with 400", "path_with_escaped_slashes_action: REJECT_REQUEST")
	}
}

// checkIdle checks that something ends the requests that a crash left behind.
func (c *checker) checkIdle(u *use) {
	at := u.get("stream_idle_timeout")
	idle := at.duration(defaultIdle)
	switch body := u.policy.Limits.BodyTimeout; {
	case !u.waits:
	case idle == 0:
		c.add(or(at, u.node), "idle-timeout", Error, "nothing ends the requests that waited in a VM that crashed: they hang for ever", "stream_idle_timeout: 30s")
	case idle <= body:
		c.add(or(at, u.node), "idle-timeout", Warning, fmt.Sprintf("Envoy ends a request that waits for its body (%v) before rulegate does (limits.bodyTimeout, %v) and logs why", idle, body),
			fmt.Sprintf("stream_idle_timeout: %.0fs", (body+20*time.Second).Seconds()))
	case at == nil:
		c.add(u.node, "idle-timeout", Note, "requests that waited in a VM that crashed end after Envoy's default, 5m", "stream_idle_timeout: 30s, and the filter rulegate.released for requests that were let through")
	}
	marked := false
	u.routes.walk(func(n *node) {
		match := n.get("match")
		if match == nil || !match.object {
			return
		}
		released := strings.Contains(fmt.Sprint(match.get("filter_state").plain()), "rulegate.released")
		marked = marked || released
		timeout := n.get("route", "idle_timeout")
		if u.waits && !released && timeout != nil && timeout.duration(1) == 0 {
			c.add(timeout, "idle-timeout", Error, "nothing ends the requests of this route that waited in a VM that crashed: they hang for ever", "a route with match.filter_state for the long timeout, as `rulegate envoy policy.yaml --print listener` has it")
		}
	})
	if u.waits && u.routes != nil && !marked && idle > 0 && idle < u.policy.Limits.Idle {
		c.add(or(at, u.node), "idle-released", Note, fmt.Sprintf("responses that are silent for %v, such as server-sent events and WebSockets, are ended, though the policy says %v (limits.idle)", idle, u.policy.Limits.Idle),
			"the filter rulegate.released and the routes of `rulegate envoy policy.yaml --print listener`")
	}
}

// checkAddress requires that the client cannot choose the address that rules read as
// args.request.ip.
func (c *checker) checkAddress(u *use) {
	level, read := Warning, "logs show"
	if readsAddress(u.policy) {
		level, read = Error, "a rule decides by (args.request.ip)"
	}
	const fix = "use_remote_address: true, and xff_num_trusted_hops: the number of proxies of yours in front of Envoy"
	remote, hops := u.get("use_remote_address"), u.get("xff_num_trusted_hops")
	detection := u.get("original_ip_detection_extensions").all()
	switch {
	case len(detection) > 0:
		for _, d := range detection {
			c.checkDetection(d, level, read)
		}
	case !remote.isTrue():
		c.add(or(remote, u.node), "forwarded-for", level, "a client can write the address that "+read+": Envoy takes it from x-forwarded-for", fix)
	case hops.number(0) > 0:
		c.add(hops, "forwarded-for", Note, fmt.Sprintf("Envoy takes the address from x-forwarded-for, behind %d proxies: a client that reaches this listener directly chooses it", hops.number(0)),
			"let only those proxies reach the listener")
	}
	for _, f := range u.listener.get("listener_filters").all() {
		if _, kind := typed(f.get("typed_config")); strings.HasSuffix(kind, ".ProxyProtocol") {
			c.add(f, "forwarded-for", Note, "Envoy takes the address from the PROXY protocol: a client that reaches this listener directly chooses it", "let only your load balancer reach the listener")
		}
	}
}

func (c *checker) checkDetection(d *node, level Level, read string) {
	message, kind := typed(d.get("typed_config"))
	switch {
	case strings.HasSuffix(kind, ".CustomHeaderConfig"):
		c.add(d, "forwarded-for", level, fmt.Sprintf("a client can write the address that %s: Envoy takes it from the header %s", read, message.get("header_name").string()),
			"let a proxy in front of Envoy replace the header, or use_remote_address: true without this extension")
	case strings.HasSuffix(kind, ".XffConfig") && message.get("xff_trusted_cidrs") == nil && message.get("xff_num_trusted_hops").number(0) == 0:
		c.add(d, "forwarded-for", level, "a client can write the address that "+read+": Envoy takes it from x-forwarded-for", "xff_trusted_cidrs with the addresses of your proxies")
	}
}

func readsAddress(p *policy.Policy) bool {
	for _, r := range p.Resources() {
		if r.Request.Has("ip") {
			return true
		}
	}
	return false
}

// checkStats looks for the tags that make metrics of the module's counters.
func (c *checker) checkStats() {
	if c.bootstrap == nil {
		return
	}
	at := c.bootstrap.get("stats_config")
	have := map[string]bool{}
	for _, t := range at.get("stats_tags").all() {
		have[t.get("tag_name").string()+" "+t.get("regex").string()] = true
	}
	var missing []string
	for name, regex := range envoyconf.StatsTags() {
		if !have[name+" "+regex] {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		c.add(or(at, c.bootstrap), "stats-tags", Warning, "Prometheus sees a metric for each outcome and route, without these labels: "+strings.Join(sortedUnique(missing), ", "),
			"the part of `rulegate envoy policy.yaml --print stats`")
	}
}
