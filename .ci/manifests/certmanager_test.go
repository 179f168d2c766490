package manifests

import (
	"os"
	"testing"
)

const certificates = "../../envoy/letsencrypt/"

// TestCertManager: an API server takes the manifests for cert-manager, and each mesh
// names the Secret that cert-manager writes, where it looks for it.
func TestCertManager(t *testing.T) {
	for file, c := range map[string]struct {
		gateway string
		steps   []any
	}{
		"envoy-gateway.yaml": {"Gateway/eg", []any{"spec", "listeners", 1, "tls", "certificateRefs", 0, "name"}},
		"istio.yaml":         {"Gateway/shop", []any{"spec", "servers", 0, "tls", "credentialName"}},
	} {
		t.Run(file, func(t *testing.T) {
			text, err := os.ReadFile(certificates + file)
			if err != nil {
				t.Fatal(err)
			}
			all := resources(t, string(text))
			certificate, gateway := all["Certificate/shop"], all[c.gateway]
			issuer := follow(t, all["ClusterIssuer/letsencrypt"], "metadata", "name")
			if got := follow(t, certificate, "spec", "issuerRef", "name"); got != issuer {
				t.Errorf("the issuer: want %v, found %v", issuer, got)
			}
			secret := follow(t, certificate, "spec", "secretName")
			if got := follow(t, gateway, c.steps...); got != secret {
				t.Errorf("the Secret: want %v, found %v", secret, got)
			}
			if a, b := follow(t, certificate, "metadata", "namespace"), follow(t, gateway, "metadata", "namespace"); a != b {
				t.Errorf("the Secret is in %v, the gateway in %v", a, b)
			}
		})
	}
}
