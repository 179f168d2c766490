package gateway

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/sys"
)

// rootID is the context of the plugin itself; streams count on from it.
const rootID = 1

// vm is one instance of the module. It runs one callback at a time, under its
// lock, which also guards the fields that host functions use. The lock is never
// held while waiting for a peer.
type vm struct {
	gw    *Gateway
	mod   api.Module
	ctx   context.Context // holds the vm under vmKey; never cancelled
	exp   exports
	alloc api.Function

	memory *linearMemory

	sem  chan struct{} // the lock
	dead atomic.Bool   // trapped, given up or closed: no callback runs again
	done chan struct{} // closed when dead is set

	// Guarded by the lock.
	streams   map[uint32]*stream
	lastID    uint32
	httpCalls map[uint32]*httpCall // in flight
	lastCall  uint32
	tick      chan time.Duration // a new period
	doneAsked chan struct{}      // closed by proxy_done
	log       *moduleLog

	// Of the running callback; guarded by the lock.
	current      uint32     // its context
	effective    uint32     // the one set by proxy_set_effective_context, or 0
	replyAsked   bool       // it asked for a local reply, for any stream or none
	vmConfig     []byte     // readable in on_vm_start and on_configure
	pluginConfig []byte     // readable in on_configure
	reply        *callReply // readable in on_http_call_response

	stack      [8]uint64
	allocStack [1]uint64
}

// exports are the module's callbacks; nil for those that it does not export.
type exports struct {
	contextCreate, vmStart, configure, tick, queueReady api.Function
	requestHeaders, requestBody, requestTrailers        api.Function
	responseHeaders, responseBody, responseTrailers     api.Function
	httpCallResponse, onDone, onLog, onDelete           api.Function
}

var errTrapped = errors.New("the module trapped")

// newVM starts an instance and configures it. The module's log lines are part
// of the error.
func newVM(gw *Gateway) (*vm, error) {
	v := &vm{
		gw:        gw,
		sem:       make(chan struct{}, 1),
		done:      make(chan struct{}),
		streams:   map[uint32]*stream{},
		lastID:    rootID,
		httpCalls: map[uint32]*httpCall{},
		tick:      make(chan time.Duration, 1),
		log:       &moduleLog{to: gw.cfg.Log, line: gw.cfg.Line, starting: true},
		memory:    &linearMemory{limit: uint64(gw.cfg.MemoryLimit)},
	}
	v.ctx = context.WithValue(context.Background(), vmKey{}, v)
	mc := wazero.NewModuleConfig().WithName("").WithStartFunctions().
		WithRandSource(rand.Reader).WithWalltime(gw.walltime, sys.ClockResolution(1)).WithSysNanotime().WithSysNanosleep().
		WithStdout(v.log).WithStderr(v.log)
	for name, value := range gw.cfg.Env {
		mc = mc.WithEnv(name, value)
	}
	m := gw.cfg.Module
	mod, err := m.runtime.InstantiateModule(experimental.WithMemoryAllocator(v.ctx, v.memory), m.compiled, mc)
	if err != nil {
		return nil, fmt.Errorf("start: %w%s", err, v.log.lines())
	}
	v.mod = mod
	v.bind()
	if n := len(v.memory.bytes); uint64(n) > v.memory.limit {
		v.close()
		return nil, fmt.Errorf("memory: the module starts with %d bytes, more than the limit of %d", n, v.memory.limit)
	}
	if err := v.start(); err != nil {
		v.close()
		return nil, fmt.Errorf("%w%s", err, v.log.lines())
	}
	v.log.started()
	go v.ticks()
	return v, nil
}

// walltime is the module's clock.
func (gw *Gateway) walltime() (seconds int64, nanoseconds int32) {
	now := gw.cfg.Now()
	return now.Unix(), int32(now.Nanosecond())
}

func (v *vm) bind() {
	f := v.mod.ExportedFunction
	v.alloc = f(allocator(v.mod.ExportedFunctionDefinitions()))
	v.exp = exports{
		contextCreate: f("proxy_on_context_create"), vmStart: f("proxy_on_vm_start"), configure: f("proxy_on_configure"),
		tick: f("proxy_on_tick"), queueReady: f("proxy_on_queue_ready"),
		requestHeaders: f("proxy_on_request_headers"), requestBody: f("proxy_on_request_body"), requestTrailers: f("proxy_on_request_trailers"),
		responseHeaders: f("proxy_on_response_headers"), responseBody: f("proxy_on_response_body"), responseTrailers: f("proxy_on_response_trailers"),
		httpCallResponse: f("proxy_on_http_call_response"), onDone: f("proxy_on_done"), onLog: f("proxy_on_log"), onDelete: f("proxy_on_delete"),
	}
}

// start initialises the module, as a WASI reactor, and configures the plugin.
func (v *vm) start() error {
	v.sem <- struct{}{}
	defer v.unlock()
	for _, name := range []string{"_initialize", "_start"} {
		if init := v.mod.ExportedFunction(name); init != nil {
			if _, err := init.Call(v.ctx); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			break
		}
	}
	cfg := &v.gw.cfg
	v.vmConfig = cfg.VMConfig
	defer func() { v.vmConfig, v.pluginConfig = nil, nil }()
	if _, err := v.call(v.exp.contextCreate, rootID, 0); err != nil {
		return fmt.Errorf("context create: %w", err)
	}
	if ok, err := v.accepts(v.exp.vmStart, uint64(len(cfg.VMConfig))); err != nil || !ok {
		return refusal("vm start", err)
	}
	v.pluginConfig = cfg.PluginConfig
	if ok, err := v.accepts(v.exp.configure, uint64(len(cfg.PluginConfig))); err != nil || !ok {
		return refusal("configure", err)
	}
	return nil
}

// accepts calls a callback of the root context that returns a boolean. A module
// that does not export it accepts.
func (v *vm) accepts(f api.Function, arg uint64) (bool, error) {
	if f == nil {
		return true, nil
	}
	r, err := v.call(f, rootID, arg)
	return r != 0, err
}

// refusal is the error of a start that a callback failed or refused.
func refusal(stage string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", stage, err)
	}
	return fmt.Errorf("%s: the module refused", stage)
}

// call runs a callback for a context. The lock is held. An error means that
// the VM is dead.
func (v *vm) call(f api.Function, context uint32, args ...uint64) (uint64, error) {
	if v.dead.Load() {
		return 0, errTrapped
	}
	if f == nil {
		return 0, nil
	}
	v.current, v.effective, v.replyAsked = context, 0, false
	v.stack[0] = uint64(context)
	n := 1 + copy(v.stack[1:], args)
	err := f.CallWithStack(v.ctx, v.stack[:n])
	if err != nil {
		v.die(err)
	}
	if v.dead.Load() { // a nested call of the allocator trapped
		return 0, errTrapped
	}
	return v.stack[0], nil
}

// die marks the VM as dead, which ends its streams with 503.
func (v *vm) die(err error) {
	if v.dead.Swap(true) {
		return
	}
	close(v.done)
	switch {
	case err == nil:
	case v.memory.denied.Load():
		v.gw.cfg.Log.Error("the module reached its memory limit, its VM is gone", "limit", v.memory.limit, "error", err.Error())
	default:
		v.gw.cfg.Log.Error("the module trapped, its VM is gone", "error", err.Error())
	}
}

// lock waits for the VM's lock; false if the VM is dead. After the streams' idle
// timeout it gives the VM up, since a callback that does not return never
// releases the lock.
func (v *vm) lock() bool {
	if v.lockFor(v.gw.cfg.StreamIdleTimeout, v.done) {
		return true
	}
	v.die(errors.New("a callback does not return"))
	return false
}

// lockFor waits for the lock until d is over or stop is closed.
func (v *vm) lockFor(d time.Duration, stop <-chan struct{}) bool {
	select {
	case v.sem <- struct{}{}:
		return true
	default:
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case v.sem <- struct{}{}:
		return true
	case <-stop:
		return false
	case <-t.C:
		return false
	}
}

func (v *vm) unlock() { <-v.sem }

// stream is the stream that a host function works on: the effective context's,
// if the module set one that still exists, else the current context's. It is
// nil for the plugin's context.
func (v *vm) stream() *stream {
	if v.effective == rootID {
		return nil
	}
	if s := v.streams[v.effective]; s != nil {
		return s
	}
	return v.streams[v.current]
}

func hostEffectiveContext(v *vm, a []uint64) status {
	id := uint32(a[0])
	if id != rootID && v.streams[id] == nil {
		return statusBadArgument
	}
	v.effective = id
	return statusOK
}
