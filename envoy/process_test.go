package envoy

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

// process is an Envoy that this test started.
type process struct {
	cmd   *exec.Cmd
	dir   string
	admin string // http://127.0.0.1:port
	ended chan struct{}
}

func envoyBinary(t testing.TB) string {
	t.Helper()
	path := os.Getenv("ENVOY")
	if path == "" {
		path = "envoy"
	}
	found, err := exec.LookPath(path)
	if err != nil {
		t.Fatalf("no Envoy (ENVOY=$(make -s envoy) finds or gets one): %v", err)
	}
	return found
}

// launch starts Envoy with a configuration whose ports may all be 0. The test's
// end ends it.
func launch(t testing.TB, config []byte, env []string, workers int) *process {
	t.Helper()
	p := &process{dir: t.TempDir(), ended: make(chan struct{})}
	file := filepath.Join(p.dir, "envoy.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	p.cmd = exec.Command(envoyBinary(t),
		"-c", file, "--disable-hot-restart", "--concurrency", fmt.Sprint(workers), "--log-level", "info",
		"--admin-address-path", filepath.Join(p.dir, "admin"))
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var err error
	if p.cmd.Stdout, err = os.Create(p.path("access.log")); err == nil {
		p.cmd.Stderr, err = os.Create(p.path("envoy.log"))
	}
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(p.stop)
	return p
}

func (p *process) path(name string) string { return filepath.Join(p.dir, name) }

func (p *process) stop() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		p.cmd.Process.Kill()
		<-p.ended
	}
}

// log is what Envoy has logged so far, the module's lines among it.
func (p *process) log() string { return p.read("envoy.log") }

func (p *process) read(name string) string {
	data, _ := os.ReadFile(p.path(name))
	return string(data)
}

// startsWithin bounds an Envoy's start with all listeners on a slow machine.
const startsWithin = 3 * time.Minute

// ready waits until Envoy serves. Its early end is the test's.
func (p *process) ready(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(startsWithin); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		select {
		case <-p.ended:
			t.Fatalf("Envoy ended: %v\n%s", p.cmd.ProcessState, tail(p.log(), 40))
		default:
		}
		addr, err := os.ReadFile(p.path("admin"))
		if err != nil || len(addr) == 0 {
			continue
		}
		p.admin = "http://" + strings.TrimSpace(string(addr))
		if text, err := p.get("/ready"); err == nil && strings.HasPrefix(text, "LIVE") {
			return
		}
	}
	t.Fatalf("Envoy is not ready after %v\n%s", startsWithin, tail(p.log(), 40))
}

// get asks the admin interface.
func (p *process) get(path string) (string, error) {
	resp, err := http.Get(p.admin + path)
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

// listeners are the addresses on which Envoy listens, by the listeners' names.
func (p *process) listeners(t testing.TB) map[string]string {
	t.Helper()
	text, err := p.get("/listeners?format=json")
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

func tail(text string, lines int) string {
	all := bytes.Split([]byte(text), []byte("\n"))
	return string(bytes.Join(all[max(0, len(all)-lines):], []byte("\n")))
}
