// Package gateway is a proxy-wasm host: it loads a module that speaks ABI
// 0.2.1, as the official Go SDK does, and runs it on wazero in front of an
// HTTP upstream.
//
// It behaves as Envoy does wherever a module can tell the difference: which
// callbacks come while headers are paused, what sizes they are told, how a
// dispatched call fails, where a local reply goes, what a trap leaves behind.
// It knows nothing of any one module.
package gateway
