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
	"github.com/rulegate/rulegate/rules/gate"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/wire"
)

// plugin is one plugin configuration: one policy.
type plugin struct {
	types.DefaultPluginContext
	id       uint32 // of the host's context
	vm       *vm
	policy   *policy.Policy
	gate     *gate.Gate
	keys     wire.Keys // shared with the companion
	counters counters
	watch    watchdog
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
	p.policy, p.gate, p.keys = pol, gate.New(pol), wire.DeriveKeys(pol.Companion.Secrets...)
	p.ready(proxywasm.SetTickPeriodMilliSeconds(uint32(tickPeriod.Milliseconds())))
	return types.OnPluginStartStatusOK
}

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
	doc, err := rules.Parse(text, policy.MaxDepth)
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

// OnTick is all that happens without a request. What it does for a stream it
// does in that stream's name, so at the end the host is told whose turn it is.
func (p *plugin) OnTick() {
	defer func() {
		if r := recover(); r != nil {
			proxywasm.LogErrorf("rulegate: panic: %v\n%s", r, debug.Stack())
		}
	}()
	p.watch.tick(time.Now())
	_ = proxywasm.SetEffectiveContext(p.id)
}

// NewHttpContext is the context of one request.
func (p *plugin) NewHttpContext(id uint32) types.HttpContext {
	return &stream{plugin: p, id: id}
}
