package envoyconf

// Envoy has one idle timeout for a stream. What waits in a VM that has trapped must
// end soon, and what was let through may be silent for long, so the timeout changes
// when the module lets a request through: releasedFilter, the next filter, marks the
// stream and makes Envoy choose the route again. The mark is unknown to clients.
//
// A response that the module may hold can be stranded too, and then no filter runs
// any more. The module says so before it lets the request through (rulegate.hold),
// and such a request keeps the short timeout unless its route has an idle of its own.

// releasedState is the mark: - or, for a request whose response may be held, 1.
const releasedState = "rulegate.released"

func releasedFilter() object {
	return object{
		{"name", releasedState},
		{"typed_config", typed("envoy.extensions.filters.http.set_filter_state.v3.Config",
			field{"on_request_headers", list{object{
				{"object_key", releasedState},
				{"factory_key", "envoy.string"},
				{"format_string", object{{"text_format_source", object{{"inline_string", "%FILTER_STATE(wasm.rulegate.hold:PLAIN)%"}}}}},
			}}},
			field{"clear_route_cache", true},
		)},
	}
}

// releasedMatch matches streams that were let through; with held, also those whose
// response may be held.
func releasedMatch(held bool) object {
	value := object{{"exact", "-"}}
	if held {
		value = object{{"safe_regex", object{{"regex", "[-1]"}}}}
	}
	return object{{"key", releasedState}, {"string_match", value}}
}
