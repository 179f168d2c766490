package envoyconf

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules/policy"
	"go.yaml.in/yaml/v4"
)

// Mesh is the input of EnvoyGateway and Istio.
type Mesh struct {
	Name, Namespace string // of the resources
	Image           string // of the module, by its digest
	Policy          string // as JSON for the module; ForModule returns it
	Rules           *policy.Policy
	HostEnv         []string // variables of the policy, which the proxy's environment has
	Secret          string   // the Kubernetes Secret with these variables
	// Companion is the URL of the companion, such as http://companion.shop.svc:9000;
	// "" for none.
	Companion string
	KeyServer []Cluster // of the policy's JWK sets
	// Trusted are the proxies in front of the gateway.
	Trusted int

	Gateway   string   // of Envoy Gateway: the name of the Gateway
	Listeners []string // of Envoy Gateway: the names of its listeners

	Sidecar bool     // of Istio: sidecars instead of a gateway
	Labels  []string // of Istio: key=value, of the workload's pods
}

// manifest is a resource of Kubernetes, with a comment above it.
type manifest struct {
	comment string
	object  object
}

// render writes manifests as YAML.
func render(head string, all []manifest) ([]byte, error) {
	var out strings.Builder
	writeComment(&out, head)
	for _, m := range all {
		out.WriteString("---\n")
		writeComment(&out, m.comment)
		text, err := yaml.Dump(yamlNode(m.object), yaml.WithV4Defaults(), yaml.WithCompactSeqIndent(false), yaml.WithLineWidth(-1))
		if err != nil {
			return nil, fmt.Errorf("manifest: %w", err)
		}
		out.Write(text)
	}
	return []byte(out.String()), nil
}

func writeComment(out *strings.Builder, text string) {
	for line := range strings.Lines(text) {
		out.WriteString("# " + strings.TrimSuffix(line, "\n") + "\n")
	}
}

func (m *Mesh) resource(version, kind string, spec object) object {
	return object{
		{"apiVersion", version},
		{"kind", kind},
		{"metadata", object{{"name", m.Name}, {"namespace", m.Namespace}}},
		{"spec", spec},
	}
}

// listener is the module's, with the settings that `rulegate envoy` has. A mesh's
// routes are not ours, so the filter behind the module that lengthens the idle timeout
// has no routes to choose, and the long timeout holds for all requests.
func (m *Mesh) listener() (c Config, l Listener) {
	l = Listener{
		Name: "rulegate", Policy: m.Policy, Rules: m.Rules, Upstream: "-",
		Buffer: BufferLimit(m.Rules.Limits.RequestBody, m.Rules.Limits.ResponseBody),
	}
	return Config{Module: m.Image, HostEnv: m.HostEnv, Idle: m.Rules.Limits.Idle}, l
}

// clusters are those that the policy calls by its own names.
func (m *Mesh) clusters() (out []object, err error) {
	all := m.KeyServer
	if m.Companion != "" && m.Rules.Calls {
		all = append([]Cluster{{Name: m.Rules.Companion.Cluster, URL: m.Companion}}, all...)
	}
	for _, c := range all {
		o, err := c.object()
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

// outbound is the name that Istio gives the cluster of a service: so the call to the
// companion has the mesh's mutual TLS.
func outbound(companion string) (string, error) {
	u, err := url.Parse(companion)
	if err != nil || u.Scheme != "http" {
		return "", fmt.Errorf("url %q: want http://SERVICE.NAMESPACE.svc:PORT; the mesh encrypts it", companion)
	}
	host, port := u.Hostname(), u.Port()
	if port == "" {
		port = "80"
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 || net.ParseIP(host) != nil || host == "" {
		return "", fmt.Errorf("url %q: want http://SERVICE.NAMESPACE.svc:PORT", companion)
	}
	if strings.HasSuffix(host, ".svc") {
		host += ".cluster.local"
	}
	return "outbound|" + port + "||" + host, nil
}

// pick returns some fields of an object, which must be there.
func (o object) pick(keys ...string) (out object) {
	for _, k := range keys {
		out = append(out, field{k, o.get(k)})
	}
	return out
}
