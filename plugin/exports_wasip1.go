package main

import (
	"unsafe"

	"github.com/rulegate/rulegate/plugin/abi"
)

// The functions that the host calls, of the proxy-wasm ABI 0.2.1. A module may leave
// out those that it has no use for: each is an entry into the VM. So there is no
// proxy_on_done and no proxy_on_log, since proxy_on_delete comes last.

// machine is the VM that the module runs in.
var machine vm

//go:wasmexport proxy_abi_version_0_2_0
func abiVersion() {}

//go:wasmexport proxy_on_memory_allocate
func onMemoryAllocate(size uint32) unsafe.Pointer { return abi.Allocate(size) }

//go:wasmexport proxy_on_context_create
func onContextCreate(id, parent uint32) { machine.create(id, parent) }

//go:wasmexport proxy_on_configure
func onConfigure(id, size uint32) uint32 {
	if p := machine.plugins[id]; p != nil && p.OnPluginStart(int(size)) {
		return 1
	}
	return 0
}

//go:wasmexport proxy_on_tick
func onTick(id uint32) {
	if p := machine.plugins[id]; p != nil {
		p.OnTick()
	}
}

//go:wasmexport proxy_on_request_headers
func onRequestHeaders(id, _, end uint32) uint32 {
	return uint32(machine.stream(id).OnHttpRequestHeaders(0, end != 0))
}

//go:wasmexport proxy_on_request_body
func onRequestBody(id, size, end uint32) uint32 {
	return uint32(machine.stream(id).OnHttpRequestBody(int(size), end != 0))
}

//go:wasmexport proxy_on_request_trailers
func onRequestTrailers(id, _ uint32) uint32 {
	return uint32(machine.stream(id).OnHttpRequestTrailers(0))
}

//go:wasmexport proxy_on_response_headers
func onResponseHeaders(id, _, end uint32) uint32 {
	return uint32(machine.stream(id).OnHttpResponseHeaders(0, end != 0))
}

//go:wasmexport proxy_on_response_body
func onResponseBody(id, size, end uint32) uint32 {
	return uint32(machine.stream(id).OnHttpResponseBody(int(size), end != 0))
}

//go:wasmexport proxy_on_response_trailers
func onResponseTrailers(id, _ uint32) uint32 {
	return uint32(machine.stream(id).OnHttpResponseTrailers(0))
}

//go:wasmexport proxy_on_http_call_response
func onHTTPCallResponse(plugin, call, _, size, _ uint32) { abi.Called(plugin, call, int(size)) }

//go:wasmexport proxy_on_delete
func onDelete(id uint32) { machine.end(id) }
