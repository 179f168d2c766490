package main

import (
	"runtime"
	"runtime/debug"

	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/policy"
)

// memory counts the bytes that the bodies of all streams of a VM take, because
// they share its linear memory: a VM that needs more than the host gives traps.
type memory struct {
	held  int // by all streams
	used  int // for evaluations since the last collection
	limit int // of Go's heap; 0: none is set
}

// collectAfter is the number of bytes of bodies after which garbage is collected.
// Go's collector works beside the program and seldom gets to its end between the
// callbacks of a VM, which has one thread. A response of many keys that is rewritten
// leaves sixty times its length as garbage.
const collectAfter = 1 << 20

// heapBeyondBodies is what Go's heap needs beside the bodies that limits.memory
// counts.
const heapBeyondBodies = 64 << 20

// start sets the limit of Go's heap. The plugins of a VM share it.
func (m *memory) start(l policy.Limits) {
	if n := l.Memory + heapBeyondBodies; n > m.limit {
		m.limit = n
		debug.SetMemoryLimit(int64(n))
	}
}

// use is called before an evaluation that works with n bytes. It collects the
// garbage that earlier ones have left.
func (m *memory) use(n int) {
	if m.used += n; m.used > collectAfter {
		m.used = n
		runtime.GC()
	}
}

// hold makes n the number of bytes that the stream takes. It reports false, and
// changes nothing, if the streams would take more than limits.memory.
func (s *stream) hold(n int) bool {
	m := &s.plugin.vm.memory
	if n > s.held && m.held+n-s.held > s.plugin.policy.Limits.Memory {
		return false
	}
	m.held += n - s.held
	s.held = n
	return true
}

// release is called on every way to the end of a stream. It may be called twice.
func (s *stream) release() {
	s.plugin.vm.memory.held -= s.held
	s.held = 0
}

// noMemory refuses a message whose bytes the VM must not take.
func (s *stream) noMemory() decide.Refusal { return decide.NoMemory(s.host().name) }

// requests are the Requests of streams that are decided. They are cleared, and used
// again: a stream that is decided gives its memory to the next one.
type requests struct{ idle []*decide.Request }

// maxIdle bounds the requests that are kept.
const maxIdle = 64

func (r *requests) take() *decide.Request {
	last := len(r.idle) - 1
	if last < 0 {
		return new(decide.Request)
	}
	taken := r.idle[last]
	r.idle[last] = nil
	r.idle = r.idle[:last]
	return taken
}

func (r *requests) put(back *decide.Request) {
	back.Clear()
	if len(r.idle) < maxIdle {
		r.idle = append(r.idle, back)
	}
}
