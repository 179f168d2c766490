package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
)

// TestMaskMemory tests that masking needs at most four times the size of the
// bodies that it masks at once, and that repeated load needs no more than the
// first. The memory of a wasm VM does not shrink, so the test does not want the
// resident size to go back.
func TestMaskMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("memory is read from /proc")
	}
	m := newMaskers(t)
	const size, clients = memorySize, 8
	m.ask(t, "none")
	before, _ := m.resident(t)
	allocated := m.allocated(t)
	load := func() {
		var all sync.WaitGroup
		for range clients {
			all.Go(func() { m.ask(t, "module") })
		}
		all.Wait()
	}
	load()
	first, peak := m.resident(t)
	if grown := peak - before; grown > 4*size*clients {
		t.Errorf("%d bodies of %d MB at once: want at most %d MB, found %d", clients, size>>20, 4*size*clients>>20, grown>>20)
	}
	for range 2 {
		load()
	}
	last, top := m.resident(t)
	t.Logf("resident: %d MB, after a load %d (at most %d), after three %d (at most %d)", before>>20, first>>20, peak>>20, last>>20, top>>20)
	if last-first > size*clients {
		t.Errorf("resident memory grows with each load: %d MB after one, %d after three", first>>20, last>>20)
	}
	// Envoy frees its own memory once its connections are idle.
	now := m.allocated(t)
	for end := time.Now().Add(30 * time.Second); now-allocated > size && time.Now().Before(end); now = m.allocated(t) {
		time.Sleep(100 * time.Millisecond)
	}
	if now-allocated > size {
		t.Errorf("Envoy had %d KB allocated before the load and %d after it", allocated>>10, now>>10)
	}
}

const memorySize = 1 << 20

// maskers is an Envoy with one worker and two listeners: with the module, which masks,
// and without it.
type maskers struct {
	*harness.Process
	at map[string]string
}

func newMaskers(t testing.TB) *maskers {
	t.Helper()
	body := rows(memorySize)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("content-type", "application/json")
		w.Header().Set("content-length", strconv.Itoa(len(body)))
		io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	b := harness.NewBootstrap(t, server.URL)
	b.Workers = 1
	for _, kind := range []string{"none", "module"} {
		b.AddPolicy(t, kind, "routes: [{match: {methods: [GET], path: /}, auth: none, rule: "+maskRule+"}]\n", "")
	}
	b.Filters = map[string][]any{"none": {}}
	p := b.Start(t)
	p.Ready(t)
	return &maskers{p, p.Listeners(t)}
}

const maskRule = `{rule: and, clauses: [{rule: remove, fields: [res.password, res.ssn]}, {rule: force, field: res.card, value: "****"}]}`

// ask requests the body, and checks that the module has masked it.
func (m *maskers) ask(t testing.TB, kind string) {
	status, text, err := ask(t.Context(), m.at[kind], get(), "")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%d %.200s", status, text)
	}
	if err == nil && kind == "module" {
		err = checkMasked(text)
	}
	if err != nil {
		t.Errorf("%s: %v", kind, err)
	}
}

// resident returns the resident memory of Envoy in bytes: now, and at most so far.
func (m *maskers) resident(t testing.TB) (now, peak int) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.Cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		switch {
		case len(f) > 1 && f[0] == "VmRSS:":
			now, _ = strconv.Atoi(f[1])
		case len(f) > 1 && f[0] == "VmHWM:":
			peak, _ = strconv.Atoi(f[1])
		}
	}
	return now << 10, peak << 10
}

// allocated returns the bytes that Envoy has allocated without the VMs.
func (m *maskers) allocated(t *testing.T) int {
	t.Helper()
	text, err := m.AdminGet("/memory")
	if err != nil {
		t.Fatal(err)
	}
	var out struct {
		Allocated int `json:"allocated,string"`
	}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out.Allocated
}
