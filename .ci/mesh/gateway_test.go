package mesh

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The resources around the module: a Gateway with two routes to the application.
const gatewayAround = `apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: eg}
spec:
  controllerName: gateway.envoyproxy.io/gatewayclass-controller
  parametersRef: {group: gateway.envoyproxy.io, kind: EnvoyProxy, name: host, namespace: shop}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyProxy
metadata: {name: host, namespace: shop}
spec:
  provider: {type: Host, host: {envoyVersion: 1.40.0}}
  telemetry: {accessLog: {disable: true}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: eg, namespace: shop}
spec:
  gatewayClassName: eg
  listeners:
    - {name: http, protocol: HTTP, port: 10000}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: api, namespace: shop}
spec:
  parentRefs: [{name: eg}]
  rules:
    - matches: [{path: {type: PathPrefix, value: /}}]
      backendRefs: [{group: gateway.envoyproxy.io, kind: Backend, name: application}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: other, namespace: shop}
spec:
  parentRefs: [{name: eg}]
  rules:
    - matches: [{path: {type: PathPrefix, value: /other}}]
      backendRefs: [{group: gateway.envoyproxy.io, kind: Backend, name: application}]
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {name: application, namespace: shop}
spec:
  endpoints: [{ip: {address: ` + node + `, port: 8080}}]
`

// Without Kubernetes, Envoy Gateway tells Envoy to trust a certificate in /certs when it
// fetches the module, which is not there, and Envoy refuses the whole. So Envoy reads the
// module from a file here; Envoy Gateway still fetches the image. TestCluster does
// without this.
const hostOnly = `---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyPatchPolicy
metadata: {name: host, namespace: shop}
spec:
  targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: eg}
  type: JSONPatch
  priority: 1
  jsonPatches:
    - type: type.googleapis.com/envoy.config.listener.v3.Listener
      name: shop/eg/http
      operation:
        op: replace
        jsonPath: "..http_filters[?(@.typed_config.config.root_id=='rulegate')].typed_config.config.vm_config"
        path: code
        value: {local: {filename: "@MODULE@"}}
    - type: type.googleapis.com/envoy.config.cluster.v3.Cluster
      name: wasm_cluster
      operation: {op: remove, path: /transport_socket}
`

// TestGateway runs Envoy Gateway without Kubernetes: it reads its resources from a folder
// and starts Envoy.
func TestGateway(t *testing.T) {
	needServers(t)
	gateway := standAlone(t, manifestsFor(t, "gateway", quickstart, moduleImage(t, "oci")))
	const base = "http://127.0.0.1:10000"
	post := request{base + "/v1/posts", mint(t, quickstart, `{"id":"ana"}`), `{"text":"hello","author":"cleo"}`}

	t.Run("quickstart", func(t *testing.T) {
		wait(t, "the first answer", nil, func() error { return post.want(200, `"author": "ana"`) })
		askQuickstart(t, base)
		if err := (request{url: base + "/other"}).want(403, "not allowed"); err != nil {
			t.Errorf("the other route of the Gateway: %v", err)
		}
	})
	// The documentation warns of this: with the resource on one route, requests of the
	// other route pass undecided.
	t.Run("on a route", func(t *testing.T) {
		right := manifestsFor(t, "gateway", quickstart, moduleImage(t, "oci"))
		head, tail, _ := strings.Cut(right, "kind: EnvoyExtensionPolicy")
		wrong := head + "kind: EnvoyExtensionPolicy" + strings.Replace(tail, "kind: Gateway\n      name: eg", "kind: HTTPRoute\n      name: api", 1)
		if wrong == right {
			t.Fatalf("no reference to the Gateway in\n%s", right)
		}
		resources(t, wrong)
		wait(t, "the other route lets a request pass that has no token", nil, func() error { return request{url: base + "/other"}.want(200, `"path": "/other"`) })
		for range 20 {
			if err := (request{url: base + "/v1/posts", body: `{"text":"hello"}`}).want(401, "error"); err != nil {
				t.Errorf("the route with the module: %v", err)
			}
		}
		resources(t, right)
		wait(t, "on the Gateway again, the other route refuses it", nil, func() error { return request{url: base + "/other"}.want(403, "not allowed") })
	})
	t.Run("the other form of the image", func(t *testing.T) {
		resources(t, manifestsFor(t, "gateway", livePolicy(t, 100), moduleImage(t, "compat")))
		token := mint(t, "testdata/order.yaml", `{"id":"ana"}`)
		wait(t, "the first answer", nil, func() error {
			return request{base + "/v1/orders", token, `{"amount":7}`}.want(200, `"limit": 100`)
		})
	})
	t.Run("a change under load", func(t *testing.T) {
		resources(t, manifestsFor(t, "gateway", livePolicy(t, 100), moduleImage(t, "oci")))
		changed := manifestsFor(t, "gateway", livePolicy(t, 200), moduleImage(t, "oci"))
		underLoad(t, base+"/v1/orders", func() { resources(t, changed) })
	})
	order := request{base + "/v1/orders", mint(t, "testdata/order.yaml", `{"id":"ana"}`), `{"amount":150}`}
	t.Run("a faulty policy", func(t *testing.T) {
		resources(t, spoilt(t, manifestsFor(t, "gateway", livePolicy(t, 200), moduleImage(t, "oci"))))
		wait(t, "Envoy refuses it", nil, func() error { return gateway.says("farce") })
		for range 50 {
			if err := order.want(200, `"limit": 200`); err != nil {
				t.Fatalf("the old policy: %v", err)
			}
		}
	})
	// A module that cannot be fetched lets nothing pass.
	t.Run("no image", func(t *testing.T) {
		resources(t, manifestsFor(t, "gateway", livePolicy(t, 200), registryAt+"/rulegate@"+digest))
		wait(t, "Envoy Gateway refuses all requests", nil, func() error { return order.want(500, "") })
		if err := (request{url: base + "/other"}).want(500, ""); err != nil {
			t.Error(err)
		}
		resources(t, manifestsFor(t, "gateway", livePolicy(t, 200), moduleImage(t, "oci")))
		wait(t, "with the image again, the policy decides", nil, func() error { return order.want(200, `"limit": 200`) })
	})
}

// spoilt returns manifests whose policy has a rule that does not exist.
func spoilt(t *testing.T, manifests string) string {
	t.Helper()
	out := strings.NewReplacer("rule: force", "rule: farce", `"rule": "force"`, `"rule": "farce"`).Replace(manifests)
	if out == manifests {
		t.Fatalf("no rule to spoil in\n%s", manifests)
	}
	return out
}

// manifestsFor returns the command's manifests for a policy.
func manifestsFor(t *testing.T, mesh, policy, image string, more ...string) string {
	t.Helper()
	args := []string{mesh, policy, "--image", image, "--namespace", "shop"}
	if mesh == "gateway" {
		args = append(args, "--gateway", "eg")
	}
	if policy == quickstart {
		args = append(args, "--companion", "http://"+companionAt)
	}
	return must(t, rulegate(append(args, more...)...)...)
}

// standAlone starts Envoy Gateway with the module's manifests.
func standAlone(t *testing.T, manifests string) *process {
	t.Helper()
	envoy := work("data", "envoy-versions", "1.40.0", "bin", "envoy")
	for _, dir := range []string{work("resources"), work("run"), filepath.Dir(envoy)} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(os.Getenv("ENVOY"), envoy); err != nil {
		t.Fatal(err)
	}
	config := write(t, "envoy-gateway.yaml", fmt.Sprintf(`apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyGateway
gateway: {controllerName: gateway.envoyproxy.io/gatewayclass-controller}
provider:
  type: Custom
  custom:
    resource: {type: File, file: {paths: [%s]}}
    infrastructure: {type: Host, host: {configHome: %s, dataHome: %s, stateHome: %s, runtimeDir: %s}}
extensionApis: {enableBackend: true, enableEnvoyPatchPolicy: true}
`, work("resources"), work("config"), work("data"), work("state"), work("run")))
	must(t, program("envoy-gateway"), "certgen", "--local", "--config-home", work("config"))
	resources(t, manifests)
	gateway := start(t, "envoy-gateway", nil, program("envoy-gateway"), "server", "-c", config)
	wait(t, "Envoy listens", gateway, func() error { _, _, err := ask(request{url: "http://127.0.0.1:10000/"}); return err })
	return gateway
}

// resources gives Envoy Gateway its resources, in one step.
func resources(t *testing.T, manifests string) {
	t.Helper()
	text := gatewayAround + withoutProxy(manifests) + strings.ReplaceAll(hostOnly, "@MODULE@", command("rulegate.wasm"))
	if err := os.Rename(write(t, "next.yaml", text), work("resources", "all.yaml")); err != nil {
		t.Fatal(err)
	}
}

// withoutProxy leaves out the EnvoyProxy, which is for pods. Here Envoy has the
// environment of Envoy Gateway.
func withoutProxy(manifests string) (out string) {
	for _, document := range strings.Split(manifests, "---\n")[1:] {
		if !strings.Contains(document, "kind: EnvoyProxy\n") {
			out += "---\n" + document
		}
	}
	return out
}
