// Command plugin is the proxy-wasm module: it passes the proxy's events to package
// decide and carries out the steps that it returns. Build it with
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags='-s -w'
//
// A request goes on only by a decide.Step whose Action is Continue. Everything
// else pauses it or answers, and a panic answers 503. state.go has the states of
// a stream, exports_wasip1.go the functions that the host calls.
package main

import (
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/rulegate/rulegate/rules/jwks"
	tokenkeys "github.com/rulegate/rulegate/rules/token/keys"
)

func main() {}

// vm is one virtual machine. Envoy has one for each worker thread and vm_id. Its
// contexts have the types of the SDK, whose emulated host tests them.
type vm struct {
	types.DefaultVMContext
	plugins map[uint32]*plugin // by the id of their context
	last    *plugin            // the one whose stream was made last
	streams streams
	denials bucket // for log lines of refusals
	panics  bucket // for log lines of panics
	memory  memory
	rooms   rooms
	calls   desk
	crypto  *tokenkeys.Crypto // the proxy's; nil before it is probed
	sets    jwks.Seen         // of the plugins so far
}

func (v *vm) NewPluginContext(id uint32) types.PluginContext { return v.newPlugin(id) }

func (v *vm) newPlugin(id uint32) *plugin { return &plugin{vm: v, id: id} }

// cryptography returns the proxy's verification of signatures.
func (v *vm) cryptography() tokenkeys.Crypto {
	if v.crypto == nil {
		c := tokenkeys.Probe(new(signatures).verify)
		v.crypto = &c
	}
	return *v.crypto
}
