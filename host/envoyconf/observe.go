package envoyconf

import (
	"iter"
	"slices"
	"sort"

	"github.com/rulegate/rulegate/host/metrics"
)

// accessLog writes one JSON object a request to standard output. It leaves out
// the path's query, which may hold a token.
func accessLog(l *Listener) object {
	members := object{
		{"time", "%START_TIME%"},
		{"id", "%REQ(X-REQUEST-ID)%"},
		{"client", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"},
		{"host", "%REQ(:AUTHORITY)%"},
		{"method", "%REQ(:METHOD)%"},
		{"path", "%PATH(NQ:ORIG_OR_PATH)%"},
		{"status", "%RESPONSE_CODE%"},
		{"decision", "%FILTER_STATE(wasm.rulegate.decision:PLAIN)%"},
		{"details", "%RESPONSE_CODE_DETAILS%"},
		{"flags", "%RESPONSE_FLAGS%"},
		{"received", "%BYTES_RECEIVED%"},
		{"sent", "%BYTES_SENT%"},
		{"ms", "%DURATION%"},
		{"upstream", "%UPSTREAM_HOST%"},
	}
	if l.Rules != nil && l.Rules.Log != nil && slices.Contains(l.Rules.Log.To, "metadata") {
		members = append(members, field{"entry", "%FILTER_STATE(wasm.rulegate.log:PLAIN)%"}) // the line of the decision log
	}
	return object{
		{"name", "envoy.access_loggers.stdout"},
		{"typed_config", typed("envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
			field{"log_format", object{{"json_format", members}}},
		)},
	}
}

// namedReplies puts the request's id into the answers that Envoy makes itself, and in
// those of the module: it leads from a client's report to the log.
func namedReplies() object {
	atLeast400 := object{{"op", "GE"}, {"value", object{{"default_value", 400}, {"runtime_key", "rulegate.named_replies"}}}}
	return object{{"mappers", list{object{
		{"filter", object{{"status_code_filter", object{{"comparison", atLeast400}}}}},
		{"headers_to_add", list{object{
			{"header", object{{"key", "x-request-id"}, {"value", "%REQ(X-REQUEST-ID)%"}}},
			{"append_action", "OVERWRITE_IF_EXISTS_OR_ADD"},
		}}},
	}}}}
}

// statsConfig turns parts of the names of the module's metrics into tags.
func statsConfig() object {
	var tags list
	for _, t := range metrics.Tags() {
		tags = append(tags, object{{"tag_name", t.Name}, {"regex", t.Regex}})
	}
	return object{{"stats_tags", tags}}
}

// StatsTags yields the name and the regular expression of each tag of the module's
// metrics.
func StatsTags() iter.Seq2[string, string] {
	return func(yield func(name, regex string) bool) {
		for _, t := range statsConfig().get("stats_tags").(list) {
			if !yield(t.(object).get("tag_name").(string), t.(object).get("regex").(string)) {
				return
			}
		}
	}
}

// overload bounds the open connections of the process, as Envoy recommends for
// edge proxies:
// https://www.envoyproxy.io/docs/envoy/latest/configuration/best_practices/edge
func overload() object {
	return object{{"resource_monitors", list{object{
		{"name", "envoy.resource_monitors.global_downstream_max_connections"},
		{"typed_config", typed("envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
			field{"max_active_downstream_connections", 50000})},
	}}}}
}

// release lets Envoy give free memory back to the system. Without it Envoy keeps some
// 20 MB in which V8 compiled the module. At 8 MB a second, memory that requests free and
// take again costs too few page faults to be measured.
func release() object {
	return object{{"bytes_to_release", 8 << 20}, {"memory_release_interval", "1s"}}
}

func sorted(m map[string]string) object {
	out := make(object, 0, len(m))
	for k, v := range m {
		out = append(out, field{k, v})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].key < out[j].key })
	return out
}
