// Command verify is a plugin that has the host verify one signature several times for each
// request. It shows what verify_signature costs.
package main

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
)

func init() { proxywasm.SetVMContext(&vm{}) }
func main() {}

type vm struct{ types.DefaultVMContext }

func (*vm) NewPluginContext(uint32) types.PluginContext { return &plugin{} }

type plugin struct {
	types.DefaultPluginContext
	calls    int
	argument []byte // a VerifySignatureArguments
}

// OnPluginStart reads the number of calls and their argument in base64.
func (p *plugin) OnPluginStart(int) types.OnPluginStartStatus {
	text, err := proxywasm.GetPluginConfiguration()
	if err != nil {
		return types.OnPluginStartStatusFailed
	}
	calls, argument, _ := strings.Cut(string(text), " ")
	if p.calls, err = strconv.Atoi(calls); err != nil {
		return types.OnPluginStartStatusFailed
	}
	if p.argument, err = base64.StdEncoding.DecodeString(argument); err != nil {
		return types.OnPluginStartStatusFailed
	}
	return types.OnPluginStartStatusOK
}

func (p *plugin) NewHttpContext(uint32) types.HttpContext { return &stream{plugin: p} }

type stream struct {
	types.DefaultHttpContext
	plugin *plugin
}

// OnHttpRequestHeaders answers 403 unless the host says each time that the signature is
// right: field 1 of the result is true.
func (s *stream) OnHttpRequestHeaders(int, bool) types.Action {
	for range s.plugin.calls {
		result, err := proxywasm.CallForeignFunction("verify_signature", s.plugin.argument)
		if err != nil || len(result) < 2 || result[0] != 1<<3 || result[1] != 1 {
			_ = proxywasm.SendHttpResponse(403, nil, nil, -1)
			return types.ActionPause
		}
	}
	return types.ActionContinue
}
