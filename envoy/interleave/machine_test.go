package interleave

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"github.com/rulegate/rulegate/envoy/harness"
)

// code is the compiled module, with a host in which one goroutine decides which callback
// comes next. The embedded gateway cannot be this host: there, goroutines decide.
type code struct {
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
}

func compile(t testing.TB) *code {
	t.Helper()
	wasm, err := os.ReadFile(harness.ModuleFile(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	c := &code{runtime: wazero.NewRuntime(ctx)}
	t.Cleanup(func() { _ = c.runtime.Close(ctx) })
	_, err = wasi_snapshot_preview1.Instantiate(ctx, c.runtime)
	env := c.runtime.NewHostModuleBuilder("env")
	for name, f := range hostFunctions {
		f.export(env, name)
	}
	if err == nil {
		_, err = env.Instantiate(ctx)
	}
	if err == nil {
		c.compiled, err = c.runtime.CompileModule(experimental.WithCompilationWorkers(ctx, runtime.GOMAXPROCS(0)), wasm)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// vm is one instance of the module, with its clock.
type vm struct {
	mod     api.Module
	ctx     context.Context
	now     time.Time
	streams map[uint32]*stream
	plugins map[uint32]*plugin // by their contexts
	calls   []*call            // in flight, in the order in which they were made
	last    uint32             // id of a call or metric
	shared  map[string]shared
	metrics map[uint32]string
	counts  map[string]int64

	groups             int    // calls of several streams
	current, effective uint32 // context of the callback, and the one that the module has set
	starting           *plugin
	replying           *call
	failure            error // of the host: the test fails
}

// shared is a value of the data that VMs share.
type shared struct {
	value   []byte
	version uint32
}

type vmKey struct{}

// zeros is the module's source of random bytes: nonces are equal in each VM.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// newVM starts an instance with the plugins.
func (c *code) newVM(now time.Time, plugins ...*plugin) (*vm, error) {
	v := &vm{
		now: now, streams: map[uint32]*stream{}, plugins: map[uint32]*plugin{},
		shared: map[string]shared{}, metrics: map[uint32]string{}, counts: map[string]int64{},
	}
	v.ctx = context.WithValue(context.Background(), vmKey{}, v)
	mc := wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize").WithRandSource(zeros{}).WithStdout(io.Discard).WithStderr(stderr{v}).
		WithWalltime(func() (int64, int32) { return v.now.Unix(), int32(v.now.Nanosecond()) }, sys.ClockResolution(1)).
		WithNanotime(func() int64 { return v.now.UnixNano() }, sys.ClockResolution(1))
	for _, p := range plugins {
		for name, value := range p.env {
			mc = mc.WithEnv(name, value)
		}
	}
	var err error
	if v.mod, err = c.runtime.InstantiateModule(v.ctx, c.compiled, mc); err != nil {
		return nil, err
	}
	for i, p := range plugins {
		if err := v.start(uint32(i+1), p); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// start starts a plugin in a context.
func (v *vm) start(id uint32, p *plugin) error {
	v.plugins[id], v.starting = p, p
	defer func() { v.starting = nil }()
	if _, err := v.call("proxy_on_context_create", id, 0); err != nil {
		return err
	}
	if ok, err := v.call("proxy_on_configure", id, uint64(len(p.config))); err != nil || ok != 1 {
		return fmt.Errorf("plugin %s does not start: %w", p.name, err)
	}
	return nil
}

// end ends a plugin. Replies to its calls do not come any more.
func (v *vm) end(id uint32) error {
	_, err := v.call("proxy_on_delete", id)
	delete(v.plugins, id)
	v.calls = slices.DeleteFunc(v.calls, func(c *call) bool { return c.plugin == id })
	return err
}

func (v *vm) close() { _ = v.mod.Close(v.ctx) }

// stderr has the module's last words.
type stderr struct{ v *vm }

func (w stderr) Write(p []byte) (int, error) {
	w.v.fail("the module writes: %.300s", p)
	return len(p), nil
}

func (v *vm) fail(format string, args ...any) {
	v.failure = errors.Join(v.failure, fmt.Errorf(format, args...))
}

// call runs a callback for a context.
func (v *vm) call(name string, context uint32, args ...uint64) (uint64, error) {
	v.current, v.effective = context, 0
	r, err := v.mod.ExportedFunction(name).Call(v.ctx, append([]uint64{uint64(context)}, args...)...)
	if err == nil {
		err = v.failure
	}
	if err != nil {
		return 0, fmt.Errorf("%s of context %d: %w", name, context, err)
	}
	if len(r) == 0 {
		return 0, nil
	}
	return r[0], nil
}

// about returns the stream that host calls are about; nil: there is none.
func (v *vm) about() *stream {
	if v.effective != 0 {
		return v.streams[v.effective]
	}
	return v.streams[v.current]
}

func (v *vm) text(at, size uint64) string {
	b, ok := v.mod.Memory().Read(uint32(at), uint32(size))
	if !ok && uint32(size) > 0 {
		v.fail("%d bytes at %d are outside of the memory", uint32(size), uint32(at))
	}
	return string(b)
}

func (v *vm) put32(at uint64, n uint32) {
	if !v.mod.Memory().WriteUint32Le(uint32(at), n) {
		v.fail("a result at %d is outside of the memory", uint32(at))
	}
}

// give copies a result into memory that the module allocates.
func (v *vm) give(data string, at, size uint64) uint64 {
	r, err := v.mod.ExportedFunction("proxy_on_memory_allocate").Call(v.ctx, uint64(len(data)))
	if err != nil {
		v.fail("allocate: %v", err)
		return internalFailure
	}
	if !v.mod.Memory().WriteString(uint32(r[0]), data) {
		v.fail("%d bytes were allocated outside of the memory", len(data))
	}
	v.put32(at, uint32(r[0]))
	v.put32(size, uint32(len(data)))
	return 0
}

// pairs reads a header map in the ABI's format.
func pairs(text string) (out [][2]string) {
	b := []byte(text)
	if len(b) < 4 {
		return nil
	}
	n := int(binary.LittleEndian.Uint32(b))
	at := 4 + 8*n
	for i := range n {
		var p [2]string
		for j := range p {
			size := int(binary.LittleEndian.Uint32(b[4+8*i+4*j:]))
			p[j] = text[at : at+size]
			at += size + 1
		}
		out = append(out, p)
	}
	return out
}

func encoded(pairs [][2]string) string {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(pairs)))
	for _, p := range pairs {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(p[0])))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(p[1])))
	}
	for _, p := range pairs {
		b = append(append(append(append(b, p[0]...), 0), p[1]...), 0)
	}
	return string(b)
}

// number returns a number below n that depends on nothing but the texts.
func number(n int, texts ...string) int {
	sum := sha256.Sum256([]byte(strings.Join(texts, "\x00")))
	return int(binary.LittleEndian.Uint32(sum[:]) % uint32(n))
}
