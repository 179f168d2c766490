//go:build !wasip1

package abi

import (
	"bytes"
	"slices"
	"time"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/rulegate/rulegate/rules/lightfmt"
)

// Outside of a module the calls are the SDK's. See host_wasip1.go for their contracts.

func Now() time.Time { return time.Now() }

func Log(l Level, line string) {
	switch l {
	case Debug:
		proxywasm.LogDebug(line)
	case Info:
		proxywasm.LogInfo(line)
	case Warn:
		proxywasm.LogWarn(line)
	default:
		proxywasm.LogError(line)
	}
}

func Pairs(m Map) ([][2]string, error) {
	if m == CallHeaders && replying != nil {
		return replying.headers, nil
	}
	switch m {
	case RequestHeaders:
		return proxywasm.GetHttpRequestHeaders()
	case RequestTrailers:
		return proxywasm.GetHttpRequestTrailers()
	case ResponseHeaders:
		return proxywasm.GetHttpResponseHeaders()
	case ResponseTrailers:
		return proxywasm.GetHttpResponseTrailers()
	}
	return proxywasm.GetHttpCallResponseHeaders()
}

// PairsIn takes the way of the module: through the format of the ABI and the room.
func PairsIn(r *Room, m Map) ([][2]string, error) {
	given, err := Pairs(m)
	if err != nil {
		return nil, err
	}
	encoded := encodePairs(given)
	b := r.take(len(encoded))
	if b == nil {
		b = make([]byte, len(encoded))
	}
	copy(b, encoded)
	return r.read(b)
}

func Add(m Map, name, value string) error {
	if m == ResponseHeaders {
		return proxywasm.AddHttpResponseHeader(name, value)
	}
	return proxywasm.AddHttpRequestHeader(name, value)
}

func Replace(m Map, name, value string) error {
	if m == ResponseHeaders {
		return proxywasm.ReplaceHttpResponseHeader(name, value)
	}
	return proxywasm.ReplaceHttpRequestHeader(name, value)
}

func Remove(m Map, name string) error {
	switch m {
	case RequestHeaders:
		return proxywasm.RemoveHttpRequestHeader(name)
	case RequestTrailers:
		return proxywasm.RemoveHttpRequestTrailer(name)
	case ResponseHeaders:
		return proxywasm.RemoveHttpResponseHeader(name)
	}
	return proxywasm.RemoveHttpResponseTrailer(name)
}

func Bytes(b Buffer, max int) ([]byte, error) {
	switch b {
	case RequestBody:
		return proxywasm.GetHttpRequestBody(0, max)
	case ResponseBody:
		return proxywasm.GetHttpResponseBody(0, max)
	case CallBody:
		if replying != nil {
			return replying.body[:min(max, len(replying.body))], nil
		}
		return proxywasm.GetHttpCallResponseBody(0, max)
	}
	return proxywasm.GetPluginConfiguration()
}

// BytesIn takes the room that the module would take.
func BytesIn(r *Room, b Buffer, max int) ([]byte, error) {
	given, err := Bytes(b, max)
	if in := r.take(len(given)); in != nil {
		copy(in, given)
		given = in
	}
	return given, err
}

func SetBytes(b Buffer, data string) error {
	if b == ResponseBody {
		return proxywasm.ReplaceHttpResponseBody([]byte(data))
	}
	return proxywasm.ReplaceHttpRequestBody([]byte(data))
}

func Resume(d Direction) error {
	if d == Response {
		return proxywasm.ResumeHttpResponse()
	}
	return proxywasm.ResumeHttpRequest()
}

func Respond(status int, headers [][2]string, body string) error {
	return proxywasm.SendHttpResponse(uint32(status), headers, []byte(body), -1)
}

// Recorder takes calls in place of the SDK's emulated host, which gives the id of a call to
// another one while it is in flight.
type Recorder struct {
	Sent []*Sent
	Err  error // of the calls to come
}

// Sent is a call that a Recorder has taken.
type Sent struct {
	Headers [][2]string
	Body    string
	Timeout uint32

	done    Callback
	headers [][2]string // of the reply
	body    []byte
}

// Record takes the calls; nil: the emulated host does.
var Record *Recorder

// replying is the call whose reply the plugin reads.
var replying *Sent

// Reply brings the reply to the call.
func (s *Sent) Reply(headers [][2]string, body string) {
	s.headers, s.body, replying = headers, []byte(body), s
	defer func() { replying = nil }()
	s.done.Called(len(body))
}

// Call copies the body, as a module's host does.
func Call(_ uint32, cluster string, headers [][2]string, body []byte, timeoutMS uint32, done Callback) error {
	if Record != nil {
		if Record.Err == nil {
			Record.Sent = append(Record.Sent, &Sent{Headers: slices.Clone(headers), Body: string(body), Timeout: timeoutMS, done: done})
		}
		return Record.Err
	}
	_, err := proxywasm.DispatchHttpCall(cluster, headers, bytes.Clone(body), nil, timeoutMS, func(_, size, _ int) { done.Called(size) })
	return err
}

// Forget does nothing: the SDK forgets them itself.
func Forget(uint32) {}

func Property(path ...string) ([]byte, error) { return proxywasm.GetProperty(path) }

func SetProperty(name, value string) error {
	return proxywasm.SetProperty([]string{name}, []byte(value))
}

func SharedData(key string) ([]byte, uint32, error) { return proxywasm.GetSharedData(key) }

func SetSharedData(key string, value []byte, version uint32) error {
	return proxywasm.SetSharedData(key, value, version)
}

// NewCounter turns the SDK's panic into an error.
func NewCounter(name string) (c Counter, err error) {
	defer recovered(&err)
	return Counter(proxywasm.DefineCounterMetric(name)), nil
}

func (c Counter) Add(n uint64) (err error) {
	defer recovered(&err)
	proxywasm.MetricCounter(c).Increment(n)
	return nil
}

// NewGauge turns the SDK's panic into an error, as the methods do.
func NewGauge(name string) (g Gauge, err error) {
	defer recovered(&err)
	return Gauge(proxywasm.DefineGaugeMetric(name)), nil
}

func (g Gauge) Add(n int64) (err error) {
	defer recovered(&err)
	proxywasm.MetricGauge(g).Add(n)
	return nil
}

func (g Gauge) Set(n int64) (err error) {
	defer recovered(&err)
	m := proxywasm.MetricGauge(g)
	m.Add(n - m.Value())
	return nil
}

func recovered(err *error) {
	if r := recover(); r != nil {
		*err = lightfmt.Errorf("%v: %w", r, types.ErrorInternalFailure)
	}
}

func ForeignIn(_ *Room, name string, args []byte) ([]byte, error) {
	return proxywasm.CallForeignFunction(name, args)
}

func SetTickPeriod(ms uint32) error { return proxywasm.SetTickPeriodMilliSeconds(ms) }

func SetContext(id uint32) error { return proxywasm.SetEffectiveContext(id) }
