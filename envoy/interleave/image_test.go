package interleave

import (
	"maps"
	"slices"
	"time"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// image is the memory of a VM whose plugins have started. To copy it takes a fraction of
// a start.
type image struct {
	code    *code
	plugin  *plugin
	memory  []byte
	globals []uint64
	shared  map[string]shared
	metrics map[uint32]string
	last    uint32
	vm      *vm
	used    int // times that the VM was set back
}

// maxUsed bounds the set-backs of a VM: what it has allocated meanwhile is lost.
const maxUsed = 200

func (c *code) newImage(p *plugin) (*image, error) {
	i := &image{code: c, plugin: p}
	v, err := c.newWithKeys(p)
	if err != nil {
		return nil, err
	}
	m := v.mod.Memory()
	b, _ := m.Read(0, m.Size())
	i.memory, i.globals, i.vm = slices.Clone(b), globals(v.mod), v
	i.shared, i.metrics, i.last = v.shared, v.metrics, v.last
	return i, nil
}

// newWithKeys starts a VM that has fetched its keys.
func (c *code) newWithKeys(p *plugin) (*vm, error) {
	v, err := c.newVM(start, p)
	if err == nil {
		_, err = v.call("proxy_on_tick", 1)
	}
	for err == nil && len(v.calls) > 0 {
		err = v.deliver(v.calls[0], status("200", keySet(true)), 1)
	}
	return v, err
}

// globals returns the module's globals, which cannot be set: Go's registers. Between two
// calls, the one of closures, the second, has no meaning.
func globals(m api.Module) (values []uint64) {
	inner := m.(experimental.InternalModule)
	for i := range inner.NumGlobal() {
		if i != 1 {
			values = append(values, inner.Global(i).Get())
		}
	}
	return values
}

// fresh returns a VM in which nothing has happened yet. It is that of the last call.
func (i *image) fresh(now time.Time) (*vm, error) {
	if i.used++; i.used > maxUsed || i.vm == nil || !slices.Equal(globals(i.vm.mod), i.globals) {
		if i.vm != nil {
			i.vm.close()
		}
		v, err := i.code.newWithKeys(i.plugin)
		if err != nil {
			return nil, err
		}
		v.now, i.vm, i.used = now, v, 0
		return v, nil
	}
	v := i.vm
	memory, _ := v.mod.Memory().Read(0, v.mod.Memory().Size())
	clear(memory[copy(memory, i.memory):]) // Go takes memory that it gets for the first time to be zero
	v.now, v.streams, v.calls, v.counts, v.failure = now, map[uint32]*stream{}, nil, map[string]int64{}, nil
	v.shared, v.metrics, v.last = maps.Clone(i.shared), maps.Clone(i.metrics), i.last
	return v, nil
}
