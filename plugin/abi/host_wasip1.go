package abi

import (
	"errors"
	"math"
	"strconv"
	"time"
	"unsafe"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
)

// The host has no call for the time but WASI's.
//
//go:wasmimport wasi_snapshot_preview1 clock_time_get
//go:noescape
func clockTimeGet(clock uint32, precision uint64, at unsafe.Pointer) uint32

// A call is marked noescape if the host does not enter the module during it. In the
// others the host asks for memory (Allocate), which may move the goroutine's stack, so
// nothing that the host reads or writes then may be on the stack.

//go:wasmimport env proxy_log
//go:noescape
func hostLog(level uint32, text unsafe.Pointer, size uint32) uint32

//go:wasmimport env proxy_get_header_map_pairs
func hostPairs(m uint32, data, size unsafe.Pointer) uint32

//go:wasmimport env proxy_add_header_map_value
//go:noescape
func hostAdd(m uint32, name unsafe.Pointer, nameSize uint32, value unsafe.Pointer, valueSize uint32) uint32

//go:wasmimport env proxy_replace_header_map_value
//go:noescape
func hostReplace(m uint32, name unsafe.Pointer, nameSize uint32, value unsafe.Pointer, valueSize uint32) uint32

//go:wasmimport env proxy_remove_header_map_value
//go:noescape
func hostRemove(m uint32, name unsafe.Pointer, nameSize uint32) uint32

//go:wasmimport env proxy_get_buffer_bytes
func hostBytes(buffer, start, max uint32, data, size unsafe.Pointer) uint32

//go:wasmimport env proxy_set_buffer_bytes
//go:noescape
func hostSetBytes(buffer, start, max uint32, data unsafe.Pointer, size uint32) uint32

//go:wasmimport env proxy_continue_stream
func hostContinue(direction uint32) uint32

//go:wasmimport env proxy_send_local_response
//go:noescape
func hostRespond(status uint32, details unsafe.Pointer, detailsSize uint32, body unsafe.Pointer, bodySize uint32, headers unsafe.Pointer, headersSize uint32, grpc int32) uint32

//go:wasmimport env proxy_http_call
//go:noescape
func hostCall(cluster unsafe.Pointer, clusterSize uint32, headers unsafe.Pointer, headersSize uint32, body unsafe.Pointer, bodySize uint32,
	trailers unsafe.Pointer, trailersSize uint32, timeout uint32, id unsafe.Pointer) uint32

//go:wasmimport env proxy_get_property
func hostProperty(path unsafe.Pointer, pathSize uint32, data, size unsafe.Pointer) uint32

//go:wasmimport env proxy_set_property
//go:noescape
func hostSetProperty(path unsafe.Pointer, pathSize uint32, value unsafe.Pointer, valueSize uint32) uint32

//go:wasmimport env proxy_get_shared_data
func hostSharedData(key unsafe.Pointer, keySize uint32, data, size, version unsafe.Pointer) uint32

//go:wasmimport env proxy_set_shared_data
//go:noescape
func hostSetSharedData(key unsafe.Pointer, keySize uint32, value unsafe.Pointer, valueSize uint32, version uint32) uint32

//go:wasmimport env proxy_define_metric
//go:noescape
func hostDefineMetric(kind uint32, name unsafe.Pointer, nameSize uint32, id unsafe.Pointer) uint32

//go:wasmimport env proxy_increment_metric
func hostIncrementMetric(id uint32, by int64) uint32

//go:wasmimport env proxy_record_metric
func hostRecordMetric(id uint32, value uint64) uint32

//go:wasmimport env proxy_call_foreign_function
func hostForeign(name unsafe.Pointer, nameSize uint32, args unsafe.Pointer, argsSize uint32, data, size unsafe.Pointer) uint32

//go:wasmimport env proxy_set_tick_period_milliseconds
func hostTick(period uint32) uint32

//go:wasmimport env proxy_set_effective_context
func hostContext(id uint32) uint32

// result is where the host writes the address and the length of a result. It is not on
// the stack, which may move meanwhile; and one is enough, because no call is made
// during another.
var result struct {
	data    unsafe.Pointer // the host writes its lower half
	size    uint32
	version uint32
}

// room is where the next result goes, if it fits; nil: to new memory.
var room *Room

// Allocate returns memory for a result of n bytes. The host asks for it during a call.
func Allocate(n uint32) unsafe.Pointer {
	if b := room.take(int(n)); b != nil {
		return unsafe.Pointer(unsafe.SliceData(b))
	}
	return unsafe.Pointer(unsafe.SliceData(make([]byte, max(n, 1))))
}

// expect makes ready for a call with a result, which goes to r.
func expect(r *Room) {
	result.data, result.size = nil, 0
	room = r
}

// received returns the result of a call. A host that gives none gives nil.
func received(status uint32) ([]byte, error) {
	room = nil
	if status != 0 {
		return nil, errorOf(status)
	}
	if result.data == nil {
		return nil, nil
	}
	return unsafe.Slice((*byte)(result.data), int(result.size)), nil
}

func addressOf(s string) unsafe.Pointer { return unsafe.Pointer(unsafe.StringData(s)) }

// Now returns the time. Unlike time.Now it does not ask for the monotonic time too,
// which is another call. It is not inlined, which would make the module larger.
//
//go:noinline
func Now() time.Time {
	var ns uint64
	if clockTimeGet(0, 1, unsafe.Pointer(&ns)) != 0 {
		return time.Now()
	}
	return time.Unix(0, int64(ns))
}

// Log writes a line to the host's log.
func Log(l Level, line string) { hostLog(uint32(l), addressOf(line), uint32(len(line))) }

// Pairs returns a header map.
func Pairs(m Map) ([][2]string, error) {
	b, err := pairs(nil, m)
	if err != nil {
		return nil, err
	}
	return appendPairs(nil, b)
}

// PairsIn returns a header map in the memory of r.
func PairsIn(r *Room, m Map) ([][2]string, error) {
	b, err := pairs(r, m)
	if err != nil {
		return nil, err
	}
	return r.read(b)
}

func pairs(r *Room, m Map) ([]byte, error) {
	expect(r)
	b, err := received(hostPairs(uint32(m), unsafe.Pointer(&result.data), unsafe.Pointer(&result.size)))
	if err == nil && b == nil {
		err = types.ErrorStatusNotFound
	}
	return b, err
}

// Add adds a field to a header map.
func Add(m Map, name, value string) error {
	return errorOf(hostAdd(uint32(m), addressOf(name), uint32(len(name)), addressOf(value), uint32(len(value))))
}

// Replace replaces all fields of a name.
func Replace(m Map, name, value string) error {
	return errorOf(hostReplace(uint32(m), addressOf(name), uint32(len(name)), addressOf(value), uint32(len(value))))
}

// Remove removes all fields of a name.
func Remove(m Map, name string) error {
	return errorOf(hostRemove(uint32(m), addressOf(name), uint32(len(name))))
}

// Bytes returns a buffer from its start, at most max bytes.
func Bytes(b Buffer, max int) ([]byte, error) { return BytesIn(nil, b, max) }

// BytesIn is Bytes. The result is in the memory of r.
func BytesIn(r *Room, b Buffer, max int) ([]byte, error) {
	expect(r)
	data, err := received(hostBytes(uint32(b), 0, uint32(min(max, math.MaxInt32)), unsafe.Pointer(&result.data), unsafe.Pointer(&result.size)))
	if err == nil && data == nil {
		err = types.ErrorStatusNotFound
	}
	return data, err
}

// SetBytes replaces a buffer.
func SetBytes(b Buffer, data string) error {
	return errorOf(hostSetBytes(uint32(b), 0, math.MaxInt32, addressOf(data), uint32(len(data))))
}

// Resume lets a paused message go on.
func Resume(d Direction) error { return errorOf(hostContinue(uint32(d))) }

// Respond answers the client instead of the upstream.
func Respond(status int, headers [][2]string, body string) error {
	h := encodePairs(headers)
	return errorOf(hostRespond(uint32(status), nil, 0, addressOf(body), uint32(len(body)), unsafe.Pointer(unsafe.SliceData(h)), uint32(len(h)), -1))
}

// calls are the callbacks of the calls in flight, by the ids of the plugin's context and
// of the call.
var calls = map[[2]uint32]Callback{}

// head is the memory of the headers of a call, which the host copies.
var head []byte

// maxHead bounds what is kept of it.
const maxHead = 4 << 10

// Call sends a request to a cluster. plugin is the id of the plugin's context; done runs
// in that context.
func Call(plugin uint32, cluster string, headers [][2]string, body []byte, timeoutMS uint32, done Callback) error {
	h, none, id := appendEncoded(head[:0], headers), [4]byte{}, uint32(0)
	if cap(h) <= maxHead {
		head = h
	}
	status := hostCall(addressOf(cluster), uint32(len(cluster)), unsafe.Pointer(unsafe.SliceData(h)), uint32(len(h)),
		unsafe.Pointer(unsafe.SliceData(body)), uint32(len(body)), unsafe.Pointer(&none), uint32(len(none)), timeoutMS, unsafe.Pointer(&id))
	if status != 0 {
		return errorOf(status)
	}
	calls[[2]uint32{plugin, id}] = done
	return nil
}

// Called passes the host's callback for a call on. It ignores a call that is not in
// flight.
func Called(plugin, id uint32, bodySize int) {
	key := [2]uint32{plugin, id}
	if done := calls[key]; done != nil {
		delete(calls, key)
		done.Called(bodySize)
	}
}

// Forget drops the callbacks of a plugin that has ended.
func Forget(plugin uint32) {
	for key := range calls {
		if key[0] == plugin {
			delete(calls, key)
		}
	}
}

// Property returns a property of the stream, or of the plugin.
func Property(path ...string) ([]byte, error) {
	p := encodePath(path)
	expect(nil)
	return received(hostProperty(unsafe.Pointer(unsafe.SliceData(p)), uint32(len(p)), unsafe.Pointer(&result.data), unsafe.Pointer(&result.size)))
}

// SetProperty sets a property of the stream.
func SetProperty(name, value string) error {
	return errorOf(hostSetProperty(addressOf(name), uint32(len(name)), addressOf(value), uint32(len(value))))
}

// SharedData returns the value that the VMs of one vm_id share under a key, with its version.
func SharedData(key string) (value []byte, version uint32, err error) {
	expect(nil)
	value, err = received(hostSharedData(addressOf(key), uint32(len(key)), unsafe.Pointer(&result.data), unsafe.Pointer(&result.size), unsafe.Pointer(&result.version)))
	return value, result.version, err
}

// SetSharedData sets it, if its version is still that one.
func SetSharedData(key string, value []byte, version uint32) error {
	return errorOf(hostSetSharedData(addressOf(key), uint32(len(key)), unsafe.Pointer(unsafe.SliceData(value)), uint32(len(value)), version))
}

// NewCounter returns the host's counter of a name, which it makes if there is none.
func NewCounter(name string) (Counter, error) {
	id := uint32(0)
	err := errorOf(hostDefineMetric(0, addressOf(name), uint32(len(name)), unsafe.Pointer(&id)))
	return Counter(id), err
}

// Add adds to the counter.
func (c Counter) Add(n uint64) error { return errorOf(hostIncrementMetric(uint32(c), int64(n))) }

// NewGauge returns the host's gauge of a name, which it makes if there is none.
func NewGauge(name string) (Gauge, error) {
	id := uint32(0)
	err := errorOf(hostDefineMetric(1, addressOf(name), uint32(len(name)), unsafe.Pointer(&id)))
	return Gauge(id), err
}

// Add adds to the gauge.
func (g Gauge) Add(n int64) error { return errorOf(hostIncrementMetric(uint32(g), n)) }

// Set sets the gauge.
func (g Gauge) Set(n int64) error { return errorOf(hostRecordMetric(uint32(g), uint64(n))) }

// ForeignIn calls a function that is the host's own. The result is in the memory of r.
func ForeignIn(r *Room, name string, args []byte) ([]byte, error) {
	expect(r)
	return received(hostForeign(addressOf(name), uint32(len(name)), unsafe.Pointer(unsafe.SliceData(args)), uint32(len(args)),
		unsafe.Pointer(&result.data), unsafe.Pointer(&result.size)))
}

// SetTickPeriod sets the time between ticks.
func SetTickPeriod(ms uint32) error { return errorOf(hostTick(ms)) }

// SetContext makes the following host calls be about another context.
func SetContext(id uint32) error { return errorOf(hostContext(id)) }

// encodePath writes the path of a property: its parts, with a NUL between them.
func encodePath(parts []string) []byte {
	var b []byte
	for i, p := range parts {
		if i > 0 {
			b = append(b, 0)
		}
		b = append(b, p...)
	}
	return b
}

// errorOf is the error of a call that returned status.
func errorOf(status uint32) error {
	switch status {
	case 0:
		return nil
	case 1:
		return types.ErrorStatusNotFound
	case 2:
		return types.ErrorStatusBadArgument
	case 7:
		return types.ErrorStatusEmpty
	case 8:
		return types.ErrorStatusCasMismatch
	case 10:
		return types.ErrorInternalFailure
	case 12:
		return types.ErrorUnimplemented
	}
	return errors.New("error status returned by host: " + strconv.Itoa(int(status)))
}
