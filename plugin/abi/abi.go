// Package abi has the host calls that the module makes, of the proxy-wasm ABI 0.2.1.
//
// In the module they are imports of its own: the SDK's allocate for each result,
// and leave nobody a choice where a result goes. Elsewhere they are the SDK's, so
// that its emulated host can test the plugin. plugin/RATIONALE.md has the figures.
//
// A result is in new memory, unless the call takes a Room for it. An error is one
// of the SDK's package types.
package abi

import (
	"encoding/binary"

	"github.com/rulegate/rulegate/rules/lightfmt"
)

// Map is a header map.
type Map uint32

const (
	RequestHeaders   Map = 0
	RequestTrailers  Map = 1
	ResponseHeaders  Map = 2
	ResponseTrailers Map = 3
	CallHeaders      Map = 6 // of the reply to a call
)

// Buffer is a sequence of bytes of the host.
type Buffer uint32

const (
	RequestBody         Buffer = 0
	ResponseBody        Buffer = 1
	CallBody            Buffer = 4 // of the reply to a call
	PluginConfiguration Buffer = 7
)

// Direction tells a stream's two messages apart.
type Direction uint32

const (
	Request  Direction = 0
	Response Direction = 1
)

// Level is the level of a line in the host's log.
type Level uint32

const (
	Debug Level = 1
	Info  Level = 2
	Warn  Level = 3
	Error Level = 4
)

// Logf writes a line to the host's log.
func Logf(l Level, format string, args ...any) { Log(l, lightfmt.Sprintf(format, args...)) }

// Debugf, Infof, Warnf and Errorf are Logf with a level.
func Debugf(format string, args ...any) { Logf(Debug, format, args...) }
func Infof(format string, args ...any)  { Logf(Info, format, args...) }
func Warnf(format string, args ...any)  { Logf(Warn, format, args...) }
func Errorf(format string, args ...any) { Logf(Error, format, args...) }

// Callback awaits the reply to a call. The host calls it once, with the size of the
// reply's body, when there is a reply or there will be none.
type Callback interface{ Called(bodySize int) }

// Func is a function as a Callback.
type Func func(bodySize int)

func (f Func) Called(bodySize int) { f(bodySize) }

// Counter is a counter of the host.
type Counter uint32

// Gauge is a gauge of the host.
type Gauge uint32

// Room is memory for the results of host calls, which is used again: a result is
// valid until Reset.
type Room struct {
	bytes   []byte      // of the host
	used    int         // of them
	outside bool        // a result is in memory of its own
	pairs   [][2]string // that refer to bytes
}

const (
	roomBytes = 4 << 10 // of a Room at first: more than a browser's headers with a token
	// maxRoomBytes is more than the longest token that is read, with other headers. A
	// room that was once too small is larger from then on.
	maxRoomBytes = 24 << 10
	roomPairs    = 64
)

// Reset makes the memory free for other results.
func (r *Room) Reset() {
	if r.outside { // else they refer to nothing but the room
		clear(r.pairs)
		r.outside = false
	}
	r.pairs, r.used = r.pairs[:0], 0
}

// take returns n bytes of the room, or nil if it has not that much left.
func (r *Room) take(n int) []byte {
	if r == nil {
		return nil
	}
	if n > len(r.bytes)-r.used && !r.grow(n) {
		r.outside = true
		return nil
	}
	r.used += n
	return r.bytes[r.used-n : r.used : r.used]
}

// grow makes the room larger, if nothing is in it yet.
func (r *Room) grow(n int) bool {
	if r.used > 0 || n > maxRoomBytes {
		return false
	}
	size := roomBytes
	for size < n {
		size *= 2
	}
	r.bytes = make([]byte, min(size, maxRoomBytes))
	return true
}

// read reads a header map. The pairs are in the room too, if there are not too many.
func (r *Room) read(b []byte) ([][2]string, error) {
	if r.pairs == nil {
		r.pairs = make([][2]string, 0, roomPairs)
	}
	from := len(r.pairs)
	if len(b) >= 4 && uint64(binary.LittleEndian.Uint32(b)) > uint64(cap(r.pairs)-from) {
		return appendPairs(nil, b)
	}
	all, err := appendPairs(r.pairs, b)
	if err != nil {
		clear(all[from:])
		return nil, err
	}
	r.pairs = all
	return all[from:len(all):len(all)], nil
}
