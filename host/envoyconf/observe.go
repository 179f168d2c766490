package envoyconf

import "sort"

// accessLog is one JSON object a request on standard output. The path is
// without its query, which may hold a token.
func accessLog() object {
	return object{
		{"name", "envoy.access_loggers.stdout"},
		{"typed_config", typed("envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
			field{"log_format", object{{"json_format", object{
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
			}}}},
		)},
	}
}

// statsConfig turns the module's counters, rulegate.decision.<outcome>.<resource>,
// into one metric with two tags, and rulegate.jwks.<result> into one with one. A tag's first group is cut out of the name,
// the second is its value.
func statsConfig() object {
	return object{{"stats_tags", list{
		object{{"tag_name", "outcome"}, {"regex", `^wasmcustom\.rulegate\.decision(\.([^.]+))`}},
		object{{"tag_name", "resource"}, {"regex", `^wasmcustom\.rulegate\.decision\.[^.]+(\.(.+))$`}},
		object{{"tag_name", "result"}, {"regex", `^wasmcustom\.rulegate\.jwks(\.([^.]+))$`}},
	}}}
}

// overload bounds the open connections of the whole process, as Envoy asks of
// every edge.
func overload() object {
	return object{{"resource_monitors", list{object{
		{"name", "envoy.resource_monitors.global_downstream_max_connections"},
		{"typed_config", typed("envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
			field{"max_active_downstream_connections", 50000})},
	}}}}
}

func sorted(m map[string]string) object {
	out := make(object, 0, len(m))
	for k, v := range m {
		out = append(out, field{k, v})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].key < out[j].key })
	return out
}
