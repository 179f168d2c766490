package envoyconf

import "fmt"

// wasmFilter is the type of the module's filter.
const wasmFilter = "envoy.extensions.filters.http.wasm.v3.Wasm"

// Discovered returns the content of the file of config discovery: the filter of each
// listener. Envoy takes a new one when the file is replaced by a rename.
func Discovered(c Config) (*Bootstrap, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	var resources list
	for _, l := range c.Listeners {
		filter, err := c.filter(l)
		if err != nil {
			return nil, fmt.Errorf("listener %s: %w", l.Name, err)
		}
		resources = append(resources, typed("envoy.config.core.v3.TypedExtensionConfig",
			field{"name", discoveryName(l)},
			field{"typed_config", filter.get("typed_config")},
		))
	}
	return &Bootstrap{object{{"version_info", c.VM}, {"resources", resources}}}, nil
}

// discoveryName is the name of the filter and of its resource, which must be equal.
func discoveryName(l Listener) string {
	if l.Name == "" {
		return "rulegate"
	}
	return l.Name
}

// discovered is the module's filter, whose configuration is in the file. Before Envoy
// has read it, the listener does not listen; without a valid one, requests get 500.
func (c *Config) discovered(l Listener) object {
	return object{
		{"name", discoveryName(l)},
		{"config_discovery", object{
			{"config_source", fileSource(c.Discovery)},
			{"type_urls", list{"type.googleapis.com/" + wasmFilter}},
		}},
	}
}
