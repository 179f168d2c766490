package gateway

import (
	"sync/atomic"

	"github.com/tetratelabs/wazero/experimental"
)

// linearMemory is the memory of one VM. It refuses to grow beyond a limit, which
// ends a module of Go with "out of memory", as a trap. It is an ordinary slice,
// because a callback may run on after a nested call of the module's allocator
// closed the VM.
type linearMemory struct {
	limit  uint64 // in bytes
	bytes  []byte
	denied atomic.Bool // the module asked for more than the limit
}

// Allocate implements experimental.MemoryAllocator. wazero calls it once, since a
// module has one memory.
func (m *linearMemory) Allocate(capacity, _ uint64) experimental.LinearMemory {
	m.bytes = make([]byte, 0, capacity)
	return m
}

// Reallocate implements experimental.LinearMemory; nil lets memory.grow fail. The
// first call is for the size that the module declares, and must not fail.
func (m *linearMemory) Reallocate(size uint64) []byte {
	if size > m.limit && len(m.bytes) > 0 {
		m.denied.Store(true)
		return nil
	}
	if size > uint64(cap(m.bytes)) {
		grown := make([]byte, size, max(size, min(m.limit, size+size/4)))
		copy(grown, m.bytes)
		m.bytes = grown
	}
	m.bytes = m.bytes[:size]
	return m.bytes
}

// Free implements experimental.LinearMemory. The garbage collector frees the bytes.
func (m *linearMemory) Free() {}
