package identity

import (
	"bufio"
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/issuer"
)

const keySetFilePolicy = `
auth: {tokens: [{name: staff, jwks: {file: keys/staff.json}, issuer: [https://id.example]}]}
routes: [{match: {methods: [GET], path: /}, rule: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: u1}}]
`

// TestKeySetOfAFile takes a policy with the key set of a file to Envoy by `rulegate
// envoy`, and to the embedded gateway by `rulegate run`. The file's path is relative to
// the policy's folder. The module reads no file: its configuration has the public keys.
func TestKeySetOfAFile(t *testing.T) {
	own, stranger := newIssuer(t), newIssuer(t)
	set, err := own.JWKS()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "policy.yaml")
	if err := os.MkdirAll(filepath.Join(dir, "keys"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{file: []byte(keySetFilePolicy), filepath.Join(dir, "keys", "staff.json"): set} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	up := harness.NewUpstream(t)
	module := harness.ModuleFile(t)

	generate := exec.Command(harness.Command(t), "envoy", file, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--upstream", up.URL, "--module", module, "--format", "json")
	var stderr bytes.Buffer
	generate.Stderr = &stderr
	config, err := generate.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	if strings.Contains(string(config), "staff.json") {
		t.Error("the configuration names the file, which the module cannot read")
	}
	p := harness.Start(t, config, nil, 1)
	p.Ready(t)

	for host, at := range map[string]string{"Envoy": p.Listeners(t)["rulegate"], "gateway": runCommand(t, file, up.URL, module)} {
		for name, c := range map[string]struct {
			of     *issuer.Issuer
			claims string
			want   int
		}{
			"a key of the file":      {own, `{"iss":"https://id.example","id":"u1"}`, http.StatusOK},
			"another user":           {own, `{"iss":"https://id.example","id":"u2"}`, http.StatusForbidden},
			"another issuer's name":  {own, `{"iss":"https://other.example","id":"u1"}`, http.StatusUnauthorized},
			"a key beside the file":  {stranger, `{"iss":"https://id.example","id":"u1"}`, http.StatusUnauthorized},
			"a key without its name": {own, `{"id":"u1"}`, http.StatusUnauthorized},
		} {
			for _, alg := range issuer.Algorithms() {
				raw, err := c.of.Mint(c.claims, alg)
				if err != nil {
					t.Fatal(err)
				}
				if status, text := harness.GetWithToken(http.DefaultClient, at, raw); status != c.want {
					t.Errorf("%s, %s, %s: want %d, found %d %s", host, name, alg, c.want, status, text)
				}
			}
		}
	}
}

func newIssuer(t *testing.T) *issuer.Issuer {
	t.Helper()
	is, err := issuer.New(issuer.Config{Algs: issuer.Algorithms()})
	if err != nil {
		t.Fatal(err)
	}
	return is
}

// runCommand starts `rulegate run` until the test ends and returns its address.
func runCommand(t *testing.T, policy, upstream, module string) (addr string) {
	t.Helper()
	cmd := exec.Command(harness.Command(t), "run", policy, "--listen", "127.0.0.1:0", "--upstream", upstream, "--module", module)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var stderr lockedBuffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), "ready on http://"); ok {
			address, _, _ := strings.Cut(url, " ") // the policy's version follows
			return address
		}
	}
	t.Fatalf("rulegate run ended:\n%s", stderr.String())
	return ""
}
