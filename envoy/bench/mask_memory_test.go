package bench

import (
	"encoding/json"
	"runtime"
	"sync"
	"testing"
	"time"
)

// TestMaskMemory: what masking takes grows with the bodies that are under way, by
// at most four times their size, and load after load takes no more than the
// first. What the module itself has got it keeps: wasm memory does not shrink.
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
		t.Errorf("%d bodies of %d MB under way took %d MB, want at most %d", clients, size>>20, grown>>20, 4*size*clients>>20)
	}
	for range 2 {
		load()
	}
	last, top := m.resident(t)
	t.Logf("resident: %d MB, after a load %d (at most %d), after three %d (at most %d)", before>>20, first>>20, peak>>20, last>>20, top>>20)
	if last-first > size*clients {
		t.Errorf("resident memory went on growing: %d MB after one load, %d after three", first>>20, last>>20)
	}
	// What Envoy holds itself goes back, once its connections are idle.
	now := m.allocated(t)
	for end := time.Now().Add(30 * time.Second); now-allocated > size && time.Now().Before(end); now = m.allocated(t) {
		time.Sleep(100 * time.Millisecond)
	}
	if now-allocated > size {
		t.Errorf("Envoy had %d KB allocated before the load and %d after it", allocated>>10, now>>10)
	}
}

// allocated is what Envoy itself has allocated, in bytes, without the VMs.
func (m *maskers) allocated(t *testing.T) int {
	t.Helper()
	text, err := m.Admin("/memory")
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
