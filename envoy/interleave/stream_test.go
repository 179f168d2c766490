package interleave

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// flow is a request or a response on its way through the module, as Envoy takes it.
type flow struct {
	name     string // in the names of callbacks
	headers  [][2]string
	pieces   [][]byte // of the body, that are still to come
	trailers [][2]string
	held     []byte // the part of the body that a callback reads, or that waits
	state    flowState

	shown, endShown bool // to the module: the headers, the end
	released        bool // the headers have gone on, and with them:
	out             message
}

type flowState uint8

const (
	held    flowState = iota // a callback comes for each piece
	stopped                  // no callback comes
	flowing
	over
)

// message is what the upstream or the client gets.
type message struct {
	headers, trailers [][2]string
	body              []byte
	complete          bool
}

// stream is a request in a VM, with all that is seen of it.
type stream struct {
	vm                *vm
	id, plugin        uint32
	script            *script
	request, response flow
	local             *localReply
	answered          bool // the local reply has been sent
	closed            bool

	history    []event        // that the schedule has chosen
	asks       map[string]int // how often it has asked each question
	properties map[string]string
	lines      []string        // of the log
	questions  map[string]fate // that it has asked
}

// event is what happens next to a stream.
type event struct {
	kind eventKind
	ask  ask // of replyEvent
}

type eventKind uint8

const (
	requestEvent eventKind = iota // a part of the request comes
	responseEvent
	replyEvent // the reply to a call comes
)

// ask is one of the calls of a stream. A policy and its candidate may ask the same.
type ask struct {
	question string
	number   int
}

type localReply struct {
	status  int
	headers [][2]string
	body    string
}

// open makes the stream of a script.
func (v *vm) open(plugin uint32, id uint32, s *script) (*stream, error) {
	st := &stream{vm: v, id: id, plugin: plugin, script: s, properties: map[string]string{}, questions: map[string]fate{}, asks: map[string]int{}}
	st.request = flow{name: "request", headers: slices.Clone(s.headers), pieces: s.pieces, trailers: slices.Clone(s.trailers)}
	st.response = flow{name: "response", headers: slices.Clone(s.answer), pieces: s.answerPieces, trailers: slices.Clone(s.answerTrailers)}
	v.streams[id] = st
	_, err := v.call("proxy_on_context_create", id, uint64(plugin))
	return st, err
}

// canStep reports whether a callback of the flow may come next.
func (f *flow) canStep() bool { return f.state != stopped && f.state != over && !f.endShown }

// next returns the flow that may go on; nil: the stream waits for a call or has ended.
func (s *stream) next(prefersResponse bool) *flow {
	response := s.response.canStep() && (s.request.out.complete || s.script.early && s.request.released || s.answered)
	if response && (prefersResponse || !s.request.canStep()) {
		return &s.response
	}
	if s.request.canStep() {
		return &s.request
	}
	return nil
}

// ended reports whether the client has its response.
func (s *stream) ended() bool { return s.response.out.complete || s.response.state == over }

// step makes the next callback of a flow.
func (s *stream) step(f *flow) error {
	if f == &s.request {
		s.history = append(s.history, event{kind: requestEvent})
	} else {
		s.history = append(s.history, event{kind: responseEvent})
	}
	last := func() bool { return len(f.pieces) == 0 && f.trailers == nil }
	var action uint64
	var err error
	on := "proxy_on_" + f.name
	switch {
	case !f.shown:
		f.shown, f.endShown = true, last()
		action, err = s.vm.call(on+"_headers", s.id, uint64(len(f.headers)), bit(f.endShown))
		if action == 4 {
			f.state = stopped
		}
	case len(f.pieces) > 0:
		f.held = append(f.held, f.pieces[0]...)
		f.pieces = f.pieces[1:]
		f.endShown = last()
		action, err = s.vm.call(on+"_body", s.id, uint64(len(f.held)), bit(f.endShown))
	default:
		f.endShown = true
		action, err = s.vm.call(on+"_trailers", s.id, uint64(len(f.trailers)))
	}
	if err != nil {
		return err
	}
	switch {
	case s.local != nil && !s.answered: // the action does not count
	case action == 0:
		f.release()
	case f.state == flowing:
		f.state = held
	}
	return s.vm.settle()
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// release lets all go on that the flow holds.
func (f *flow) release() {
	if f.state == over {
		return
	}
	if !f.released {
		f.released, f.out.headers = true, slices.Clone(f.headers)
	}
	f.out.body = append(f.out.body, f.held...)
	f.held, f.state = nil, flowing
	if f.endShown {
		f.out.trailers, f.out.complete = slices.Clone(f.trailers), true
	}
}

func (s *stream) resume(response bool) {
	if response {
		s.response.release()
		return
	}
	s.request.release()
}

func (s *stream) respond(status int, headers [][2]string, body string) {
	if s.local == nil {
		s.local = &localReply{status, headers, body}
	}
}

// settle sends the local replies that the module has asked for.
func (v *vm) settle() error {
	for _, s := range v.streams {
		if s.local == nil || s.answered {
			continue
		}
		s.answered = true
		if err := s.answer(); err != nil {
			return err
		}
	}
	return nil
}

// answer sends the local reply: through the callbacks of the response, unless the module
// has been shown one already.
func (s *stream) answer() error {
	r := s.local
	shown := s.response.shown
	s.request.state = over
	all := append([][2]string{{":status", strconv.Itoa(r.status)}, {"content-length", strconv.Itoa(len(r.body))}}, r.headers...)
	reply := flow{name: "response", headers: all}
	if r.body != "" {
		reply.pieces = [][]byte{[]byte(r.body)}
	}
	switch {
	case s.response.released:
		s.response.state = over // the connection is reset
		return nil
	case shown:
		reply.shown, reply.endShown, reply.held = true, true, []byte(r.body)
		s.response = reply
		s.response.release()
		return nil
	}
	s.response = reply
	for s.response.canStep() {
		if err := s.step(&s.response); err != nil {
			return err
		}
	}
	return nil
}

// close ends the stream, whatever its state.
func (s *stream) close() error {
	s.closed = true
	_, err := s.vm.call("proxy_on_delete", s.id)
	delete(s.vm.streams, s.id)
	return err
}

// latency is the part of a line that depends on the other streams: the times, and how
// many lines were left out.
var latency = regexp.MustCompile(`,?"latencyMs":[0-9.e+-]+| left_out=[0-9]+`)

func (s *stream) logged(line string) {
	if strings.HasPrefix(line, "rulegate: jwks") {
		return // it may be about this context, but belongs to none
	}
	s.lines = append(s.lines, latency.ReplaceAllString(line, ""))
}

func (s *stream) note(name, value string) {
	s.properties[name] = latency.ReplaceAllString(value, "")
}

// seen is all that others see of a stream, by names. A part that has not come to its end
// is left out.
func (s *stream) seen() map[string]string {
	out := map[string]string{}
	for _, f := range []*flow{&s.request, &s.response} {
		to := map[string]string{"request": "upstream", "response": "client"}[f.name]
		if f.released {
			out[to+" headers"] = fmt.Sprintf("%q", f.out.headers)
		}
		if f.out.complete {
			out[to+" body"], out[to+" trailers"] = string(f.out.body), fmt.Sprintf("%q", f.out.trailers)
		}
	}
	for name, value := range s.properties {
		out["property "+name] = value
	}
	for _, l := range s.lines {
		kind, _, _ := strings.Cut(strings.TrimPrefix(l, "rulegate: "), ":")
		if strings.Contains(l, `"candidate":`) {
			kind = "difference"
		}
		out["log "+kind] += l + "\n"
	}
	return out
}

// canary is a text that belongs to one user or one request.
var canary = regexp.MustCompile(`cn[0-9]{6}`)

// strangers returns the canaries of others in what is seen of the stream.
func (s *stream) strangers() (found []string) {
	for name, text := range s.seen() {
		for _, c := range canary.FindAllString(text, -1) {
			if c != s.script.user && c != s.script.canary && c != s.script.other {
				found = append(found, name+" has "+c)
			}
		}
	}
	for q := range s.questions {
		for _, c := range canary.FindAllString(q, -1) {
			if c != s.script.user && c != s.script.canary && c != s.script.other {
				found = append(found, "a call has "+c)
			}
		}
	}
	return found
}
