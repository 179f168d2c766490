package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/rulegate/rulegate/rules/wire"
)

// plugin is one plugin configuration: one policy.
type plugin struct {
	types.DefaultPluginContext
	vm        *vm
	id        uint32 // of the host's context
	policy    *policy.Policy
	gate      *decide.Gate
	keys      *keys     // that are fetched; nil: none
	companion wire.Keys // shared with the companion
	counters  counters
	watch     watchdog
}

// OnPluginStart loads the policy. A fault refuses the configuration, after all
// of them are in the log.
func (p *plugin) OnPluginStart(int) (status types.OnPluginStartStatus) {
	status = types.OnPluginStartStatusFailed
	defer func() {
		if r := recover(); r != nil {
			status = types.OnPluginStartStatusFailed
			proxywasm.LogErrorf("rulegate: configuration: %v", r)
		}
	}()
	data, err := proxywasm.GetPluginConfiguration()
	if err != nil && err != types.ErrorStatusNotFound {
		proxywasm.LogErrorf("rulegate: configuration: %v", err)
		return status
	}
	pol, warnings, err := load(data)
	for _, w := range warnings {
		proxywasm.LogWarnf("rulegate: %v", w)
	}
	if err != nil {
		logFaults(err)
		return status
	}
	p.policy, p.companion = pol, wire.DeriveKeys(pol.Companion.Secrets...)
	pol.Tokens = pol.Tokens.WithNative(p.vm.verifier())
	p.keys = newKeys(p, pol)
	p.gate = decide.New(pol, p.keys.forGate())
	period := watchPeriod
	if p.keys != nil {
		period = keysPeriod
	}
	ticks := proxywasm.SetTickPeriodMilliSeconds(uint32(period.Milliseconds()))
	if ticks != nil && p.keys != nil {
		proxywasm.LogErrorf("rulegate: no ticks, so no keys can be fetched: %v", ticks)
		return status
	}
	p.ready(ticks)
	return types.OnPluginStartStatusOK
}

// OnTick is all that happens without a request. What it does for a stream it
// does in that stream's name, so at the end the host is told whose turn it is.
// The first fetch of keys is made here: OnPluginStart may be the canary's, which
// is thrown away with the calls it made.
func (p *plugin) OnTick() {
	defer p.rescue()
	now := time.Now()
	p.keys.tick(now)
	p.watch.tick(now)
	p.enter()
}

// rescue keeps a panic outside of any request from becoming a trap.
func (p *plugin) rescue() {
	if r := recover(); r != nil {
		defer func() { _ = recover() }()
		proxywasm.LogErrorf("rulegate: panic: %v\n%s", r, debug.Stack())
	}
}

// enter makes the plugin's own context the one that host calls are about, after
// those of streams.
func (p *plugin) enter() { _ = proxywasm.SetEffectiveContext(p.id) }

// load reads a policy from what the host calls the configuration: JSON text (a
// google.protobuf.StringValue or BytesValue, from Istio too), or the bytes of a
// google.protobuf.Struct.
func load(data []byte) (*policy.Policy, []policy.Warning, error) {
	if len(data) == 0 {
		return nil, nil, fmt.Errorf("configuration: want a policy, found nothing")
	}
	text := string(data)
	// A Struct holds the tag of a value, 0x12, which no JSON text can hold.
	if bytes.IndexByte(data, tagValue) >= 0 {
		json, err := structJSON(data, policy.MaxDepth)
		if err != nil {
			return nil, nil, fmt.Errorf("configuration: as google.protobuf.Struct: %w", err)
		}
		text = json
	}
	doc, err := value.Parse(text, policy.MaxDepth)
	if err != nil {
		return nil, nil, fmt.Errorf("configuration: %w", err)
	}
	return policy.Load(doc, policy.Options{Getenv: os.LookupEnv, Module: true})
}

func logFaults(err error) {
	faults, ok := err.(rules.Faults)
	if !ok {
		proxywasm.LogErrorf("rulegate: %v", err)
		return
	}
	for _, f := range faults {
		proxywasm.LogErrorf("rulegate: policy: %v", f)
	}
}

// NewHttpContext is the context of one request.
func (p *plugin) NewHttpContext(id uint32) types.HttpContext {
	return &stream{plugin: p, id: id}
}
