package main

import "github.com/rulegate/rulegate/plugin/abi"

// streams are the streams of a VM, by the ids of their contexts: a hash table of open
// addressing. The host counts ids up, so most streams are where their id leads. A map
// of Go takes four times as long.
type streams struct {
	slots []slot // their number is a power of two
	count int
	free  []*stream // have ended; their memory is used again
}

type slot struct {
	id     uint32
	stream *stream // nil: the slot is free
}

const (
	minSlots = 64
	// maxFree bounds the ended streams that are kept.
	maxFree = 1024
)

// at returns the slot of an id, or the free slot where it would be.
func (t *streams) at(id uint32) *slot {
	mask := uint32(len(t.slots) - 1)
	for i := id & mask; ; i = (i + 1) & mask {
		if s := &t.slots[i]; s.stream == nil || s.id == id {
			return s
		}
	}
}

// get returns the stream of an id; nil: there is none.
func (t *streams) get(id uint32) *stream {
	if t.count == 0 {
		return nil
	}
	return t.at(id).stream
}

// add adds a new stream.
func (t *streams) add(p *plugin, id uint32) *stream {
	if 2*t.count >= len(t.slots) {
		t.grow()
	}
	s := t.take()
	s.plugin, s.id, s.state = p, id, awaitHeaders
	*t.at(id) = slot{id, s}
	t.count++
	return s
}

// take returns the memory of a stream, which is zero but for its state.
func (t *streams) take() *stream {
	last := len(t.free) - 1
	if last < 0 {
		return new(stream)
	}
	s := t.free[last]
	t.free[last] = nil
	t.free = t.free[:last]
	return s
}

func (t *streams) grow() {
	old := t.slots
	t.slots = make([]slot, max(minSlots, 2*len(old)))
	for _, s := range old {
		if s.stream != nil {
			*t.at(s.id) = s
		}
	}
}

// remove removes a stream that has ended.
func (t *streams) remove(s *stream) {
	mask := uint32(len(t.slots) - 1)
	i := s.id & mask
	for t.slots[i].stream != s {
		i = (i + 1) & mask
	}
	// Move back the streams behind the slot that would not be found over the gap.
	for next := (i + 1) & mask; t.slots[next].stream != nil; next = (next + 1) & mask {
		if home := t.slots[next].id & mask; (next-home)&mask >= (next-i)&mask {
			t.slots[i], i = t.slots[next], next
		}
	}
	t.slots[i] = slot{}
	t.count--
	*s = stream{}
	s.state = gone // whoever still has it does nothing with it
	if len(t.free) < maxFree {
		t.free = append(t.free, s)
	}
}

// create makes a context, that of a plugin if parent is 0.
func (v *vm) create(id, parent uint32) {
	if parent == 0 {
		if v.plugins == nil {
			v.plugins = map[uint32]*plugin{}
		}
		v.plugins[id], v.last = v.newPlugin(id), nil
		return
	}
	if v.streams.get(id) != nil {
		v.end(id) // the host does not use an id twice
	}
	if p := v.plugin(parent); p != nil {
		v.streams.add(p, id)
	}
}

// plugin returns the plugin of a context; nil: there is none.
func (v *vm) plugin(id uint32) *plugin {
	if v.last == nil || v.last.id != id {
		v.last = v.plugins[id]
	}
	return v.last
}

// end ends a context.
func (v *vm) end(id uint32) {
	if s := v.streams.get(id); s != nil {
		if !s.isThrough() {
			s.OnHttpStreamDone()
		}
		v.streams.remove(s)
		return
	}
	if p := v.plugins[id]; p != nil {
		p.OnPluginDone()
		delete(v.plugins, id)
		v.last = nil
		abi.Forget(id)
	}
}

// stream returns the stream of a context that the host calls about. If there is none,
// the host and the module do not agree about the decision: the panic ends the VM, and
// the host answers its requests with 503.
func (v *vm) stream(id uint32) *stream {
	s := v.streams.get(id)
	if s == nil {
		panic("rulegate: a callback for a context that was not created")
	}
	return s
}
