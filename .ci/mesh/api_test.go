package mesh

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// api starts etcd and the API server, for all tests, with the custom resources of Envoy
// Gateway, Istio, cert-manager and the Prometheus operator, and the namespaces of the tests.
var api = sync.OnceValue(func() error {
	if err := startAPI(); err != nil {
		return err
	}
	for _, c := range []struct{ module, files string }{
		{"github.com/envoyproxy/gateway", "charts/gateway-helm/charts/crds/crds"},
		{"istio.io/istio", "manifests/charts/base/files/crd-all.gen.yaml"},
		{"github.com/cert-manager/cert-manager@v1.21.2", "deploy/crds"},
		{"github.com/prometheus-operator/prometheus-operator@v0.85.0", "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml"},
	} {
		dir, err := moduleDir(c.module)
		if err != nil {
			return err
		}
		// Server-side: some are too long for the annotation of a plain apply.
		if _, err := output("", kubectl("apply", "--server-side", "-R", "-f", filepath.Join(dir, c.files))...); err != nil {
			return err
		}
	}
	_, err := output("", kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")...)
	for _, namespace := range []string{"shop", "istio-system", "istio-ingress"} {
		if err == nil {
			_, err = output("", kubectl("create", "namespace", namespace)...)
		}
	}
	return err
})

func needAPI(t *testing.T) {
	t.Helper()
	from := time.Now()
	if err := api(); err != nil {
		t.Fatal(err)
	}
	t.Logf("the API server is ready after %v", time.Since(from).Round(100*time.Millisecond))
}

func startAPI() error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	token := rand.Text()
	for name, text := range map[string]string{
		"sa.key":     string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
		"tokens.csv": token + ",admin,admin,system:masters\n",
		"kubeconfig": `apiVersion: v1
kind: Config
clusters: [{name: mesh, cluster: {server: "https://` + node + `:6443", certificate-authority: "` + work("certs", "apiserver.crt") + `"}}]
users: [{name: admin, user: {token: ` + token + `}}]
contexts: [{name: mesh, context: {cluster: mesh, user: admin}}]
current-context: mesh
`,
	} {
		if err := os.WriteFile(work(name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	client, peer := "http://127.0.0.1:2379", "http://127.0.0.1:2380"
	if _, err := launch("etcd", nil, "etcd", "--data-dir", work("etcd"), "--unsafe-no-fsync",
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer); err != nil {
		return err
	}
	server, err := launch("kube-apiserver", nil, program("kubernetes"), "kube-apiserver", "--etcd-servers", client,
		"--bind-address", node, "--advertise-address", node, "--cert-dir", work("certs"),
		"--service-account-issuer", "https://mesh.example", "--service-account-key-file", work("sa.key"),
		"--service-account-signing-key-file", work("sa.key"), "--token-auth-file", work("tokens.csv"),
		"--authorization-mode", "RBAC,Node", "--service-cluster-ip-range", "10.96.0.0/24", "--allow-privileged",
		// For the logs of pods. No name server knows the name of the node.
		"--kubelet-preferred-address-types", "InternalIP")
	if err != nil {
		return err
	}
	return within(time.Minute, server, func() error {
		_, err := output("", kubectl("get", "--raw", "/readyz")...)
		return err
	})
}

func kubectl(args ...string) []string {
	return append([]string{program("kubernetes"), "kubectl"}, args...)
}

// apply applies manifests.
func apply(t *testing.T, manifests string) {
	t.Helper()
	if _, err := output(manifests, kubectl("apply", "--validate=strict", "-f", "-")...); err != nil {
		t.Fatal(err)
	}
}

// dryRun asks the API server whether it takes manifests, and is strict about fields that
// it does not know.
func dryRun(manifests string) error {
	_, err := output(manifests, kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-")...)
	return err
}

// moduleDir returns the folder of a Go module: of one with a version, or of a dependency
// of the modules in programs.
func moduleDir(module string) (string, error) {
	var dir struct{ Dir string }
	cmd := exec.Command("go", "mod", "download", "-json", module)
	switch {
	case strings.Contains(module, "@"):
		cmd.Dir = os.TempDir()
	case strings.HasPrefix(module, "istio.io"):
		cmd.Dir = "programs/istio"
	default:
		cmd.Dir = "programs/envoygateway"
	}
	text, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(text, &dir)
	}
	if err == nil && dir.Dir == "" {
		err = errors.New("no folder")
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", module, err, text)
	}
	return dir.Dir, nil
}
