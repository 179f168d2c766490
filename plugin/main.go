// Command plugin is the proxy-wasm module: it brings the proxy's events to
// package decide and carries out what that says. Built with
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags='-s -w'
//
// A request goes on for one reason alone: a Step whose Action is Forward. All
// else pauses or answers, and a panic answers 503.
package main

import (
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	tokenkeys "github.com/rulegate/rulegate/rules/token/keys"
)

func init() {
	proxywasm.SetVMContext(&vm{})
}

func main() {}

// vm is one virtual machine: in Envoy one for each worker thread, shared by the
// plugins of one vm_id.
type vm struct {
	types.DefaultVMContext
	denials bucket // of log lines
	panics  bucket
	native  *tokenkeys.Native // the proxy's verification of signatures; nil before it is probed
}

func (v *vm) NewPluginContext(id uint32) types.PluginContext {
	return &plugin{vm: v, id: id}
}

// verifier returns the proxy's verification of signatures.
func (v *vm) verifier() tokenkeys.Native {
	if v.native == nil {
		n := tokenkeys.ProbeNative(verifySignature)
		v.native = &n
	}
	return *v.native
}
