package envoyconf

import (
	"fmt"
	"strings"
)

const (
	gatewayAPI = "gateway.envoyproxy.io/v1alpha1"
	// byRoot finds the module's filter: its name differs between the modes of Envoy
	// Gateway.
	byRoot = "..http_filters[?(@.typed_config.config.root_id=='rulegate')].typed_config.config"
)

// EnvoyGateway returns the resources of Envoy Gateway for a policy.
func EnvoyGateway(m Mesh) ([]byte, error) {
	c, l := m.listener()
	manager := c.manager(l, nil, nil)
	patches, err := m.patches()
	if err != nil {
		return nil, err
	}
	target := object{{"group", "gateway.networking.k8s.io"}, {"kind", "Gateway"}, {"name", m.Gateway}}
	targets := field{"targetRefs", list{target}}
	var all []manifest
	if len(m.HostEnv) > 0 {
		all = append(all, manifest{
			fmt.Sprintf(`The secrets of the policy: variables of Envoy's pods, from the Secret %q in the namespace that
these pods run in (envoy-gateway-system by default). The Gateway refers to this resource:
spec.infrastructure.parametersRef: {group: gateway.envoyproxy.io, kind: EnvoyProxy, name: %s}`, m.Secret, m.Name),
			m.resource(gatewayAPI, "EnvoyProxy", object{
				// Without it, the resource takes the place of the chart's settings and the GatewayClass's.
				{"mergeType", "StrategicMerge"},
				{"provider", object{
					{"type", "Kubernetes"},
					{"kubernetes", object{{"envoyDeployment", object{{"container", object{{"env", m.environment()}}}}}}},
				}},
			})})
	}
	_, digest, _ := strings.Cut(m.Image, "@sha256:")
	wasm := object{
		{"name", "rulegate"},
		{"rootID", "rulegate"},
		{"code", object{{"type", "Image"}, {"image", object{{"url", m.Image}, {"sha256", digest}}}}},
	}
	if len(m.HostEnv) > 0 {
		wasm = append(wasm, field{"env", object{{"hostKeys", texts(m.HostEnv)}}})
	}
	doc, err := policyObject(m.Policy)
	if err != nil {
		return nil, err
	}
	all = append(all,
		manifest{
			"The module, on the Gateway: on an HTTPRoute, the requests of other routes would pass undecided.",
			m.resource(gatewayAPI, "EnvoyExtensionPolicy", object{targets, {"wasm", list{append(wasm, field{"config", doc})}}})},
		manifest{
			"What the policy above has no field for. Envoy Gateway needs extensionApis.enableEnvoyPatchPolicy.",
			m.resource(gatewayAPI, "EnvoyPatchPolicy", object{{"targetRef", target}, {"type", "JSONPatch"}, {"jsonPatches", patches}})},
		manifest{
			"Buffers above the policy's limits, paths that Envoy and the module read alike, and timeouts.",
			m.resource(gatewayAPI, "ClientTrafficPolicy", append(object{targets}, m.clientTraffic(l, manager)...))},
	)
	if m.Rules.CORS != nil {
		all = append(all, manifest{"Preflights, which have no token, are answered before the module.", m.resource(gatewayAPI, "SecurityPolicy", object{targets, {"cors", m.corsPolicy()}})})
	}
	return render("Written by `rulegate gateway`: write it again for another policy or another image.", all)
}

// environment are the variables of the policy, from the Secret.
func (m *Mesh) environment() (out list) {
	for _, name := range m.HostEnv {
		out = append(out, object{{"name", name}, {"valueFrom", object{{"secretKeyRef", object{{"name", m.Secret}, {"key", name}}}}}})
	}
	return out
}

// patches are those of the listeners, and the clusters that the policy calls.
func (m *Mesh) patches() (out list, err error) {
	for _, l := range m.Listeners {
		for _, f := range []field{{"allow_on_headers_stop_iteration", true}, {"failure_policy", "FAIL_RELOAD"}} {
			out = append(out, object{
				{"type", "type.googleapis.com/envoy.config.listener.v3.Listener"},
				{"name", m.Namespace + "/" + m.Gateway + "/" + l},
				{"operation", object{{"op", "add"}, {"jsonPath", byRoot}, {"path", f.key}, {"value", f.value}}},
			})
		}
	}
	clusters, err := m.clusters()
	if err != nil {
		return nil, err
	}
	for _, c := range clusters {
		out = append(out, object{
			{"type", "type.googleapis.com/envoy.config.cluster.v3.Cluster"},
			{"name", c.get("name")},
			{"operation", object{{"op", "add"}, {"path", ""}, {"value", c}}},
		})
	}
	return out, nil
}

func (m *Mesh) clientTraffic(l Listener, manager object) object {
	slashes := "RejectRequest"
	if manager.get("path_with_escaped_slashes_action") == "KEEP_UNCHANGED" {
		slashes = "KeepUnchanged"
	}
	http2 := manager.get("http2_protocol_options").(object)
	out := object{
		{"connection", object{{"bufferLimit", fmt.Sprint(l.Buffer)}}},
		{"path", object{{"escapedSlashesAction", slashes}, {"disableMergeSlashes", false}}},
		{"http2", object{
			{"initialStreamWindowSize", fmt.Sprint(http2.get("initial_stream_window_size"))},
			{"initialConnectionWindowSize", fmt.Sprint(http2.get("initial_connection_window_size"))},
		}},
		{"timeout", object{{"http", object{{"streamIdleTimeout", manager.get("stream_idle_timeout")}}}}},
		{"headers", object{{"earlyRequestHeaders", object{{"remove", texts(forwarded)}}}}},
	}
	if m.Trusted > 0 {
		out = append(out, field{"clientIPDetection", object{{"xForwardedFor", object{{"numTrustedHops", m.Trusted}}}}})
	}
	return out
}

func (m *Mesh) corsPolicy() object {
	c := m.Rules.CORS
	methods := c.Methods
	if len(methods) == 0 {
		methods = []string{"GET", "HEAD", "POST"}
	}
	out := object{{"allowOrigins", texts(c.Origins)}, {"allowMethods", texts(methods)}}
	if len(c.Headers) > 0 {
		out = append(out, field{"allowHeaders", texts(c.Headers)})
	}
	if len(c.Expose) > 0 {
		out = append(out, field{"exposeHeaders", texts(c.Expose)})
	}
	if c.MaxAge != "" {
		out = append(out, field{"maxAge", strings.TrimSuffix(c.MaxAge, "s") + "s"})
	}
	return append(out, field{"allowCredentials", c.Credentials})
}

func texts(values []string) (out list) {
	for _, v := range values {
		out = append(out, v)
	}
	return out
}
