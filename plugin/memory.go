package main

import (
	"runtime"

	"github.com/rulegate/rulegate/plugin/abi"
	"github.com/rulegate/rulegate/rules/decide"
)

// memory counts the bytes that the bodies of all streams of a VM take, because
// they share its linear memory: a VM that needs more than the host gives traps.
type memory struct {
	held int // by all streams
	used int // for evaluations since the last collection
}

// collectAfter is the number of bytes of bodies after which garbage is collected.
// Go's collector works beside the program and seldom gets to its end between the
// callbacks of a VM, which has one thread. A response of many keys that is rewritten
// leaves sixty times its length as garbage.
const collectAfter = 1 << 20

// use is called before an evaluation that works with n bytes. It collects the
// garbage that earlier ones have left.
func (m *memory) use(n int) {
	if m.used += n; m.used > collectAfter {
		m.used = n
		runtime.GC()
	}
}

// hold makes n the number of bytes that the stream takes. It reports false, and
// changes nothing, if the streams would take more than limits.memory. It is not inlined,
// which would make the module larger.
//
//go:noinline
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

// room is the memory in which a stream is decided, from its headers until nothing is
// left to decide.
type room struct {
	request decide.Request
	results abi.Room // the headers of the request and the response, which these refer to
	bodies  abi.Room // their bodies, if they are short
}

// rooms are free rooms. A stream that is decided gives its memory to the next one.
type rooms struct{ free []*room }

// maxRooms bounds the free rooms. One has some 10 KiB, or 50 if bodies were read or
// rewritten in it.
const maxRooms = 64

// next returns the room that take returns.
func (r *rooms) next() *room {
	if len(r.free) == 0 {
		r.free = append(r.free, new(room))
	}
	return r.free[len(r.free)-1]
}

func (r *rooms) take() *room {
	r.next()
	last := len(r.free) - 1
	taken := r.free[last]
	r.free[last] = nil
	r.free = r.free[:last]
	return taken
}

// put takes a room back. Nothing of the stream stays in it.
func (r *rooms) put(back *room) {
	back.request.Clear()
	back.results.Reset()
	back.bodies.Reset()
	if len(r.free) < maxRooms {
		r.free = append(r.free, back)
	}
}
