// Package gateway is a proxy-wasm host: it loads a module that speaks ABI
// 0.2.1, as the official Go SDK does, and runs it on wazero in front of an
// HTTP upstream. It knows nothing of any one module.
//
// It behaves as Envoy does wherever a module can tell the difference: which
// callbacks come while headers are paused, what sizes they are told, how a
// dispatched call fails, where a local reply goes, what a trap leaves behind.
// The scenarios in the tests run in both.
//
// # Where it differs
//
//   - Stricter: a malformed escape in a path, an empty Host, a second Host
//     header are refused; a body's length is always the one that is sent, with a
//     warning if the module left another (Envoy would send it).
//   - The order of a request's headers is by name, not as they came.
//   - A client on the loopback interface is 127.0.0.1 in x-forwarded-for, where
//     Envoy puts an address of its own; x-envoy-* headers are neither taken from
//     clients nor added.
//   - A request that is refused before the module sees it is not logged by it.
//   - A local reply that a module asks for while its stream is logged is an
//     error; Envoy would log that stream without end.
//   - A VM is started for requests alone; Envoy has one more, in its main thread,
//     which gets ticks but no requests.
//   - There is one upstream, over HTTP/1.1, without retries, and no limit to its
//     time but the streams' idle timeout. Upgrades are refused, gRPC calls of the
//     module are not implemented.
package gateway
