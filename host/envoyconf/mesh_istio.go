package envoyconf

import (
	"fmt"
	"strings"
)

// rbacFilter is what Istio's agent puts in place of a module that it cannot fetch: it
// refuses everything.
const rbacFilter = "envoy.extensions.filters.http.rbac.v3.RBAC"

// Istio returns the EnvoyFilter of Istio for a policy.
func Istio(m Mesh) ([]byte, error) {
	c, l := m.listener()
	if m.Companion != "" && m.Rules.Calls {
		name, err := outbound(m.Companion)
		if err != nil {
			return nil, err
		}
		m.Companion, l.Companion = "", name
	}
	if err := c.complete(); err != nil {
		return nil, err
	}
	filter, err := c.filter(l)
	if err != nil {
		return nil, err
	}
	context := "GATEWAY"
	if m.Sidecar {
		context = "SIDECAR_INBOUND"
	}
	patches := list{
		patch("HTTP_FILTER", object{{"context", context}, {"listener", inManager(object{{"name", "envoy.filters.http.router"}})}}, "INSERT_BEFORE", object{
			{"name", m.Name},
			{"config_discovery", object{
				{"config_source", object{{"ads", object{}}, {"initial_fetch_timeout", "0s"}, {"resource_api_version", "V3"}}},
				{"type_urls", list{"type.googleapis.com/" + wasmFilter, "type.googleapis.com/" + rbacFilter}},
			}},
		}),
		patch("EXTENSION_CONFIG", object{{"context", context}}, "ADD", object{
			{"name", m.Name}, {"typed_config", fetched(filter.get("typed_config").(object), m.Image)},
		}),
		patch("NETWORK_FILTER", object{{"context", context}, {"listener", inManager(nil)}}, "MERGE", object{
			{"name", managerName}, {"typed_config", m.managerPatch(c.manager(l, nil, nil))},
		}),
		patch("LISTENER", object{{"context", context}}, "MERGE", object{{"per_connection_buffer_limit_bytes", l.Buffer}}),
	}
	if m.Rules.CORS != nil {
		cors := corsFields(m.Rules.CORS)
		patches = append(patches, patch("ROUTE_CONFIGURATION", object{{"context", context}}, "MERGE", cors.pick("typed_per_filter_config")))
	}
	clusters, err := m.clusters()
	if err != nil {
		return nil, err
	}
	for _, o := range clusters {
		patches = append(patches, patch("CLUSTER", object{{"context", context}}, "ADD", o))
	}
	labels := object{}
	for _, text := range m.Labels {
		key, value, _ := strings.Cut(text, "=")
		labels = append(labels, field{key, value})
	}
	// The priority puts the module behind the filters of others, next to the router, and
	// lets its settings of the listener win. `istioctl analyze` warns of a filter without.
	spec := object{{"priority", 10}, {"workloadSelector", object{{"labels", labels}}}, {"configPatches", patches}}
	return render("Written by `rulegate istio`: write it again for another policy or another image.\nA change is live in seconds, without a restart.\n"+m.secretNote(),
		[]manifest{{"", m.resource("networking.istio.io/v1alpha3", "EnvoyFilter", spec)}})
}

const managerName = "envoy.filters.network.http_connection_manager"

func patch(to string, match object, operation string, value object) object {
	return object{{"applyTo", to}, {"match", match}, {"patch", object{{"operation", operation}, {"value", value}}}}
}

// inManager matches the connection manager, and an HTTP filter in it.
func inManager(filter object) object {
	f := object{{"name", managerName}}
	if filter != nil {
		f = append(f, field{"subFilter", filter})
	}
	return object{{"filterChain", object{{"filter", f}}}}
}

// fetched replaces the file of the module by its image, which Istio's agent fetches.
func fetched(typed object, image string) object {
	config := typed.get("config").(object)
	vm := config.get("vm_config").(object)
	code := object{{"remote", object{{"http_uri", object{{"uri", "oci://" + image}, {"timeout", "30s"}, {"cluster", "none"}}}}}}
	return typed.set("config", config.set("vm_config", vm.set("code", code)))
}

// managerPatch are the settings in which Istio's connection manager differs from what
// the module needs: by default it has no idle timeout for streams, keeps encoded slashes
// and does not merge slashes.
func (m *Mesh) managerPatch(manager object) object {
	out := append(manager.pick("@type", "normalize_path", "merge_slashes", "path_with_escaped_slashes_action", "stream_idle_timeout"),
		field{"http2_protocol_options", manager.get("http2_protocol_options").(object).pick("initial_stream_window_size", "initial_connection_window_size")})
	if m.Sidecar {
		return out // behind a gateway, whose word about the client it takes
	}
	out = append(out, manager.pick("use_remote_address", "early_header_mutation_extensions")...)
	if m.Trusted > 0 {
		out = append(out, field{"xff_num_trusted_hops", m.Trusted})
	}
	return out
}

// secretNote says how the policy's variables get into the proxy.
func (m *Mesh) secretNote() string {
	if len(m.HostEnv) == 0 {
		return ""
	}
	note := fmt.Sprintf("The proxy needs the variables %s, from the Secret %q:\n", strings.Join(m.HostEnv, ", "), m.Secret)
	if !m.Sidecar {
		return note + fmt.Sprintf("  kubectl -n %s set env deployment/GATEWAY --from=secret/%s\n", m.Namespace, m.Secret)
	}
	return note + fmt.Sprintf("a container in the pod's template, which the injector merges:\n  - {name: istio-proxy, image: auto, envFrom: [{secretRef: {name: %s}}]}\n", m.Secret)
}

// set returns the object with another value of a key.
func (o object) set(key string, value any) object {
	out := make(object, len(o))
	for i, f := range o {
		if f.key == key {
			f.value = value
		}
		out[i] = f
	}
	return out
}
