package envoyconf

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
	"github.com/rulegate/rulegate/rules/value"
)

const meshPolicy = `{"project":"shop",
"auth":{"tokens":[{"name":"own","alg":"HS256","secret":"${JWT_SECRET}","primary":true},{"jwks":{"url":"https://id.example/keys","cluster":"id-provider"},"issuer":["https://id.example"]}]},
"cors":{"origins":["https://app.example","https://*.shop.example"],"methods":["PUT"],"headers":["authorization"],"expose":["x-total"],"credentials":true,"maxAge":"10m"},
"databases":{"social":{"type":"embedded"}},
"routes":[
{"name":"profile","match":{"methods":["GET"],"path":"/v1/profiles/{id}"},"rule":{"rule":"query","db":"social","col":"users","find":{"id":"args.request.vars.id"}}},
{"name":"pay","match":{"methods":["POST"],"path":"/v1/pay"},"rule":{"rule":"match","type":"number","eval":"<=","f1":"args.params.amount","f2":0.1}}
]}`

func mesh(t *testing.T, text string) Mesh {
	t.Helper()
	doc, err := value.Parse(text, policy.MaxDepth)
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := policy.Load(doc, policy.Options{Module: true, AllowUnset: true, Crypto: gocrypto.Crypto()})
	if err != nil {
		t.Fatal(err)
	}
	return Mesh{
		Name: "rulegate", Namespace: "shop", Image: "registry.example/rulegate@sha256:" + strings.Repeat("a", 64),
		Policy: text, Rules: p, HostEnv: p.Unset, Secret: "rulegate", Companion: "http://rulegate-companion.shop.svc:9000",
		KeyServer: []Cluster{{Name: "id-provider", URL: "https://id.example"}},
		Gateway:   "eg", Listeners: []string{"http", "https"}, Labels: []string{"app=shop"},
	}
}

// The manifests are golden; those in testdata are also validated against the schemas of
// Envoy Gateway and Istio, by the tests in .ci/manifests.
func TestMeshGolden(t *testing.T) {
	sidecar, plain := mesh(t, meshPolicy), mesh(t, `{"routes":[{"match":{"path":"/a/{x}"},"paths":{"encodedSlash":"keep"},"rule":{"rule":"allow"}}]}`)
	sidecar.Sidecar = true
	plain.Companion, plain.KeyServer, plain.Trusted = "", nil, 2
	for name, c := range map[string]struct {
		m     Mesh
		write func(Mesh) ([]byte, error)
	}{
		"gateway.yaml": {mesh(t, meshPolicy), EnvoyGateway}, "gateway-plain.yaml": {plain, EnvoyGateway},
		"istio.yaml": {mesh(t, meshPolicy), Istio}, "istio-sidecar.yaml": {sidecar, Istio}, "istio-plain.yaml": {plain, Istio},
	} {
		got, err := c.write(c.m)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from the golden file (run with -update to rewrite it):\n%s", name, got)
		}
	}
}

func TestMeshRefuses(t *testing.T) {
	for companion, want := range map[string]string{
		"http://companion.shop.svc:9000":   "",
		"http://companion.shop.svc":        "",
		"https://companion.shop.svc:9000":  "the mesh encrypts it",
		"http://10.0.0.1:9000":             "want http://SERVICE.NAMESPACE.svc:PORT",
		"unix:/run/companion":              "the mesh encrypts it",
		"http://companion.shop.svc:900000": "want http",
	} {
		m := mesh(t, meshPolicy)
		m.Companion = companion
		out, err := Istio(m)
		switch {
		case err == nil && want == "":
			if !bytes.Contains(out, []byte("||companion.shop.svc.cluster.local")) {
				t.Errorf("%s: no cluster of the mesh in\n%s", companion, out)
			}
		case err == nil || want == "" || !strings.Contains(err.Error(), want):
			t.Errorf("%s: want %q, found %v", companion, want, err)
		}
	}
	for number, ok := range map[string]bool{"1": true, "9223372036854775807": true, "9223372036854775808": false, "0.1": true, "1e2": true, "0.12345678901234567890123": false, "-1.5": true} {
		m := mesh(t, meshPolicy)
		m.Policy = strings.Replace(meshPolicy, `"f2":0.1`, `"f2":`+number, 1)
		if _, err := EnvoyGateway(m); (err == nil) != ok {
			t.Errorf("%s: %v", number, err)
		}
	}
}
