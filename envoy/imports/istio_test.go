package imports

import (
	"bytes"
	"flag"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/host/importer/istio"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite istio-generated.txtar, with the code of Istio's control plane")

// istioGenerated has generated resources of Istio, and the filters that its control plane
// makes of them.
const istioGenerated = "testdata/istio-generated.txtar"

// TestGeneratedForIstioIsNotLooser: no request passes the policy of generated resources of
// Istio that Istio's own filters refuse.
func TestGeneratedForIstioIsNotLooser(t *testing.T) {
	if *update {
		generateForIstio(t)
	}
	archive, err := txtar.ParseFile(istioGenerated)
	if err != nil {
		t.Fatal(err)
	}
	var all []*original
	for i := 0; i+1 < len(archive.Files); i += 2 {
		source, filters := &archive.Files[i], &archive.Files[i+1]
		o := &original{name: source.Name, source: withKeys(string(source.Data)), more: withKeys(string(filters.Data))}
		o.read(t, istio.Import, o.more)
		all = append(all, o)
	}
	notLooser(t, all)
}

// generateForIstio writes the file anew. The command that makes the filters is in a module
// with Istio's source, which takes minutes to build at first.
func generateForIstio(t *testing.T) {
	t.Helper()
	command := filepath.Join(t.TempDir(), "filters")
	build := exec.Command("go", "build", "-o", command, "./filters")
	build.Dir = "../../.ci/mesh/programs/istio"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	g := &generator{mathrand.New(mathrand.NewPCG(uint64(seed), 11))}
	archive := &txtar.Archive{Comment: []byte("Generated resources, and the filters that the control plane of Istio makes of them:\ngo test ./envoy/imports -run Istio -update\n\n")}
	for i := range generated / 2 {
		source := g.istio()
		cmd := exec.Command(command)
		cmd.Stdin = strings.NewReader(strings.ReplaceAll(source, "{{jwks}}", `{"keys":[]}`))
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		filters, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v\n%s\n%s", err, stderr.String(), source)
		}
		archive.Files = append(archive.Files,
			txtar.File{Name: fmt.Sprintf("istio-%d", i), Data: []byte(source)},
			txtar.File{Name: fmt.Sprintf("istio-%d filters", i), Data: []byte(istioTokens + string(filters))})
	}
	if err := os.WriteFile(istioGenerated, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

// istioTokens are the filters' first lines: what Istio makes of RequestAuthentication.
const istioTokens = `http_filters:
- name: envoy.filters.http.jwt_authn
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication
    bypass_cors_preflight: true
    providers:
      origins-0: {issuer: "https://a.example", forward: true, payload_in_metadata: payload, normalize_payload_in_metadata: {space_delimited_claims: [scope, permission]}, local_jwks: {inline_string: '{{jwks}}'}}
    rules: [{match: {prefix: /}, requires: {requires_any: {requirements: [{provider_name: origins-0}, {allow_missing: {}}]}}}]
`

// istio writes a RequestAuthentication and AuthorizationPolicies.
func (g *generator) istio() string {
	var s strings.Builder
	s.WriteString(`# values: admin, user, shop
# headers: x-env, x-role
# paths: /items, /items/7, /items/7/parts, /admin/x, /about
# claims: role, org, scope, realm/roles
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: tokens, namespace: shop}
spec: {jwtRules: [{issuer: https://a.example, forwardOriginalToken: true, jwks: '{{jwks}}'}]}
`)
	for i := range 1 + g.IntN(3) {
		action := "ALLOW"
		if i > 0 {
			action = g.of("ALLOW", "DENY")
		}
		fmt.Fprintf(&s, "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p%d, namespace: shop}\nspec:\n  action: %s\n  rules:\n", i, action)
		for range 1 + g.IntN(3) {
			fmt.Fprintf(&s, "    - {%s}\n", g.istioRule())
		}
	}
	return s.String()
}

func (g *generator) istioRule() string {
	var parts []string
	if g.IntN(2) == 0 {
		parts = append(parts, "from: ["+g.some(2, func() string { return "{source: {" + g.istioSource() + "}}" })+"]")
	}
	if g.IntN(4) > 0 || parts == nil {
		parts = append(parts, "to: ["+g.some(2, func() string { return "{operation: {" + g.istioOperation() + "}}" })+"]")
	}
	if g.IntN(2) == 0 {
		parts = append(parts, "when: ["+g.some(2, g.istioCondition)+"]")
	}
	return strings.Join(parts, ", ")
}

// istioValues are the values of a field, or those that it must not have, or both.
func (g *generator) istioValues(name string, of func() string) string {
	list := func() string { return "[" + g.some(2, func() string { return `"` + of() + `"` }) + "]" }
	not := "not" + strings.ToUpper(name[:1]) + name[1:]
	switch g.IntN(4) {
	case 0:
		return not + ": " + list()
	case 1:
		return name + ": " + list() + ", " + not + ": " + list()
	}
	return name + ": " + list()
}

func (g *generator) istioSource() string {
	switch g.IntN(3) {
	case 0:
		return g.istioValues("remoteIpBlocks", func() string { return g.of("127.0.0.0/8", "127.0.0.1", "10.0.0.0/8") })
	default:
		return g.istioValues("requestPrincipals", func() string {
			return g.of("*", "https://a.example/*", "https://a.example/admin", "*/user", "*admin", "https://*")
		})
	}
}

func (g *generator) istioOperation() string {
	parts := []string{g.istioValues("paths", func() string {
		return g.of("/items", "/items*", "/items/*", "*/x", "/about", "*", "/admin*", "/{*}/x", "/items/{*}", "/items/{**}", "/{*}/{*}/parts")
	})}
	if g.IntN(3) == 0 {
		parts = append(parts, g.istioValues("methods", func() string { return g.of("GET", "POST", "OPTIONS", "*", "P*") }))
	}
	if g.IntN(5) == 0 {
		parts = append(parts, g.istioValues("hosts", func() string { return g.of("shop.example", "*.example", "SHOP.example", "other.example:*", "*") }))
	}
	return strings.Join(parts, ", ")
}

func (g *generator) istioCondition() string {
	key := g.of("request.auth.claims[role]", "request.auth.claims[role]", "request.auth.claims[org]", "request.auth.claims[scope]",
		"request.auth.claims[realm][roles]", "request.headers[x-env]", "request.headers[X-Role]", "request.auth.audiences", "request.auth.principal", "remote.ip")
	of := func() string { return g.of("admin", "user", "ad*", "*op", "*", "shop") }
	switch key {
	case "remote.ip":
		of = func() string { return g.of("127.0.0.1", "10.0.0.0/8") }
	case "request.auth.principal":
		of = func() string { return g.of("*", "https://a.example/*", "*/admin", "https://a.example/user") }
	}
	return fmt.Sprintf("{key: %q, %s}", key, g.istioValues("values", of))
}
