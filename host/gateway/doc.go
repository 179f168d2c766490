// Package gateway is a proxy-wasm host: it runs a module of ABI 0.2.1, as the
// official Go SDK makes them, on wazero in front of an HTTP upstream. It works
// with any such module.
//
// It behaves like Envoy wherever a module can see the difference: which callbacks
// run while headers are paused, the sizes that they get, how a dispatched call
// fails, where a local reply goes, how a trap ends its streams. The tests run
// their scenarios in both.
//
// The states of a request or response are in flow.go, those of the whole stream
// in stream.go.
//
// # Where it differs
//
//   - It is stricter: it refuses a malformed escape in a path, an empty Host and a
//     second Host header. It sends the body's real length, with a warning, where
//     the module left another; Envoy sends the module's.
//   - A request's headers are in the order of their names, not in the client's.
//   - A client on the loopback interface is 127.0.0.1 in x-forwarded-for, where
//     Envoy puts an address of its own. x-envoy-* headers of clients are dropped,
//     and none are added.
//   - The module does not log a request that is refused before it sees it.
//   - proxy_send_local_response fails while its stream is logged; Envoy would log
//     that stream again and again.
//   - A trap ends the streams of its VM at once. In Envoy those that are paused
//     wait for their idle timeout.
//   - Of Envoy's foreign functions there is verify_signature, without SHA-1 and
//     SHA-224.
//   - All VMs serve requests. Envoy has one more, in its main thread, which gets
//     ticks only.
//   - There is one upstream, over HTTP/1.1, without retries, and the streams' idle
//     timeout is the only limit to its time. Of upgrades there is that of HTTP/1.1 to a
//     WebSocket. The module's gRPC calls are not implemented.
package gateway
