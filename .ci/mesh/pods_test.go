package mesh

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// clusterAround are the resources around the module in Kubernetes: a Gateway that takes
// the EnvoyProxy of the manifests, as these say, and the application.
const clusterAround = `apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: eg}
spec: {controllerName: gateway.envoyproxy.io/gatewayclass-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: eg, namespace: shop}
spec:
  gatewayClassName: eg
  infrastructure: {parametersRef: {group: gateway.envoyproxy.io, kind: EnvoyProxy, name: rulegate}}
  listeners:
    - {name: http, protocol: HTTP, port: 80}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: api, namespace: shop}
spec:
  parentRefs: [{name: eg}]
  rules:
    - matches: [{path: {type: PathPrefix, value: /}}]
      backendRefs: [{name: application, port: 80}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: application, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: application}}
  template:
    metadata: {labels: {app: application}}
    spec:
      containers:
        - name: application
          image: localhost/upstream:1
          imagePullPolicy: Never
          args: [-listen, "0.0.0.0:8080", -hook, "127.0.0.1:8081"]
          ports: [{containerPort: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: application, namespace: shop}
spec: {selector: {app: application}, ports: [{name: http, port: 80, targetPort: 8080}]}
`

// TestCluster does what a user of Kubernetes does: Envoy Gateway and the companion by
// their Helm charts, the module's manifests by the chart of the module. It is the last of
// the tests, by the name of this file: what it installs stays in the API server, and would
// answer in place of what TestIstio has.
func TestCluster(t *testing.T) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(describe())
		}
	})
	from := time.Now()
	if err := cluster(); err != nil {
		t.Fatal(err)
	}
	t.Logf("the node is ready after %v", time.Since(from).Round(100*time.Millisecond))
	variables := setVariables(t)
	apply(t, clusterAround)
	installGateway(t)
	installCompanion(t, variables)

	manifests := func(policy string) string {
		return manifestsFor(t, "gateway", policy, moduleImage(t, "oci"), "--companion", "http://companion.shop.svc.cluster.local:9000")
	}
	install := func(manifests string) {
		must(t, program("helm"), "upgrade", "--install", "rulegate", "../../envoy/deploy/charts/rulegate-module", "-n", "shop",
			"--set-file", "manifests="+write(t, "manifests.yaml", manifests))
	}
	install(manifests("testdata/cluster.yaml"))
	base := "http://" + gatewayAddress(t)
	ana, ben := mint(t, "testdata/cluster.yaml", `{"id":"ana"}`), mint(t, "testdata/cluster.yaml", `{"id":"ben"}`)

	t.Run("requests", func(t *testing.T) {
		wait(t, "the first answer", nil, func() error {
			return request{base + "/v1/orders", ana, `{"amount":7,"buyer":"eve"}`}.want(200, `"buyer": "ana"`)
		})
		for _, c := range []struct {
			request
			status int
			shows  string
		}{
			{request{base + "/v1/orders", ana, `{"amount":700}`}, 403, "at most 100 a time"},
			{request{base + "/v1/orders", "", `{"amount":7}`}, 401, "error"},
			{request{base + "/v1/profiles/cleo", ben, ""}, 200, `"x-user-id": "ben"`},
			{request{base + "/v1/profiles/cleo", ana, ""}, 403, "not a follower"},
			{request{base + "/v1/messages/cleo", ana, `{"name":"eve"}`}, 200, `"name": "Cleo"`},
			{request{base + "/v1/messages/dan", ana, `{"name":"eve"}`}, 403, "no such user"},
			{request{url: base + "/elsewhere"}, 403, "error"},
		} {
			// The companion's Service may be a second late.
			if err := within(20*time.Second, nil, func() error { return c.want(c.status, c.shows) }); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("a change under load", func(t *testing.T) {
		install(manifests(livePolicy(t, 100)))
		changed := manifests(livePolicy(t, 200))
		underLoad(t, base+"/v1/orders", func() { install(changed) })
	})
	t.Run("a faulty policy", func(t *testing.T) {
		install(spoilt(t, manifests(livePolicy(t, 200))))
		wait(t, "Envoy refuses it", nil, func() error {
			log := must(t, kubectl("-n", "envoy-gateway-system", "logs", "-l", envoyPods, "-c", "envoy", "--tail=-1")...)
			if !strings.Contains(log, "farce") {
				return errors.New("the log of Envoy does not name the fault")
			}
			return nil
		})
		for range 50 {
			if err := (request{base + "/v1/orders", ana, `{"amount":150}`}).want(200, `"limit": 200`); err != nil {
				t.Fatalf("the old policy: %v", err)
			}
		}
	})
}

// envoyPods selects what Envoy Gateway makes for the Gateway.
const envoyPods = "gateway.envoyproxy.io/owning-gateway-name=eg"

// installGateway installs Envoy Gateway by the chart in its module, whose values have two
// places to fill in.
func installGateway(t *testing.T) {
	t.Helper()
	dir, err := moduleDir("github.com/envoyproxy/gateway")
	if err != nil {
		t.Fatal(err)
	}
	chart := filepath.Join(dir, "charts", "gateway-helm")
	template, err := os.ReadFile(filepath.Join(chart, "values.tmpl.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	values := write(t, "gateway-values.yaml", strings.NewReplacer("${GatewayImage}", "localhost/envoy-gateway:1", "${GatewayImagePullPolicy}", "Never").Replace(string(template)))
	more := write(t, "gateway-more.yaml", `global: {images: {envoyProxy: {image: "localhost/envoy:v1.40.0", pullPolicy: Never}}}
crds: {enabled: false}
config:
  envoyGateway:
    provider: {type: Kubernetes, kubernetes: {shutdownManager: {image: "localhost/envoy-gateway:1"}}}
    extensionApis: {enableEnvoyPatchPolicy: true}
topologyInjector: {enabled: false}
`)
	from := time.Now()
	must(t, program("helm"), "install", "eg", chart, "-n", "envoy-gateway-system", "--create-namespace", "-f", values, "-f", more, "--wait", "--timeout", "5m")
	t.Logf("Envoy Gateway is installed after %v", time.Since(from).Round(100*time.Millisecond))
}

// installCompanion installs the companion, whose SQLite file is in a ConfigMap.
func installCompanion(t *testing.T, variables []string) {
	t.Helper()
	must(t, command("quickstart/seed"), work("cluster.db"), "../../envoy/quickstart/seed.sql")
	must(t, kubectl("-n", "shop", "create", "configmap", "social", "--from-file=social.db="+work("cluster.db"))...)
	for _, namespace := range []string{"shop", "envoy-gateway-system"} {
		line := kubectl("-n", namespace, "create", "secret", "generic", "rulegate")
		for _, v := range variables {
			line = append(line, "--from-literal="+v)
		}
		must(t, line...)
	}
	from := time.Now()
	must(t, program("helm"), "install", "companion", "../../envoy/deploy/charts/rulegate-companion", "-n", "shop",
		"--set", "image.reference=localhost/rulegate:1,image.pullPolicy=Never,secret.existing=rulegate", "--set-file", "policy=testdata/cluster.yaml",
		"--set-json", `networkPolicy.clients=[{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"envoy-gateway-system"}}}]`,
		"--set-json", `volumes=[{"name":"social","configMap":{"name":"social"}}]`,
		"--set-json", `volumeMounts=[{"name":"social","mountPath":"/data","readOnly":true}]`, "--wait", "--timeout", "5m")
	t.Logf("the companion is installed after %v", time.Since(from).Round(100*time.Millisecond))
}

// gatewayAddress waits for Envoy's pods and returns the address of their Service.
func gatewayAddress(t *testing.T) (address string) {
	t.Helper()
	wait(t, "Envoy's pods are ready", nil, func() error {
		_, err := output("", kubectl("-n", "envoy-gateway-system", "wait", "--for=condition=Available", "deployment", "-l", envoyPods, "--timeout=5s")...)
		return err
	})
	return must(t, kubectl("-n", "envoy-gateway-system", "get", "service", "-l", envoyPods, "-o", "jsonpath={.items[0].spec.clusterIP}")...)
}

// describe returns the state of the cluster, for a test that fails.
func describe() string {
	var out strings.Builder
	for _, line := range [][]string{
		{"get", "pods,services", "-A", "-o", "wide"}, {"get", "events", "-A"},
		{"-n", "shop", "get", "gateways.gateway.networking.k8s.io,httproutes.gateway.networking.k8s.io,envoyextensionpolicy,envoypatchpolicy,clienttrafficpolicy", "-o", "yaml"},
		{"-n", "envoy-gateway-system", "logs", "deployment/envoy-gateway", "--tail=40"},
		{"-n", "envoy-gateway-system", "logs", "-l", envoyPods, "--tail=40", "-c", "envoy"},
	} {
		text, err := output("", kubectl(line...)...)
		out.WriteString(strings.Join(line, " ") + ":\n" + text)
		if err != nil {
			out.WriteString(err.Error())
		}
	}
	for _, name := range []string{"containerd", "kubelet", "kube-proxy"} {
		out.WriteString((&process{name: name, log: work("log", name)}).tail() + "\n")
	}
	return out.String()
}
