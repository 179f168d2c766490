package gateway

// flowState says where the next piece of a request or a response goes. The
// action that a callback returns, proxy_continue_stream and the end of the
// message change it:
//
//	awaitHeaders ── headers arrive, and their callback returns
//	    ├─ Continue ───────► streaming
//	    ├─ StopIteration ──► buffering; paused without AllowOnHeadersStopIteration
//	    └─ any other ──────► paused
//
//	paused, buffering ── proxy_continue_stream ──────────────────► streaming
//	buffering ── a callback of the body or trailers: Continue ───► streaming
//	streaming ── a callback of the body or trailers: any other ──► buffering
//	streaming ── the end of the message is released ─────────────► ended
//
// A callback in which the module asks for a local reply or a reset leaves its
// flow paused, whatever it returns. A local reply ends the request's flow.
type flowState uint8

const (
	awaitHeaders flowState = iota
	// paused: no callback comes, and pieces that arrive wait in flow.unseen
	// (Envoy's StopAllIterationAndWatermark).
	paused
	// buffering: each piece is added to flow.body, and a callback comes
	// (Envoy's StopIteration).
	buffering
	streaming // each piece is sent on after its callback
	ended     // nothing more is shown to the module, nothing more is sent on
)

// Actions that a callback returns. For a body callback 1 means StopIterationAndBuffer.
const (
	actionContinue             = 0
	actionStopIteration        = 1
	actionContinueAndEndStream = 2
)

// direction tells a stream's two flows apart; the numbers are the ABI's.
type direction uint32

const (
	requestFlow direction = iota
	responseFlow
)

// parts is a set of a message's parts.
type parts uint8

const (
	headersPart parts = 1 << iota
	bodyPart
	trailersPart
)

// flow is a request or a response on its way through the module. It is guarded
// by the VM's lock.
type flow struct {
	direction direction
	state     flowState

	headers, trailers pairs
	body              []byte // in a body callback all that it may read; later, the part that is held
	open              parts  // the parts that host functions may read and change now

	headersSent bool // the headers were sent on
	endShown    bool // the module has been shown the end

	unseen chunk  // arrived while the flow was paused
	out    output // released, but not sent on yet
}

// output is the part of a message that a flow releases, in the order in which
// it is sent.
type output struct {
	start    bool // headers are to be sent
	headers  pairs
	data     []byte
	end      bool // the message ends
	trailers pairs
}

func (o output) empty() bool { return !o.start && !o.end && len(o.data) == 0 }

// whole reports whether data is the whole body.
func (o output) whole() bool { return o.end && len(o.trailers) == 0 }

// chunk is a piece of a body from the client or the upstream.
type chunk struct {
	data     []byte
	end      bool
	trailers pairs // with end only; nil if there are none
	err      error // the peer broke off
}

// wantsBody reports whether the flow takes more of the body now. A paused flow
// takes as much as Envoy's buffers do; then the peer has to wait.
func (f *flow) wantsBody(limit int64) bool {
	switch {
	case f.endShown:
		return false
	case f.state == paused:
		return !f.unseen.end && int64(len(f.unseen.data)) < limit
	}
	return f.state == buffering || f.state == streaming
}

// release moves all that the flow holds to its output.
func (f *flow) release() {
	f.open &^= bodyPart
	if !f.headersSent {
		f.headersSent = true
		f.out.start = true
		f.out.headers = append(pairs(nil), f.headers...)
	}
	if len(f.out.data) == 0 {
		f.out.data = f.body
	} else {
		f.out.data = append(f.out.data, f.body...)
	}
	f.body = nil
	f.state = streaming
	if f.endShown {
		f.state = ended
		f.out.end = true
		f.out.trailers = append(pairs(nil), f.trailers...)
	}
}

// take empties the output.
func (f *flow) take() output {
	out := f.out
	f.out = output{}
	return out
}
