package mesh

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const image = "registry.example/rulegate@" + digest

// generated are manifests of the command, by what is in them. Together they have every
// flag.
var generated = map[string][]string{
	"gateway":         {"gateway", "testdata/order.yaml", "--image", image, "--gateway", "eg", "--namespace", "shop"},
	"gateway, all":    {"gateway", "testdata/all.yaml", "--image", image, "--gateway", "eg", "--namespace", "shop", "--listener", "http,https", "--name", "orders", "--secret", "orders", "--companion", "http://companion.shop.svc:9000", "--trusted-hops", "2", "--jwks-ca", "/etc/ca.pem"},
	"quickstart":      {"gateway", "../../envoy/quickstart/policy.yaml", "--image", image, "--gateway", "eg", "--companion", "https://companion.shop.svc:9000"},
	"istio":           {"istio", "testdata/order.yaml", "--image", image, "--selector", "istio=ingressgateway", "--namespace", "shop"},
	"istio, all":      {"istio", "testdata/all.yaml", "--image", image, "--selector", "istio=ingressgateway,app=gw", "--namespace", "shop", "--name", "orders", "--secret", "orders", "--companion", "http://companion.shop.svc:9000", "--trusted-hops", "2", "--jwks-ca", "/etc/ca.pem"},
	"istio, sidecars": {"istio", "testdata/all.yaml", "--image", image, "--kind", "sidecar", "--selector", "app=shop", "--namespace", "shop", "--companion", "http://companion.shop.svc:9000"},
}

// A misspelt field of each kind, as it is and as it should be.
var misspelt = map[string]string{"rootID: rulegate": "rootId: rulegate", "applyTo: LISTENER": "applyto: LISTENER", "replicas:": "replica:", "dnsNames:": "dnsName:"}

func TestManifests(t *testing.T) {
	needAPI(t)
	refused := 0
	check := func(t *testing.T, text string) {
		t.Helper()
		if err := dryRun(text); err != nil {
			t.Errorf("the API server refuses it: %v\n%s", err, text)
		}
		for good, bad := range misspelt {
			if changed := strings.Replace(text, good, bad, 1); changed != text {
				refused++
				field, _, _ := strings.Cut(bad, ":")
				if err := dryRun(changed); err == nil || !strings.Contains(err.Error(), field+`"`) {
					t.Errorf("%s instead of %s: want it refused, found %v", bad, good, err)
				}
			}
		}
	}
	for name, args := range generated {
		t.Run(name, func(t *testing.T) {
			text := must(t, rulegate(args...)...)
			check(t, text)
			// The chart of the module passes them as they are.
			file := write(t, "manifests.yaml", text)
			check(t, must(t, program("helm"), "template", "rulegate", "../../envoy/deploy/charts/rulegate-module", "--set-file", "manifests="+file))
			if args[0] == "istio" {
				istioctl(t, file)
			}
		})
	}
	for name, set := range map[string][]string{
		"companion": nil,
		"companion, all": {"--set", "tls.existing=companion-tls,tls.clientCA=true,serviceMonitor.enabled=true,serviceMonitor.labels.release=prometheus,networkPolicy.egress=null",
			"--set-json", `networkPolicy.prometheus=[{"podSelector":{}}]`, "--set-json", `tolerations=[{"operator":"Exists"}]`, "--set", "nodeSelector.a=b,podAnnotations.a=b,serviceAccount.annotations.a=b"},
		"companion, alone": {"--set", "autoscaling.enabled=false,disruptionBudget.enabled=false,networkPolicy.enabled=false"},
	} {
		t.Run(name, func(t *testing.T) {
			line := append([]string{program("helm"), "template", "companion", "../../envoy/deploy/charts/rulegate-companion", "--namespace", "shop", "--kube-version", "1.34.4",
				"--set", "image.reference=" + image, "--set", "secret.existing=rulegate", "--set-file", "policy=../../envoy/quickstart/policy.yaml",
				"--set-json", `networkPolicy.clients=[{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"envoy-gateway-system"}}}]`}, set...)
			check(t, must(t, line...))
		})
	}
	for name, file := range map[string]string{"certificates, Envoy Gateway": "envoy-gateway.yaml", "certificates, Istio": "istio.yaml"} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join("../../envoy/letsencrypt", file)
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			check(t, string(text))
		})
	}
	if refused < len(misspelt) {
		t.Errorf("only %d misspelt fields were tried", refused)
	}
}

// istioctl asks Istio's command about a manifest. It warns of every EnvoyFilter, that its
// fields may change with Istio (IST0133). It must find nothing else.
func istioctl(t *testing.T, file string) {
	t.Helper()
	must(t, program("istioctl"), "validate", "-f", file)
	must(t, program("istioctl"), "analyze", "--all-namespaces", "--use-kube=false", "--failure-threshold", "Info", "--suppress", "IST0133=EnvoyFilter *", file)
}
