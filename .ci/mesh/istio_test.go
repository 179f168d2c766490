package mesh

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// istioAround are the resources around the module: a gateway for pods with the label
// app=NAME, with a route to the application.
func istioAround(name string, port int) string {
	return fmt.Sprintf(`apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: %[1]s, namespace: shop}
spec:
  selector: {app: %[1]s}
  servers:
    - {port: {number: %[2]d, name: http, protocol: HTTP}, hosts: ["*"]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: %[1]s, namespace: shop}
spec:
  hosts: ["*"]
  gateways: [%[1]s]
  http:
    - route: [{destination: {host: application.shop.svc.cluster.local, port: {number: 8080}}}]
`, name, port)
}

// The application and the companion run outside of the mesh here.
const istioServices = `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: application, namespace: shop}
spec:
  hosts: [application.shop.svc.cluster.local]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 8080, name: http, protocol: HTTP}]
  endpoints: [{address: ` + node + `}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: companion, namespace: shop}
spec:
  hosts: [companion.shop.svc.cluster.local]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 9000, name: http, protocol: HTTP}]
  endpoints: [{address: ` + node + `}]
`

// TestIstio runs Istio's control plane, which reads its resources from the API server,
// and Istio's agent, which fetches the module from the registry and starts Envoy.
func TestIstio(t *testing.T) {
	needAPI(t)
	needServers(t)
	startPilot(t)
	const base = "http://127.0.0.1:10002"
	manifests := func(policy string) string {
		more := []string{"--selector", "app=gw"}
		if policy == quickstart {
			more = append(more, "--companion", "http://companion.shop.svc:9000")
		}
		return manifestsFor(t, "istio", policy, moduleImage(t, "oci"), more...)
	}
	apply(t, istioAround("gw", 10002)+istioServices)
	apply(t, manifests(quickstart))
	agent := startAgent(t, "gw", 15200)

	t.Run("quickstart", func(t *testing.T) {
		post := request{base + "/v1/posts", mint(t, quickstart, `{"id":"ana"}`), `{"text":"hello","author":"cleo"}`}
		wait(t, "the first answer", nil, func() error { return post.want(200, `"author": "ana"`) })
		askQuickstart(t, base)
	})
	t.Run("a change under load", func(t *testing.T) {
		apply(t, manifests(livePolicy(t, 100)))
		changed := manifests(livePolicy(t, 200))
		underLoad(t, base+"/v1/orders", func() { apply(t, changed) })
	})
	t.Run("a faulty policy", func(t *testing.T) {
		apply(t, spoilt(t, manifests(livePolicy(t, 200))))
		wait(t, "Envoy refuses it", nil, func() error { return agent.says("farce") })
		token := mint(t, "testdata/order.yaml", `{"id":"ana"}`)
		if err := (request{base + "/v1/orders", token, `{"amount":150}`}).want(200, `"limit": 200`); err != nil {
			t.Errorf("the old policy: %v", err)
		}
	})
	// A module that cannot be fetched lets nothing pass.
	t.Run("no image", func(t *testing.T) {
		apply(t, istioAround("closed", 10003))
		apply(t, manifestsFor(t, "istio", livePolicy(t, 100), registryAt+"/rulegate@"+digest, "--selector", "app=closed", "--name", "closed"))
		closed := startAgent(t, "closed", 15300)
		token := mint(t, "testdata/order.yaml", `{"id":"ana"}`)
		wait(t, "Envoy listens", closed, func() error { _, _, err := ask(request{url: "http://127.0.0.1:10003/"}); return err })
		answers := map[int]int{}
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			for _, r := range []request{{"http://127.0.0.1:10003/v1/orders", token, `{"amount":7}`}, {url: "http://127.0.0.1:10003/other"}} {
				status, body, err := ask(r)
				answers[status]++
				if err != nil || status < 400 || strings.Contains(body, `"path"`) {
					t.Fatalf("want it refused, found %d %s %v", status, body, err)
				}
			}
		}
		t.Logf("answers by status: %v", answers)
		// It is the same where a module ran before.
		token = mint(t, "testdata/order.yaml", `{"id":"ana"}`)
		order := request{base + "/v1/orders", token, `{"amount":150}`}
		apply(t, manifestsFor(t, "istio", livePolicy(t, 200), registryAt+"/rulegate@"+digest, "--selector", "app=gw"))
		wait(t, "all requests are refused", nil, func() error { return order.want(403, "") })
		apply(t, manifests(livePolicy(t, 200)))
		wait(t, "with the image again, the policy decides", nil, func() error { return order.want(200, `"limit": 200`) })
		if answers[403] == 0 {
			t.Error("want 403, by the filter that the agent sends in place of the module")
		}
	})
}

func startPilot(t *testing.T) {
	t.Helper()
	config := write(t, "mesh.yaml", `defaultConfig: {discoveryAddress: "127.0.0.1:15010", controlPlaneAuthPolicy: NONE}
enableAutoMtls: false
defaultProviders: {}
`)
	pilot := start(t, "pilot", []string{
		"KUBECONFIG=" + work("kubeconfig"), "CLUSTER_ID=Kubernetes", "POD_NAMESPACE=istio-system", "POD_NAME=istiod-0",
		"INJECTION_WEBHOOK_CONFIG_NAME=", "VALIDATION_WEBHOOK_CONFIG_NAME=", "ENABLE_CA_SERVER=false", "PILOT_ENABLE_AMBIENT=false",
		// Filters that only Istio's build of Envoy has.
		"PILOT_ENABLE_ALPN_FILTER=false", "PILOT_ENABLE_METADATA_EXCHANGE=false",
	}, program("pilot-discovery"), "discovery", "--kubeconfig", work("kubeconfig"), "--meshConfig", config,
		"--httpAddr", "127.0.0.1:8090", "--grpcAddr", "127.0.0.1:15010", "--secureGRPCAddr", "", "--httpsAddr", "",
		"--monitoringAddr", "127.0.0.1:15014", "--ctrlz_port", "0")
	wait(t, "the control plane is ready", pilot, func() error { return request{url: "http://127.0.0.1:8090/ready"}.want(200, "") })
}

// startAgent starts Istio's agent, and Envoy with it, as a pod with the label app=NAME.
// It takes some ports from admin.
func startAgent(t *testing.T, name string, admin int) *process {
	t.Helper()
	istio, err := moduleDir("istio.io/istio")
	if err != nil {
		t.Fatal(err)
	}
	// The paths of its sockets are relative to its folder, that of the modules is fixed.
	for _, dir := range []string{work("in", "agent-"+name, "etc/istio/proxy"), "/var/lib/istio/data"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	proxy := fmt.Sprintf(`{"binaryPath":%q,"configPath":%q,"proxyBootstrapTemplatePath":%q,"discoveryAddress":"127.0.0.1:15010","controlPlaneAuthPolicy":"NONE","proxyAdminPort":%d,"statusPort":%d,"concurrency":1}`,
		os.Getenv("ENVOY"), "./etc/istio/proxy", filepath.Join(istio, "tools/packaging/common/envoy_bootstrap.json"), admin, admin+1)
	agent := start(t, "agent-"+name, []string{
		"INSTANCE_IP=127.0.0.1", "POD_NAME=" + name, "POD_NAMESPACE=shop", fmt.Sprintf(`ISTIO_METAJSON_LABELS={"app":%q}`, name),
		"ISTIO_META_CLUSTER_ID=Kubernetes", "ISTIO_META_ISTIO_VERSION=1.32.0", "WASM_INSECURE_REGISTRIES=" + registryAt,
		"CA_PROVIDER=", "PROV_CERT=", "FILE_MOUNTED_CERTS=true",
		fmt.Sprintf("ENVOY_STATUS_PORT=%d", admin+2), fmt.Sprintf("ENVOY_PROMETHEUS_PORT=%d", admin+3), "PROXY_CONFIG=" + proxy,
	}, program("pilot-agent"), "proxy", "router", "--domain", "shop.svc.cluster.local", "--concurrency", "1")
	wait(t, "the agent "+name+" is ready", agent, func() error {
		return request{url: fmt.Sprintf("http://127.0.0.1:%d/healthz/ready", admin+1)}.want(200, "")
	})
	return agent
}
