package main

import "unsafe"

// Before Go's runtime ends the VM, it writes the reason and the stacks of all
// goroutines, in pieces of a few bytes. Envoy logs each piece as a line, which
// makes a thousand lines, and GOTRACEBACK does not shorten them. So fatal joins the
// pieces to lines and leaves out those after the first few.

// overrideWrite is the runtime's hook for its output; see go.dev/issue/67401.
//
//go:linkname overrideWrite runtime.overrideWrite
var overrideWrite func(fd uintptr, p unsafe.Pointer, n int32) int32

func init() { overrideWrite = fatalWrite }

// fatalLines is enough for the reason and the stack of the goroutine that failed.
const fatalLines = 30

// fatal is the line that is being written. Nothing may be allocated then.
var fatal struct {
	text    [256]byte
	length  int
	written int // lines
	vector  [2]uint32
	result  uint32
}

//go:wasmimport wasi_snapshot_preview1 fd_write
//go:noescape
func fdWrite(fd int32, vectors unsafe.Pointer, n uint32, written unsafe.Pointer) int32

//go:nosplit
func fatalWrite(fd uintptr, p unsafe.Pointer, n int32) int32 {
	for i := range n {
		b := *(*byte)(unsafe.Add(p, i))
		if b != '\n' {
			fatal.text[fatal.length] = b
			fatal.length++
		}
		if fatal.length == 0 || b != '\n' && fatal.length < len(fatal.text) {
			continue
		}
		if fatal.written < fatalLines {
			fatal.vector = [2]uint32{uint32(uintptr(unsafe.Pointer(&fatal.text))), uint32(fatal.length)}
			fdWrite(int32(fd), unsafe.Pointer(&fatal.vector), 1, unsafe.Pointer(&fatal.result))
		}
		fatal.written++
		fatal.length = 0
	}
	return n
}
