package gateway

import (
	"strings"
	"testing"
	"time"
)

const mib = 1 << 20

// A module that needs more memory than the limit denies its request, and its VM
// is replaced. With a larger limit the same request passes.
func TestTheMemoryOfAVMIsLimited(t *testing.T) {
	for _, c := range []struct {
		limit int64
		code  int
	}{{64 * mib, 503}, {512 * mib, 200}} {
		b := start(t, "request_headers: hold x-hold", func(cfg *Config) {
			cfg.MemoryLimit, cfg.FailurePolicy, cfg.ReloadBackoff = c.limit, FailReload, time.Nanosecond
		})
		v := b.workers[0].vm
		if r := b.do("GET", "/", "", "x-hold", "1"); r.code != 200 {
			t.Fatalf("1 MiB: got %d %v", r.code, r.err)
		}
		if r := b.do("GET", "/", "", "x-hold", "100"); r.code != c.code {
			t.Errorf("limit %d: got %d %v, want %d", c.limit, r.code, r.err, c.code)
		}
		if n := int64(len(v.memory.bytes)); n > c.limit {
			t.Errorf("limit %d: the memory has %d bytes", c.limit, n)
		}
		if b.notes.hasOwn("the module reached its memory limit, its VM is gone") != (c.code == 503) {
			t.Errorf("limit %d: the log does not say so", c.limit)
		}
		if r := b.do("GET", "/", "", "x-hold", "1"); r.code != 200 {
			t.Errorf("afterwards: got %d %v, want 200 from a new VM", r.code, r.err)
		}
	}
}

// A body that does not fit is denied while the host copies it into the module.
func TestABodyBeyondTheMemoryIsDenied(t *testing.T) {
	b := start(t, "request_headers: pause\nrequest_body more: pause\nrequest_body end: double", func(cfg *Config) {
		cfg.MemoryLimit, cfg.BufferLimit, cfg.FailurePolicy, cfg.ReloadBackoff = 48*mib, 100*mib, FailReload, time.Nanosecond
	})
	if r := b.do("POST", "/", strings.Repeat("x", 64*mib)); r.code != 503 {
		t.Errorf("got %d %v, want 503", r.code, r.err)
	}
	if len(b.upstreamSaw()) > 0 {
		t.Error("the request was sent upstream")
	}
	if r := b.do("POST", "/", "small"); r.code != 200 {
		t.Errorf("afterwards: got %d %v", r.code, r.err)
	}
}

func TestALimitBelowTheModulesSizeIsAnError(t *testing.T) {
	cfg := prepare(t).config("")
	cfg.MemoryLimit = 1
	if _, err := New(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "memory: the module starts with") {
		t.Errorf("got %v", err)
	}
}
