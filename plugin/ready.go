package main

import (
	"fmt"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
)

// ready says in one line what was loaded, and what of the host was found that
// the module makes use of. Whether a stream that is paused in its headers gets
// its body no host tells; the watchdog does, with the first that gets none.
func (p *plugin) ready(ticks error) {
	name, err := proxywasm.GetProperty([]string{"plugin_name"})
	properties := found(err)
	_, _, err = proxywasm.GetSharedData("rulegate.ready")
	proxywasm.LogInfof("rulegate: ready: policy %q, resources %d, calls %t, body timeout %v; "+
		"host: plugin %q, ticks %s, properties %s, shared data %s, verify_signature for %v, allow_on_headers_stop_iteration cannot be seen from here",
		p.policy.Project, len(p.policy.Resources()), p.policy.Calls, p.policy.Limits.BodyTimeout,
		name, found(ticks), properties, found(err), p.vm.verifier().Algs())
}

// found reads the answer to a question whose point is whether there is one.
func found(err error) string {
	if err == nil || err == types.ErrorStatusNotFound {
		return "yes"
	}
	return fmt.Sprintf("no (%v)", err)
}
