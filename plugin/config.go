package main

import (
	"bytes"
	"math"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/rulegate/rulegate/plugin/abi"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/policy"
	tokenkeys "github.com/rulegate/rulegate/rules/token/keys"
	"github.com/rulegate/rulegate/rules/value"
)

// plugin is one plugin configuration: one policy.
type plugin struct {
	types.DefaultPluginContext
	vm        *vm
	id        uint32 // of the host's context
	policy    *policy.Policy
	engine    *decide.Engine
	keys      keys
	companion peer
	group     group
	answers   answers
	metrics   metrics
	decisions decisionLog
	deadlines deadlines
	candidate *candidatePlugin // nil: there is none, or it has faults
}

// authority returns the host of a cluster, which Istio calls outbound|PORT|SUBSET|HOST.
// Servers answer 400 to a Host with such a name.
func authority(cluster string) string { return cluster[strings.LastIndexByte(cluster, '|')+1:] }

// OnPluginStart loads the policy. It logs all faults; one refuses the
// configuration.
func (p *plugin) OnPluginStart(int) (status types.OnPluginStartStatus) {
	status = types.OnPluginStartStatusFailed
	defer func() {
		if r := recover(); r != nil {
			status = types.OnPluginStartStatusFailed
			abi.Errorf("rulegate: configuration: %v", r)
		}
	}()
	data, err := abi.Bytes(abi.PluginConfiguration, math.MaxInt32)
	if err != nil && err != types.ErrorStatusNotFound {
		abi.Errorf("rulegate: configuration: %v", err)
		return status
	}
	pol, err := load(data, p.vm.cryptography())
	if err != nil {
		logFaults(err)
		return status
	}
	p.use(pol, sharedData{})
	p.companion = newPeer(pol)
	p.decisions = newDecisionLog(pol.Log)
	p.startCandidate()
	fetches, period := len(pol.JWKS) > 0, deadlinePeriod
	if fetches || p.candidate != nil && len(p.candidate.policy.JWKS) > 0 {
		period = keysPeriod
	}
	ticks := abi.SetTickPeriod(uint32(period.Milliseconds()))
	if ticks != nil && fetches {
		abi.Errorf("rulegate: no ticks, so no keys can be fetched: %v", ticks)
		return status
	}
	p.metrics.atOnce = ticks != nil
	if p.group.plugin = p; ticks == nil {
		p.group.period = period
	}
	p.ready(ticks)
	return types.OnPluginStartStatusOK
}

// use makes a policy that of the plugin.
func (p *plugin) use(pol *policy.Policy, store sharedData) {
	p.policy = pol
	p.keys.start(p, pol, store)
	p.engine = decide.New(pol, p.keys.ring)
	p.metrics.start(len(pol.Resources()) + 1) // one for events without a known type
}

// OnTick fetches keys, answers streams whose deadline is over, and tells the host
// the metrics. It makes the first fetch too: OnPluginStart may be that of Envoy's canary, which Envoy
// discards together with its calls.
func (p *plugin) OnTick() {
	defer p.rescue()
	now := time.Now()
	if !p.group.tick(now) {
		p.enter()
		return
	}
	p.keys.tick(now)
	p.deadlines.tick(now)
	if p.candidate != nil {
		p.candidate.keys.tick(now)
	}
	p.enter()
	p.tellState()
	p.metrics.tell()
}

// OnPluginDone is called last, when the configuration is replaced or the host ends.
func (p *plugin) OnPluginDone() bool {
	defer p.rescue()
	if p.policy != nil {
		p.tellState()
		p.metrics.tell()
		p.untellState()
	}
	return true
}

// rescue keeps a panic outside of any stream from becoming a trap.
func (p *plugin) rescue() {
	if r := recover(); r != nil {
		defer func() { _ = recover() }()
		abi.Errorf("rulegate: panic: %v\n%s", r, debug.Stack())
	}
}

// enter makes host calls be about the plugin again, after they were about streams.
func (p *plugin) enter() { _ = abi.SetContext(p.id) }

// load reads a policy from the bytes of the plugin's configuration: JSON text (a
// google.protobuf.StringValue or BytesValue, from Istio too), or an encoded
// google.protobuf.Struct.
func load(data []byte, c tokenkeys.Crypto) (*policy.Policy, error) {
	if len(data) == 0 {
		return nil, lightfmt.Errorf("configuration: want a policy, found nothing")
	}
	text := string(data)
	// A Struct has the tag of a value, 0x12, which no JSON text can have.
	if bytes.IndexByte(data, tagValue) >= 0 {
		json, err := structJSON(data, policy.MaxDepth)
		if err != nil {
			return nil, lightfmt.Errorf("configuration: as google.protobuf.Struct: %w", err)
		}
		text = json
	}
	doc, err := value.Parse(text, policy.MaxDepth)
	if err != nil {
		return nil, lightfmt.Errorf("configuration: %w", err)
	}
	return compile(doc, c)
}

func compile(doc value.Value, c tokenkeys.Crypto) (*policy.Policy, error) {
	return policy.LoadReviewed(doc, policy.Options{Getenv: os.LookupEnv, Crypto: c, Module: true})
}

func logFaults(err error) {
	faults, ok := err.(rules.Faults)
	if !ok {
		abi.Errorf("rulegate: %v", err)
		return
	}
	for _, f := range faults {
		abi.Errorf("rulegate: policy: %v", f)
	}
}

// NewHttpContext is the context of one request.
func (p *plugin) NewHttpContext(id uint32) types.HttpContext {
	return &stream{plugin: p, id: id}
}
