//go:build !wasip1

package abi

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

// shapes are header maps at the edges of a Room and of the format.
func shapes() map[string][][2]string {
	many := func(n int) (pairs [][2]string) {
		for i := range n {
			pairs = append(pairs, [2]string{fmt.Sprint("x-", i), fmt.Sprint("value ", i)})
		}
		return pairs
	}
	// A map of one pair is 4+8+2 bytes longer than its texts.
	sized := func(n int) [][2]string { return [][2]string{{"x", strings.Repeat("v", n-4-8-2-1)}} }
	return map[string][][2]string{
		"none":                  {},
		"one":                   many(1),
		"100":                   many(100),
		"as many as a room":     many(roomPairs),
		"one more":              many(roomPairs + 1),
		"as long as a room":     sized(roomBytes),
		"one byte more":         sized(roomBytes + 1),
		"60 KB":                 sized(60 << 10),
		"a NUL":                 {{"x\x00y", "a\x00b\x00"}, {"z", "\x00"}},
		"empty names":           {{"", "a"}, {"", ""}, {"b", ""}},
		"repeated pseudo":       {{":path", "/a"}, {":path", "/b"}, {":method", "GET"}, {":method", "GET"}},
		"bytes that are no UTF": {{"\xff", "\xfe\x80"}},
	}
}

// TestRoom: every header map is read as it is, several of them into one room, and a
// room that was reset takes the next ones.
func TestRoom(t *testing.T) {
	for name, want := range shapes() {
		t.Run(name, func(t *testing.T) {
			var r Room
			for range 3 {
				var got [2][][2]string
				for i := range got {
					b := encodePairs(want)
					if in := r.take(len(b)); in != nil {
						b = append(in[:0], b...)
					}
					var err error
					if got[i], err = r.read(b); err != nil {
						t.Fatal(err)
					}
				}
				for i := range got {
					if !slices.Equal(got[i], want) {
						t.Errorf("map %d: got %d pairs %.200q, want %d", i, len(got[i]), got[i], len(want))
					}
				}
				if len(got[0]) > 0 && cap(got[0]) != len(got[0]) {
					t.Error("appending to a result would write into the room")
				}
				r.Reset()
			}
			if len(r.bytes) > maxRoomBytes || cap(r.pairs) > roomPairs {
				t.Errorf("the room keeps %d bytes and %d pairs", len(r.bytes), cap(r.pairs))
			}
			for _, p := range r.pairs[:cap(r.pairs)] {
				if !r.holds(p[0]) || !r.holds(p[1]) {
					t.Errorf("%q is left of memory outside of the room", p)
				}
			}
		})
	}
}

// holds reports whether a text is in the room.
func (r *Room) holds(s string) bool {
	at, room := uintptr(unsafe.Pointer(unsafe.StringData(s))), uintptr(unsafe.Pointer(unsafe.SliceData(r.bytes)))
	return s == "" || at >= room && at < room+uintptr(len(r.bytes))
}

// TestRoomGrows: a room that was too small for a result is large enough for the next
// one, up to a bound.
func TestRoomGrows(t *testing.T) {
	var r Room
	for _, c := range []struct{ n, size int }{{1, roomBytes}, {roomBytes + 1, 2 * roomBytes}, {1, 2 * roomBytes}, {maxRoomBytes, maxRoomBytes}, {maxRoomBytes + 1, maxRoomBytes}} {
		b := r.take(c.n)
		if (b != nil) != (c.n <= maxRoomBytes) || len(r.bytes) != c.size {
			t.Errorf("%d bytes: got %d, in a room of %d, want one of %d", c.n, len(b), len(r.bytes), c.size)
		}
		if b != nil && c.n < c.size && r.take(c.size) != nil {
			t.Error("a room grows under a result")
		}
		r.Reset()
	}
}

// FuzzPairs: no bytes of a host cause a panic, and what is read is what is there.
func FuzzPairs(f *testing.F) {
	for _, pairs := range shapes() {
		if b := encodePairs(pairs); len(b) < 4096 {
			f.Add(b)
		}
	}
	for _, lengths := range [][]uint32{{}, {1}, {1, 5, 0}, {1, 0xffffffff, 0xffffffff}, {0xffffffff}, {0x20000000, 0, 0}, {2, 0, 0}} {
		var b []byte
		for _, n := range lengths {
			b = binary.LittleEndian.AppendUint32(b, n)
		}
		f.Add(b)
		f.Add(append(b, 0, 0, 0))
	}
	var room Room
	f.Fuzz(func(t *testing.T, b []byte) {
		pairs, err := appendPairs(nil, b)
		room.Reset()
		inRoom, roomErr := room.read(b)
		if (err == nil) != (roomErr == nil) || err == nil && !slices.Equal(pairs, inRoom) {
			t.Errorf("in a room: %q, %v, else %q, %v", inRoom, roomErr, pairs, err)
		}
		if err != nil {
			return
		}
		again := encodePairs(pairs)
		if len(again) > len(b) {
			t.Fatalf("%d bytes hold %d", len(b), len(again))
		}
		// The host may write something else than NUL between the texts.
		if n := 4 + 8*len(pairs); !bytes.Equal(again[:n], b[:n]) {
			t.Errorf("lengths %x, want %x", again[:n], b[:n])
		}
	})
}

// The headers of a call are written to the memory of those before.
func TestEncodedPairsUseMemoryAgain(t *testing.T) {
	long := appendEncoded(nil, [][2]string{{"authorization", "a secret of another request"}, {"b", "c"}})
	short := [][2]string{{":path", "/"}}
	again := appendEncoded(long[:0], short)
	if &again[0] != &long[0] || !bytes.Equal(again, encodePairs(short)) {
		t.Errorf("%q", again)
	}
}
