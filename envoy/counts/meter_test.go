package counts

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// meter counts the work of a module. It listens to wazero's function calls, so it
// needs nothing in the module but the names of its functions.
type meter struct {
	show    bool // print the callers of each allocation
	every   bool // count the calls of each function
	mu      sync.Mutex
	entered []string // the exports that run now, the first called by the host
	count   counts
}

// counts are the cost of one request, or of one tick.
type counts struct {
	entries   map[string]int // calls of the module's exports
	host      map[string]int // calls of the host's functions
	in, out   int            // bytes that the host copied into the module, and out of it
	allocs    int            // on the module's heap
	allocated int            // bytes of those
	functions map[string]int // calls of Go's functions, where every one is counted
}

const (
	allocator = "proxy_on_memory_allocate"
	tick      = "proxy_on_tick"
)

// during returns the counts of the time while f runs.
func (m *meter) during(f func()) counts {
	m.set(counts{entries: map[string]int{}, host: map[string]int{}, functions: map[string]int{}})
	f()
	return m.set(counts{})
}

func (m *meter) set(c counts) (before counts) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, m.count = m.count, c
	return before
}

// NewFunctionListener implements experimental.FunctionListenerFactory.
func (m *meter) NewFunctionListener(f api.FunctionDefinition) experimental.FunctionListener {
	switch {
	case f.ModuleName() == "env" || f.ModuleName() == "wasi_snapshot_preview1":
		return experimental.FunctionListenerFunc(m.hostCall)
	case len(f.ExportNames()) > 0 && strings.HasPrefix(f.ExportNames()[0], "proxy_on_"):
		return entry{m}
	case f.Name() == "runtime.mallocgc":
		return experimental.FunctionListenerFunc(m.allocation)
	}
	if m.every {
		return experimental.FunctionListenerFunc(m.function)
	}
	return nil
}

// entry listens to the exports.
type entry struct{ *meter }

func (e entry) Before(_ context.Context, _ api.Module, f api.FunctionDefinition, params []uint64, _ experimental.StackIterator) {
	e.mu.Lock()
	defer e.mu.Unlock()
	name := f.ExportNames()[0]
	e.entered = append(e.entered, name)
	if e.ignored() {
		return
	}
	e.count.entries[name]++
	if name == allocator {
		e.count.in += int(uint32(params[0]))
	}
}

func (e entry) After(context.Context, api.Module, api.FunctionDefinition, []uint64) { e.leave() }

func (e entry) Abort(context.Context, api.Module, api.FunctionDefinition, error) { e.leave() }

func (e entry) leave() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.entered = e.entered[:len(e.entered)-1]
}

// ignored reports whether nothing counts now: no request is sent, or the module has
// its tick, which comes at any time.
func (m *meter) ignored() bool {
	return m.count.entries == nil || len(m.entered) == 0 || m.entered[0] == tick
}

// outSizes are the parameters of host functions that give the lengths of the bytes
// that the host reads from the module.
var outSizes = map[string][]int{
	"proxy_log":                      {2},
	"proxy_get_header_map_value":     {2},
	"proxy_add_header_map_value":     {2, 4},
	"proxy_replace_header_map_value": {2, 4},
	"proxy_remove_header_map_value":  {2},
	"proxy_set_header_map_pairs":     {2},
	"proxy_set_buffer_bytes":         {4},
	"proxy_send_local_response":      {2, 4, 6},
	"proxy_http_call":                {1, 3, 5, 7},
	"proxy_get_property":             {1},
	"proxy_set_property":             {1, 3},
	"proxy_define_metric":            {2},
	"proxy_call_foreign_function":    {1, 3},
	"proxy_get_shared_data":          {1},
	"proxy_set_shared_data":          {1, 3},
}

func (m *meter) hostCall(_ context.Context, _ api.Module, f api.FunctionDefinition, params []uint64, _ experimental.StackIterator) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ignored() {
		return
	}
	m.count.host[f.Name()]++
	for _, i := range outSizes[f.Name()] {
		m.count.out += int(uint32(params[i]))
	}
}

// allocation counts a call of runtime.mallocgc. Go's functions have one parameter
// in wasm: where to go on, which is 0 unless the function is resumed. Their Go
// parameters are in memory, above the return address that the first global, the
// stack's pointer, leads to.
func (m *meter) allocation(_ context.Context, mod api.Module, _ api.FunctionDefinition, params []uint64, callers experimental.StackIterator) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ignored() || uint32(params[0]) != 0 {
		return
	}
	sp := uint32(mod.(experimental.InternalModule).Global(0).Get())
	size, _ := mod.Memory().ReadUint64Le(sp + 8)
	m.count.allocs++
	m.count.allocated += int(size)
	if m.show {
		line := fmt.Sprintf("%6d bytes:", size)
		for callers.Next() {
			line += " " + callers.Function().Definition().Name()
		}
		fmt.Println(line)
	}
}

// function counts a call of a Go function.
func (m *meter) function(_ context.Context, _ api.Module, f api.FunctionDefinition, params []uint64, _ experimental.StackIterator) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ignored() || len(params) == 1 && uint32(params[0]) != 0 {
		return
	}
	m.count.functions[f.Name()]++
}

// lines shows the counts, a kind of call a line.
func (c counts) lines() string {
	return fmt.Sprintf("  allocations %d, bytes %d\n  copied in %d, out %d\n  entries %s\n  host %s\n",
		c.allocs, c.allocated, c.in, c.out, listed(c.entries), listed(c.host))
}

// listed shows how many calls there were of each name, and of all.
func listed(calls map[string]int) string {
	sum, text := 0, ""
	for _, name := range slices.Sorted(maps.Keys(calls)) {
		sum += calls[name]
		text += " " + strings.TrimPrefix(strings.TrimPrefix(name, "proxy_"), "on_")
		if n := calls[name]; n > 1 {
			text += fmt.Sprintf(" x%d", n)
		}
	}
	return fmt.Sprintf("%d:%s", sum, text)
}

// called lists the functions that were called, the most called first.
func (c counts) called() string {
	names := slices.SortedFunc(maps.Keys(c.functions), func(a, b string) int {
		return cmp.Or(c.functions[b]-c.functions[a], strings.Compare(a, b))
	})
	sum, text := 0, ""
	for _, name := range names {
		sum += c.functions[name]
		text += fmt.Sprintf("  %4d %s\n", c.functions[name], name)
	}
	return fmt.Sprintf(": %d functions, %d calls\n%s", len(names), sum, text)
}
