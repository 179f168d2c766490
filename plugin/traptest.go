//go:build traptest

package main

import (
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
)

// This file is in no module but that of the end-to-end tests: a client makes it
// fail, as a fault in it would, by the header x-test-fail.
//
// It is compiled after main.go, so its context is the one that stays.
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
	case "panic":
		broken := *s.plugin
		broken.engine = nil
		s.plugin = &broken
	}
	return s.stream.OnHttpRequestHeaders(n, end)
}

// overflow ends the VM's stack, which nothing recovers from.
func overflow(n int) int {
	if n == 0 {
		return 0
	}
	return overflow(n-1) + 1
}
