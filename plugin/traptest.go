//go:build traptest

package main

import (
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
)

// This file is only in the module of the end-to-end tests. There a client can make
// the module fail, as a fault would, by the header x-test-fail.
//
// Go initialises the package's files by name, so this init comes after main.go's
// and replaces its context.
func init() {
	proxywasm.SetVMContext(&failingVM{})
}

type failingVM struct{ vm }

func (v *failingVM) NewPluginContext(id uint32) types.PluginContext {
	return &failingPlugin{v.vm.NewPluginContext(id).(*plugin)}
}

type failingPlugin struct{ *plugin }

func (p *failingPlugin) NewHttpContext(id uint32) types.HttpContext {
	return &failingStream{p.plugin.NewHttpContext(id).(*stream)}
}

type failingStream struct{ *stream }

func (s *failingStream) OnHttpRequestHeaders(n int, end bool) types.Action {
	switch how, _ := proxywasm.GetHttpRequestHeader("x-test-fail"); how {
	case "trap":
		proxywasm.LogErrorf("survived %d calls", overflow(1<<30))
	case "memory":
		proxywasm.LogErrorf("survived %d bytes", len(make([]byte, 2<<30)))
	case "panic":
		broken := *s.plugin
		broken.engine = nil
		s.plugin = &broken
	}
	return s.stream.OnHttpRequestHeaders(n, end)
}

// overflow exhausts the stack of the VM. Go cannot recover from that trap.
func overflow(n int) int {
	if n == 0 {
		return 0
	}
	return overflow(n-1) + 1
}
