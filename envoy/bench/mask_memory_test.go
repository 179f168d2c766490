package bench

import (
	"encoding/json"
	"runtime"
	"sync"
	"testing"
	"time"
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
	const size, clients = 1 << 20, 8
	m.ask(t, "none", size, true)
	before, _ := m.resident(t)
	allocated := m.allocated(t)
	load := func() {
		var all sync.WaitGroup
		for range clients {
			all.Go(func() { m.ask(t, "module", size, false) })
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
