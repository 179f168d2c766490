package console

import (
	"encoding/json"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rulegate/rulegate/host/policytest"
)

// built builds the page, if it has changed, and returns its files. The embedded ones are
// those of the last build before the compiler ran.
func built(t testing.TB) fs.FS {
	t.Helper()
	if _, err := exec.LookPath("npm"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("no npm in the PATH, which builds the page")
		}
		t.Skip("no npm in the PATH, which builds the page")
	}
	if out, err := exec.Command("../../.ci/console").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return os.DirFS("dist")
}

// serve serves the page, with a policy if path is not "". It returns its link.
func serve(t testing.TB, policy string) string {
	t.Helper()
	return serveFiles(t, built(t), policy)
}

func serveFiles(t testing.TB, page fs.FS, policy string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := newServer(page, policy, l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: s}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return s.Link("http://" + l.Addr().String())
}

// write writes files into a new folder, and returns it.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// stand is a page without contents.
var stand = fstest.MapFS{"index.html": {Data: []byte("<p>page")}, "eval.wasm.gz": {Data: []byte("x")}, ".gitignore": {Data: []byte("*")}}

// TestExamples runs the tests of the examples. They must show every outcome.
func TestExamples(t *testing.T) {
	policies, err := filepath.Glob("page/examples/*/policy.yaml")
	if err != nil || len(policies) < 11 {
		t.Fatal(policies, err)
	}
	for _, path := range policies {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			s, err := policytest.Load(filepath.Join(filepath.Dir(path), "policy_test.yaml"), policytest.Options{})
			if err != nil {
				t.Fatal(err)
			}
			n := policytest.NewNative(s.Policy, 0)
			n.Coverage = policytest.NewCoverage(s)
			for _, c := range s.Cases {
				if r := s.Run(n, c); r.Outcome != policytest.Pass {
					t.Errorf("%s: %v %v", c.Name, r.Differences, r.Err)
				}
			}
			if percent := n.Coverage.Totals().Percent(); percent < 100 {
				t.Errorf("the tests show %.0f %% of the outcomes", percent)
			}
		})
	}
}

// client asks the server as a page, or as somebody else.
type client struct {
	t           *testing.T
	base, token string
}

func newClient(t *testing.T, link string) *client {
	base, token, _ := strings.Cut(link, "/#token=")
	return &client{t, strings.TrimSuffix(base, "/"), token}
}

// ask returns the status and the answer. Headers with the value "-" are removed.
func (c *client) ask(method, path, body string, headers ...string) (int, string) {
	c.t.Helper()
	req, err := http.NewRequest(method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		switch {
		case headers[i] == "Host":
			req.Host = headers[i+1]
		case headers[i+1] == "-":
			req.Header.Del(headers[i])
		default:
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if !strings.Contains(resp.Header.Get("Content-Security-Policy"), "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'") {
		c.t.Errorf("%s %s: the Content-Security-Policy is %q", method, path, resp.Header.Get("Content-Security-Policy"))
	}
	return resp.StatusCode, string(data)
}

func (c *client) want(status int, part, method, path, body string, headers ...string) {
	c.t.Helper()
	if got, text := c.ask(method, path, body, headers...); got != status || !strings.Contains(text, part) {
		c.t.Errorf("%s %s %s %v: %d %.300s, want %d %s", method, path, body, headers, got, text, status, part)
	}
}

// TestGuard has a request that is answered, and its neighbours that are not.
func TestGuard(t *testing.T) {
	dir := write(t, map[string]string{"policy.yaml": "routes: []\n"})
	c := newClient(t, serveFiles(t, stand, filepath.Join(dir, "policy.yaml")))
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(c.base, "http://"))
	c.want(200, `"policy.yaml"`, "GET", "/api/files", "")
	c.want(200, `"policy.yaml"`, "GET", "/api/files", "", "Host", "localhost:"+port, "Origin", "http://localhost:"+port, "Sec-Fetch-Site", "same-origin")
	c.want(200, `"policy.yaml"`, "GET", "/api/files", "", "Host", "[::1]:"+port)
	c.want(401, "open the link", "GET", "/api/files", "", "Authorization", "-")
	c.want(401, "open the link", "GET", "/api/files", "", "Authorization", "Bearer "+c.token+"x")
	c.want(403, "another origin", "GET", "/api/files", "", "Origin", "http://evil.example")
	c.want(403, "another origin", "GET", "/api/files", "", "Origin", "null")
	c.want(403, "another origin", "GET", "/api/files", "", "Origin", "http://localhost:"+port)
	c.want(403, "another origin", "GET", "/api/files", "", "Sec-Fetch-Site", "cross-site")
	c.want(403, "another origin", "PUT", "/api/files", `{}`, "Sec-Fetch-Site", "same-site")
	for _, host := range []string{"evil.example:" + port, "localhost.evil.example:" + port, "127.0.0.1", "127.0.0.1:1", ""} {
		if host != "" {
			c.want(421, "the host is not", "GET", "/", "", "Host", host)
			c.want(421, "the host is not", "GET", "/api/files", "", "Host", host)
		}
	}
	c.want(200, "<p>page", "GET", "/", "", "Authorization", "-")
	c.want(404, "no such file", "GET", "/.gitignore", "")
	c.want(404, "no such file", "GET", "/../server.go", "")
	c.want(405, "want GET", "POST", "/", "")
	c.want(404, "no such operation", "DELETE", "/api/files", "")
	newClient(t, serveFiles(t, stand, "")).want(404, "without a policy", "GET", "/api/files", "")
}

// TestFiles gives the files of a policy, without secrets, and saves them.
func TestFiles(t *testing.T) {
	const key = "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n"
	dir := write(t, map[string]string{
		"policy.yaml": "auth: {tokens: [{name: a, alg: RS256, privateKey: \"${file:key.pem}\"}, {name: b, alg: RS256, publicKey: \"${file:public.pem}\"}, {alg: HS256, secret: \"${file:secret.yaml}\"}]}\n" +
			"include: [more/*.yaml]\n",
		"more/a.yaml":      "routes: [{match: {path: /a}, rule: {rule: authenticated}}]\n",
		"key.pem":          key,
		"public.pem":       "-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----\n",
		"secret.yaml":      "the-secret-of-the-file-of-32-bytes-and-more",
		"other.yaml":       "routes: []\n",
		"policy_test.yaml": "tests: [{request: GET /a, want: 401}]\n",
	})
	policy := filepath.Join(dir, "policy.yaml")
	c := newClient(t, serveFiles(t, stand, policy))
	list := func() (out struct {
		Policy, Tests, Version string
		Files                  map[string]file
	}) {
		_, text := c.ask("GET", "/api/files", "")
		if err := json.Unmarshal([]byte(text), &out); err != nil {
			t.Fatal(err, text)
		}
		return out
	}
	files := list()
	var names []string
	for name := range files.Files {
		names = append(names, name)
	}
	slices.Sort(names)
	if got := strings.Join(names, " "); got != "more/a.yaml policy.yaml policy_test.yaml public.pem" || files.Policy != "policy.yaml" || files.Tests != "policy_test.yaml" {
		t.Errorf("files %s, policy %s, tests %s", got, files.Policy, files.Tests)
	}
	put := func(name, text, hash string) string {
		b, err := json.Marshal(map[string]string{"path": name, "text": text, "hash": hash})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if err := os.Chmod(policy, 0o640); err != nil {
		t.Fatal(err)
	}
	c.want(200, `"hash"`, "PUT", "/api/files", put("policy.yaml", "routes: [] # saved\n", files.Files["policy.yaml"].Hash))
	if data, err := os.ReadFile(policy); string(data) != "routes: [] # saved\n" || err != nil {
		t.Errorf("%s %v", data, err)
	}
	if info, err := os.Stat(policy); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	c.want(409, "changed on the disk", "PUT", "/api/files", put("policy.yaml", "x", files.Files["policy.yaml"].Hash))
	c.want(409, "changed on the disk", "PUT", "/api/files", put("policy.yaml", "x", ""))
	c.want(409, "changed on the disk", "PUT", "/api/files", put("policy_test.yaml", "x", "123"))
	for _, name := range []string{"other.yaml", "key.pem", "public.pem", "../policy.yaml", "/etc/passwd", policy, "", "."} {
		c.want(400, "no file of this policy", "PUT", "/api/files", put(name, "x", ""))
	}
	c.want(400, "want path, text and hash", "PUT", "/api/files", `{`)
	c.want(400, "want path, text and hash", "PUT", "/api/files", put("policy.yaml", strings.Repeat("x", maxFile+1), list().Files["policy.yaml"].Hash))
	c.want(415, "want application/json", "PUT", "/api/files", "{}", "Content-Type", "text/plain")

	// A link is followed, and stays one.
	target := filepath.Join(dir, "target.yaml")
	if err := os.Rename(policy, target); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("target.yaml", policy); err != nil {
		t.Fatal(err)
	}
	c.want(200, `"hash"`, "PUT", "/api/files", put("policy.yaml", "routes: [] # again\n", list().Files["policy.yaml"].Hash))
	if data, err := os.ReadFile(target); string(data) != "routes: [] # again\n" || err != nil {
		t.Errorf("%s %v", data, err)
	}
	if info, err := os.Lstat(policy); err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Errorf("%v %v", info.Mode(), err)
	}

	// Bytes that are no text are not given out: saved again, they would be others.
	if err := os.WriteFile(filepath.Join(dir, "more", "a.yaml"), []byte("# \xff\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, found := list().Files["more/a.yaml"]; found {
		t.Error("a file that is no UTF-8 is given to the page")
	}

	// A change is noticed.
	version := list().Version
	if err := os.WriteFile(target, []byte("routes: [] # of somebody else\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.want(200, `"version"`, "GET", "/api/changes?version="+version, "")
	if files := list(); files.Version == version || files.Files["policy.yaml"].Text != "routes: [] # of somebody else\n" {
		t.Errorf("%+v", files)
	}
}

func TestNewAndExport(t *testing.T) {
	if _, err := newServer(stand, "nowhere.yaml", &net.TCPAddr{}); err == nil || !strings.Contains(err.Error(), "nowhere.yaml") {
		t.Error(err)
	}
	latin := filepath.Join(write(t, map[string]string{"policy.yaml": "# caf\xe9\n"}), "policy.yaml")
	if _, err := newServer(stand, latin, &net.TCPAddr{}); err == nil || !strings.Contains(err.Error(), "want a text in UTF-8") {
		t.Error(err)
	}
	dir := filepath.Join(t.TempDir(), "a", "b")
	if err := export(stand, dir); err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(found) != 2 {
		t.Error(found, err)
	}
	// An exported page needs nothing of the server: any server will do.
	s := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer s.Close()
	resp, err := http.Get(s.URL + "/index.html")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Error(resp, err)
	}
}
