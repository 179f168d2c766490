package main

import (
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/rulegate/rulegate/plugin/abi"
	"github.com/rulegate/rulegate/rules/lightfmt"
)

// ready logs the policy that was loaded, and which features of the host work. No
// host tells whether a stream that is paused in its headers gets its body
// (allow_on_headers_stop_iteration); expire logs a hint if one gets none.
func (p *plugin) ready(ticks error) {
	name, err := abi.Property("plugin_name")
	properties := works(err)
	_, _, err = abi.SharedData("rulegate.ready")
	if n := p.policy.ShadowedResources(); n > 0 {
		abi.Log(abi.Warn, lightfmt.Sprintf("rulegate: %d of %d resources are in shadow: they protect nothing", n, len(p.policy.Resources())))
	}
	abi.Infof("rulegate: ready: policy %q, version %s, resources %d, calls %t, body timeout %v; "+
		"host: plugin %q, ticks %s, properties %s, shared data %s, verify_signature for %v, allow_on_headers_stop_iteration cannot be seen from here",
		p.policy.Project, p.policy.Version, len(p.policy.Resources()), p.policy.Calls, p.policy.Limits.BodyTimeout,
		name, works(ticks), properties, works(err), p.vm.cryptography().Tested())
}

// works returns yes if a host call works, even if it finds nothing.
func works(err error) string {
	if err == nil || err == types.ErrorStatusNotFound {
		return "yes"
	}
	return lightfmt.Sprintf("no (%v)", err)
}
