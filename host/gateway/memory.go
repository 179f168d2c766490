package gateway

import "encoding/binary"

// status is the result of a host function; the numbers are the ABI's.
type status uint32

const (
	statusOK                  status = 0
	statusNotFound            status = 1
	statusBadArgument         status = 2
	statusInvalidMemoryAccess status = 6
	statusEmpty               status = 7
	statusCASMismatch         status = 8
	statusInternalFailure     status = 10
	statusUnimplemented       status = 12
)

// bytes returns a view of the module's memory. It is valid until the module
// runs again.
func (v *vm) bytes(ptr, size uint64) ([]byte, bool) {
	if uint32(size) == 0 {
		return nil, true
	}
	return v.mod.Memory().Read(uint32(ptr), uint32(size))
}

// text returns a copy of a part of the module's memory.
func (v *vm) text(ptr, size uint64) (string, bool) {
	b, ok := v.bytes(ptr, size)
	return string(b), ok
}

func (v *vm) writeUint32(ptr uint64, n uint32) status {
	if !v.mod.Memory().WriteUint32Le(uint32(ptr), n) {
		return statusInvalidMemoryAccess
	}
	return statusOK
}

func (v *vm) writeUint64(ptr, n uint64) status {
	if !v.mod.Memory().WriteUint64Le(uint32(ptr), n) {
		return statusInvalidMemoryAccess
	}
	return statusOK
}

// reserve has the module allocate n bytes, and stores their address and size at
// the two addresses that the module passed. For zero bytes it stores a null
// pointer, because the SDK's allocator panics when asked for none.
func (v *vm) reserve(n int, ptrPtr, sizePtr uint64) ([]byte, status) {
	var at uint32
	if n > 0 {
		v.allocStack[0] = uint64(uint32(n))
		if err := v.alloc.CallWithStack(v.ctx, v.allocStack[:]); err != nil {
			v.die(err)
			return nil, statusInternalFailure
		}
		at = uint32(v.allocStack[0])
	}
	if st := v.writeUint32(ptrPtr, at); st != statusOK {
		return nil, st
	}
	if st := v.writeUint32(sizePtr, uint32(n)); st != statusOK {
		return nil, st
	}
	if n == 0 {
		return nil, statusOK
	}
	b, ok := v.mod.Memory().Read(at, uint32(n))
	if !ok {
		return nil, statusInvalidMemoryAccess
	}
	return b, statusOK
}

// give copies data into memory that the module allocates.
func (v *vm) give(data []byte, ptrPtr, sizePtr uint64) status {
	b, st := v.reserve(len(data), ptrPtr, sizePtr)
	copy(b, data)
	return st
}

func (v *vm) giveText(s string, ptrPtr, sizePtr uint64) status {
	b, st := v.reserve(len(s), ptrPtr, sizePtr)
	copy(b, s)
	return st
}

// givePairs writes a header map in the ABI's format: the number of pairs, the
// lengths of all names and values, then the names and values, each with a NUL
// after it.
func (v *vm) givePairs(pairs [][2]string, ptrPtr, sizePtr uint64) status {
	size := 4
	for _, p := range pairs {
		size += 4 + 4 + len(p[0]) + 1 + len(p[1]) + 1
	}
	b, st := v.reserve(size, ptrPtr, sizePtr)
	if st != statusOK {
		return st
	}
	binary.LittleEndian.PutUint32(b, uint32(len(pairs)))
	lengths, data := b[4:], b[4+8*len(pairs):]
	for _, p := range pairs {
		for _, s := range p {
			binary.LittleEndian.PutUint32(lengths, uint32(len(s)))
			lengths = lengths[4:]
			data = data[copy(data, s):]
			data[0] = 0
			data = data[1:]
		}
	}
	return statusOK
}

// parsePairs reads a header map in that format. It reports false if a length
// exceeds the text.
func parsePairs(b []byte) ([][2]string, bool) {
	if len(b) == 0 {
		return nil, true
	}
	if len(b) < 4 {
		return nil, false
	}
	n := uint64(binary.LittleEndian.Uint32(b))
	if 4+8*n > uint64(len(b)) {
		return nil, false
	}
	lengths, data := b[4:4+8*n], b[4+8*n:]
	pairs := make([][2]string, n)
	for i := range pairs {
		for j := range pairs[i] {
			size := uint64(binary.LittleEndian.Uint32(lengths))
			lengths = lengths[4:]
			if size+1 > uint64(len(data)) {
				return nil, false
			}
			pairs[i][j] = string(data[:size])
			data = data[size+1:]
		}
	}
	return pairs, true
}
