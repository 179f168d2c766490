// Command script is a module for tests. Its configuration is a script of commands
// for its callbacks. It logs each callback with its arguments.
//
// A line is an event, a colon, and commands with semicolons between them:
//
//	request_body end: body new text; continue
//
// Events are request_headers, request_body, request_trailers, the same for
// response, call (the reply to a stream's call), plugin_call (to one of the
// plugin's own), configure, tick, log. The body events may be narrowed to `end`
// (the last one) or `more`, ticks to `marked` (while a stream is marked) or
// `gone` (after one of them has ended). A callback without `pause` returns Continue.
package main

import (
	"bytes"
	"encoding/hex"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
)

func main() {}

func init() { proxywasm.SetVMContext(&vm{}) }

type vm struct{ types.DefaultVMContext }

func (*vm) NewPluginContext(id uint32) types.PluginContext { return &plugin{id: id} }

type plugin struct {
	types.DefaultPluginContext
	id     uint32
	marked []uint32 // streams, for ticks and plugin_call
	gone   bool     // a marked stream has been logged
	trapAt string   // an event
	script map[string][]string
	defs   int
	queue  uint32
	held   [][]byte // memory of the command hold
}

func (p *plugin) OnPluginStart(int) types.OnPluginStartStatus {
	config, _ := proxywasm.GetPluginConfiguration()
	p.script = map[string][]string{}
	for _, line := range strings.Split(string(config), "\n") {
		event, commands, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		for _, c := range strings.Split(commands, ";") {
			event = strings.TrimSpace(event)
			p.script[event] = append(p.script[event], strings.TrimSpace(c))
		}
	}
	s := &stream{p: p, id: p.id}
	return s.run("configure") == types.ActionContinue
}

func (p *plugin) OnTick() {
	for event, due := range map[string]bool{"tick": true, "tick marked": len(p.marked) > 0 && !p.gone, "tick gone": p.gone} {
		if due && p.script[event] != nil {
			note("%s", event)
			(&stream{p: p, id: p.id}).run(event)
		}
	}
}

func (p *plugin) OnPluginDone() bool {
	note("plugin done")
	return (&stream{p: p, id: p.id}).run("done") == types.ActionContinue
}

func (p *plugin) OnQueueReady(id uint32) {
	item, err := proxywasm.DequeueSharedQueue(id)
	note("queue %s %v", item, err)
}

func (p *plugin) NewHttpContext(id uint32) types.HttpContext { return &stream{p: p, id: id} }

type stream struct {
	types.DefaultHttpContext
	p      *plugin
	id     uint32
	paused bool
}

func (s *stream) OnHttpRequestHeaders(n int, end bool) types.Action {
	note("request_headers end=%t", end)
	return s.run("request_headers")
}

func (s *stream) OnHttpRequestBody(n int, end bool) types.Action {
	note("request_body %d end=%t", n, end)
	return s.body("request_body", end)
}

func (s *stream) OnHttpRequestTrailers(n int) types.Action {
	note("request_trailers %d", n)
	return s.run("request_trailers")
}

func (s *stream) OnHttpResponseHeaders(n int, end bool) types.Action {
	note("response_headers end=%t", end)
	return s.run("response_headers")
}

func (s *stream) OnHttpResponseBody(n int, end bool) types.Action {
	note("response_body %d end=%t", n, end)
	return s.body("response_body", end)
}

func (s *stream) OnHttpResponseTrailers(n int) types.Action {
	note("response_trailers %d", n)
	return s.run("response_trailers")
}

func (s *stream) OnHttpStreamDone() {
	note("log")
	s.p.gone = s.p.gone || slices.Contains(s.p.marked, s.id)
	s.run("log")
}

func (s *stream) body(event string, end bool) types.Action {
	which := " more"
	if end {
		which = " end"
	}
	if s.p.script[event+which] != nil {
		return s.run(event + which)
	}
	return s.run(event)
}

func (s *stream) run(event string) types.Action {
	if s.p.trapAt == event {
		panic("as told")
	}
	action := types.ActionContinue
	for _, c := range s.p.script[event] {
		name, rest, _ := strings.Cut(c, " ")
		switch err := s.do(event, name, rest); {
		case name == "pause", name == "pauseonce" && !s.paused:
			action = types.ActionPause
			s.paused = true
		case name == "pauseif": // only requests with that header
			if v, _ := proxywasm.GetHttpRequestHeader(rest); v != "" {
				action = types.ActionPause
			}
		case name == "continue":
			action = types.ActionContinue
		case err != nil:
			note("%s: %s: %v", event, name, err)
		}
	}
	return action
}

// do runs one command of an event.
func (s *stream) do(event, name, rest string) error {
	response := strings.HasPrefix(event, "response")
	word, text, _ := strings.Cut(rest, " ")
	switch name {
	case "", "pause", "pauseonce", "pauseif", "continue":
	case "resume":
		if word == "response" {
			return proxywasm.ResumeHttpResponse()
		}
		return proxywasm.ResumeHttpRequest()
	case "reply":
		code, _ := strconv.Atoi(word)
		return proxywasm.SendHttpResponse(uint32(code), [][2]string{{"x-local", "yes"}}, []byte(text), -1)
	case "badvalue": // a line break in a header
		return proxywasm.AddHttpRequestHeader("x-bad", "a\r\nx-evil: 1")
	case "badresponse":
		return proxywasm.AddHttpResponseHeader("x-bad", "a\r\nx-evil: 1")
	case "call": // cluster timeout path
		timeout, path, _ := strings.Cut(text, " ")
		ms, _ := strconv.Atoi(timeout)
		h := [][2]string{{":method", "POST"}, {":path", path}, {":authority", "peer"}}
		_, err := proxywasm.DispatchHttpCall(word, h, []byte("asked"), nil, uint32(ms), s.called)
		return err
	case "again": // call once more, then resume
		h := [][2]string{{":method", "POST"}, {":path", "/again"}, {":authority", "peer"}}
		_, err := proxywasm.DispatchHttpCall("peer", h, []byte("asked"), nil, 15000, func(n, size, t int) {
			s.noteReply(n, size)
			_ = proxywasm.ResumeHttpRequest()
		})
		return err
	case "badcall":
		_, err := proxywasm.DispatchHttpCall(word, [][2]string{{":method", "GET"}}, nil, nil, 0, s.called)
		return err
	case "body":
		return replaceBody(response, []byte(rest))
	case "responsebody":
		return replaceBody(true, []byte(rest))
	case "append":
		if response {
			return proxywasm.AppendHttpResponseBody([]byte(rest))
		}
		return proxywasm.AppendHttpRequestBody([]byte(rest))
	case "prepend":
		if response {
			return proxywasm.PrependHttpResponseBody([]byte(rest))
		}
		return proxywasm.PrependHttpRequestBody([]byte(rest))
	case "show":
		return show(rest, response)
	case "double": // the body, twice
		return double(response)
	case "set":
		if response {
			return proxywasm.ReplaceHttpResponseHeader(word, text)
		}
		return proxywasm.ReplaceHttpRequestHeader(word, text)
	case "setfrom": // the path, from that header
		v, err := proxywasm.GetHttpRequestHeader(word)
		if err != nil {
			return err
		}
		return proxywasm.ReplaceHttpRequestHeader(":path", v)
	case "setreq":
		return proxywasm.ReplaceHttpRequestHeader(word, text)
	case "settrailer":
		if response {
			return proxywasm.ReplaceHttpResponseTrailer(word, text)
		}
		return proxywasm.ReplaceHttpRequestTrailer(word, text)
	case "add":
		if response {
			return proxywasm.AddHttpResponseHeader(word, text)
		}
		return proxywasm.AddHttpRequestHeader(word, text)
	case "remove":
		if response {
			return proxywasm.RemoveHttpResponseHeader(word)
		}
		return proxywasm.RemoveHttpRequestHeader(word)
	case "replaceall":
		return proxywasm.ReplaceHttpRequestHeaders([][2]string{{":method", "GET"}, {":path", "/all"}, {":authority", "other"}, {":scheme", "http"}, {"X-Forwarded-Proto", "http"}, {"X-Only", "1"}})
	case "property":
		v, err := proxywasm.GetProperty(strings.Split(rest, "."))
		note("property %s = %q %v", rest, v, err)
	case "setproperty":
		return proxywasm.SetProperty([]string{word}, []byte(text))
	case "panic":
		panic("as told")
	case "trapif": // only requests with that header
		if v, _ := proxywasm.GetHttpRequestHeader(word); v != "" {
			panic("as told")
		}
	case "hold": // header: as many MiB as it says, for good
		v, _ := proxywasm.GetHttpRequestHeader(word)
		n, _ := strconv.Atoi(v)
		for range n {
			s.p.held = append(s.p.held, bytes.Repeat([]byte{1}, 1<<20))
		}
	case "arm": // from the header x-trap, which names an event
		if v, _ := proxywasm.GetHttpRequestHeader("x-trap"); v != "" {
			s.p.trapAt = v
		}
		if s.p.trapAt == event {
			panic("as told")
		}
	case "loop":
		for {
		}
	case "log":
		logAll(rest)
	case "warn":
		proxywasm.LogWarn(rest)
	case "env":
		note("env %s=%q", rest, os.Getenv(rest))
	case "time":
		note("time %t", time.Now().Year() > 2000)
	default:
		return s.shared(event, name, rest)
	}
	return nil
}

// shared runs the commands about metrics, ticks, and data that VMs share.
func (s *stream) shared(event, name, rest string) error {
	word, text, _ := strings.Cut(rest, " ")
	switch name {
	case "tickevery":
		ms, _ := strconv.Atoi(rest)
		return proxywasm.SetTickPeriodMilliSeconds(uint32(ms))
	case "count":
		m := proxywasm.DefineCounterMetric(rest)
		m.Increment(2)
		note("count %d", m.Value())
	case "gauge":
		m := proxywasm.DefineGaugeMetric(rest)
		m.Add(5)
		m.Add(-2)
		note("gauge %d", m.Value())
	case "histogram":
		proxywasm.DefineHistogramMetric(rest).Record(7)
	case "put":
		return proxywasm.SetSharedData(word, []byte(text), 0)
	case "putstale":
		_, cas, err := proxywasm.GetSharedData(word)
		if err != nil {
			return err
		}
		if err := proxywasm.SetSharedData(word, []byte("other"), cas); err != nil {
			return err
		}
		return proxywasm.SetSharedData(word, []byte(text), cas)
	case "putcas": // cas key value
		cas, _ := strconv.Atoi(word)
		key, value, _ := strings.Cut(text, " ")
		return proxywasm.SetSharedData(key, []byte(value), uint32(cas))
	case "get":
		v, _, err := proxywasm.GetSharedData(word)
		note("get %q %v", v, err)
		return nil
	case "register":
		id, err := proxywasm.RegisterSharedQueue(rest)
		s.p.queue = id
		return err
	case "enqueue":
		return proxywasm.EnqueueSharedQueue(s.p.queue, []byte(rest))
	case "foreign":
		args, _ := hex.DecodeString(text)
		result, err := proxywasm.CallForeignFunction(word, args)
		if err != nil {
			return err
		}
		note("%s %t", word, string(result) == "\x08\x01")
	case "plugindone":
		proxywasm.PluginDone()
	default:
		return s.contexts(event, name, rest)
	}
	return nil
}

func (s *stream) called(headers, size, trailers int) {
	s.noteReply(headers, size)
	if s.id == s.p.id {
		s.run("plugin_call")
		return
	}
	s.run("call")
}

func (s *stream) noteReply(headers, size int) {
	h, err := proxywasm.GetHttpCallResponseHeaders()
	status := ""
	for _, kv := range h {
		if kv[0] == ":status" {
			status = kv[1]
		}
	}
	body, _ := proxywasm.GetHttpCallResponseBody(0, size)
	if len(body) > 40 {
		body = body[:40]
	}
	note("called none=%t size=%t status=%s body=%q %v", headers == 0, size > 0, status, body, err)
}

func replaceBody(response bool, b []byte) error {
	if response {
		return proxywasm.ReplaceHttpResponseBody(b)
	}
	return proxywasm.ReplaceHttpRequestBody(b)
}

func double(response bool) error {
	get := proxywasm.GetHttpRequestBody
	if response {
		get = proxywasm.GetHttpResponseBody
	}
	b, err := get(0, 1<<30)
	if err != nil {
		return err
	}
	return replaceBody(response, append(b[:len(b):len(b)], b...))
}

func show(part string, response bool) error {
	switch part {
	case "body":
		get := proxywasm.GetHttpRequestBody
		if response {
			get = proxywasm.GetHttpResponseBody
		}
		b, err := get(0, 1<<20)
		note("body %q %v", b, err)
	case "part":
		b, err := proxywasm.GetHttpRequestBody(2, 3)
		note("part %q %v", b, err)
	case "headers":
		get := proxywasm.GetHttpRequestHeaders
		if response {
			get = proxywasm.GetHttpResponseHeaders
		}
		h, err := get()
		note("headers %q %v", h, err)
	case "trailers":
		h, err := proxywasm.GetHttpRequestTrailers()
		note("trailers %q %v", h, err)
	default:
		get := proxywasm.GetHttpRequestHeader
		if response {
			get = proxywasm.GetHttpResponseHeader
		}
		v, err := get(part)
		note("%s %q %v", part, v, err)
	}
	return nil
}

func logAll(text string) {
	proxywasm.LogTrace(text)
	proxywasm.LogDebug(text)
	proxywasm.LogInfo(text)
	proxywasm.LogWarn(text)
	proxywasm.LogError(text)
	proxywasm.LogCritical(text)
}

func note(format string, args ...any) { proxywasm.LogInfof("note "+format, args...) }
