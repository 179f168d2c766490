package harness

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Process is an Envoy that a test started.
type Process struct {
	Cmd      *exec.Cmd
	Ended    chan struct{} // closed when Envoy has exited
	dir      string        // holds its configuration and logs
	adminURL string        // http://127.0.0.1:port
}

// Binary returns the path of Envoy: $ENVOY, or the one on the PATH.
func Binary(t testing.TB) string {
	t.Helper()
	path := os.Getenv("ENVOY")
	if path == "" {
		path = "envoy"
	}
	found, err := exec.LookPath(path)
	if err != nil {
		t.Fatalf("no Envoy (set ENVOY=$(make -s envoy), which finds or downloads one): %v", err)
	}
	return found
}

// Start starts Envoy with a configuration whose ports may all be 0, and stops it
// when the test ends.
func Start(t testing.TB, config []byte, env []string, workers int) *Process {
	t.Helper()
	p := &Process{dir: t.TempDir(), Ended: make(chan struct{})}
	file := filepath.Join(p.dir, "envoy.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	p.Cmd = exec.Command(Binary(t),
		"-c", file, "--disable-hot-restart", "--concurrency", fmt.Sprint(workers), "--log-level", "info",
		"--admin-address-path", filepath.Join(p.dir, "admin"))
	p.Cmd.Env = append(os.Environ(), env...)
	// In a group of its own: Ctrl-C is for the test, which ends Envoy.
	p.Cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	var err error
	if p.Cmd.Stdout, err = os.Create(p.path("access.log")); err == nil {
		p.Cmd.Stderr, err = os.Create(p.path("envoy.log"))
	}
	if err == nil {
		err = p.Cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		p.Cmd.Wait()
		close(p.Ended)
	}()
	t.Cleanup(p.stop)
	return p
}

func (p *Process) path(name string) string { return filepath.Join(p.dir, name) }

func (p *Process) stop() {
	p.Cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.Ended:
	case <-time.After(10 * time.Second):
		p.Cmd.Process.Kill()
		<-p.Ended
	}
}

// Log returns Envoy's log so far, with the module's lines.
func (p *Process) Log() string { return p.Read("envoy.log") }

// Read returns the content of a file in Envoy's folder: envoy.log or access.log.
func (p *Process) Read(name string) string {
	data, _ := os.ReadFile(p.path(name))
	return string(data)
}

// StartTimeout is long enough for an Envoy with hundreds of listeners on a slow
// machine.
const StartTimeout = 3 * time.Minute

// Ready waits until Envoy serves, and fails the test if Envoy exits first.
func (p *Process) Ready(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(StartTimeout); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		select {
		case <-p.Ended:
			t.Fatalf("Envoy exited: %v\n%s", p.Cmd.ProcessState, Tail(p.Log(), 40))
		default:
		}
		addr, err := os.ReadFile(p.path("admin"))
		if err != nil || len(addr) == 0 {
			continue
		}
		p.adminURL = "http://" + strings.TrimSpace(string(addr))
		if text, err := p.AdminGet("/ready"); err == nil && strings.HasPrefix(text, "LIVE") {
			return
		}
	}
	t.Fatalf("Envoy is not ready after %v\n%s", StartTimeout, Tail(p.Log(), 40))
}

// AdminAddress returns the address of the admin interface.
func (p *Process) AdminAddress() string { return strings.TrimPrefix(p.adminURL, "http://") }

// AdminGet returns a page of the admin interface.
func (p *Process) AdminGet(path string) (string, error) {
	resp, err := http.Get(p.adminURL + path)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, resp.Status)
	}
	return string(body), err
}

// AwaitAdmin asks Envoy's admin interface for a page until it has a text, or for 15 s,
// and returns the page: each worker's module reports its counters once a second.
func (p *Process) AwaitAdmin(t testing.TB, path, text string) (page string) {
	t.Helper()
	for range 150 {
		var err error
		if page, err = p.AdminGet(path); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(page, text) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	return page
}

// Listeners returns the address of each listener by its name.
func (p *Process) Listeners(t testing.TB) map[string]string {
	t.Helper()
	text, err := p.AdminGet("/listeners?format=json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Statuses []struct {
			Name  string `json:"name"`
			Local struct {
				Socket struct {
					Address string `json:"address"`
					Port    int    `json:"port_value"`
				} `json:"socket_address"`
			} `json:"local_address"`
		} `json:"listener_statuses"`
	}
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatalf("/listeners: %v", err)
	}
	at := map[string]string{}
	for _, s := range all.Statuses {
		at[s.Name] = fmt.Sprintf("%s:%d", s.Local.Socket.Address, s.Local.Socket.Port)
	}
	return at
}

// Tail returns the last lines of a text.
func Tail(text string, lines int) string {
	all := bytes.Split([]byte(text), []byte("\n"))
	return string(bytes.Join(all[max(0, len(all)-lines):], []byte("\n")))
}
