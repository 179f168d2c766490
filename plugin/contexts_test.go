//go:build !wasip1

package main

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestStreams compares the table with a map, for ids that collide, that wrap around,
// and that come and go.
func TestStreams(t *testing.T) {
	for name, id := range map[string]func(n uint32) uint32{
		"in order":    func(n uint32) uint32 { return n },
		"colliding":   func(n uint32) uint32 { return n * minSlots },
		"wrapping":    func(n uint32) uint32 { return n - 100 },
		"two at once": func(n uint32) uint32 { return n&1*minSlots - n },
	} {
		t.Run(name, func(t *testing.T) {
			var (
				table streams
				p     plugin
				want  = map[uint32]*stream{}
				live  []uint32
				r     = rand.New(rand.NewPCG(1, 2))
			)
			for n := range uint32(20000) {
				if len(live) > 0 && r.IntN(2) == 0 {
					i := r.IntN(len(live))
					gone := live[i]
					table.remove(want[gone])
					delete(want, gone)
					live[i] = live[len(live)-1]
					live = live[:len(live)-1]
					if table.get(gone) != nil {
						t.Fatalf("%d is still there", gone)
					}
				}
				now := id(n)
				if want[now] != nil {
					continue
				}
				want[now] = table.add(&p, now)
				live = append(live, now)
				if n%64 == 0 {
					for _, id := range live {
						if s := table.get(id); s != want[id] || s.id != id || s.plugin != &p {
							t.Fatalf("%d: got %p, want %p", id, s, want[id])
						}
					}
				}
				if table.count != len(want) || 2*table.count > len(table.slots) {
					t.Fatalf("%d streams in %d slots, want %d streams", table.count, len(table.slots), len(want))
				}
			}
		})
	}
}

// TestContexts: a stream that has ended is not found, its memory is used again, and
// an id that the host uses twice is a new stream.
func TestContexts(t *testing.T) {
	var v vm
	v.create(1, 0)
	v.create(2, 1)
	first := v.stream(2)
	v.plugins[1].deadlines.set(first, time.Now())
	if len(v.plugins[1].deadlines.streams) != 1 {
		t.Fatal("no deadline")
	}
	v.create(2, 1)
	if s := v.stream(2); s.state != awaitHeaders || s.id != 2 || len(v.plugins[1].deadlines.streams) != 0 {
		t.Errorf("the second stream of an id is in state %d, with %d deadlines", s.state, len(v.plugins[1].deadlines.streams))
	}
	v.end(2)
	v.create(3, 1)
	if v.stream(3) != first {
		t.Error("the memory is not used again")
	}
	v.create(4, 7) // of no plugin
	for _, id := range []uint32{2, 4, 1} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%d: a callback is answered", id)
				}
			}()
			v.stream(id)
		}()
	}
	v.end(1)
	v.end(1)
	if len(v.plugins) != 0 {
		t.Error("the plugin is still there")
	}
}
