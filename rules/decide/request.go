package decide

import (
	"errors"
	"io"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/route"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/value"
)

// Request is one request that is being decided. It is not safe for concurrent
// use. The zero Request refuses.
//
// A Request may be used again, so that its memory is: see Begin. Until then the
// Response that its Step has brought needs it.
type Request struct {
	// Rand is the source of the nonces of aes-gcm, on the response too; nil:
	// crypto/rand. It is set before Headers.
	Rand io.Reader
	// Tracer is told of the evaluations of the rules, of the one on the response too;
	// nil: nobody is. It is set before Headers.
	Tracer rules.Tracer

	engine     *Engine
	properties Properties // nil: none are known
	received   time.Time
	state      state
	came       [][2]string // its headers

	head     head
	resource *policy.Resource
	event    policy.Match   // tells the resource by the event's type; zero for other requests
	vars     []value.Member // captured from the path
	bodyless bool           // the request ends with its headers

	reached  reached        // by Passes
	touched  bool           // it is not as Begin has made it
	judged   judged         // by Passes
	asked    *introspection // of a token that nobody here can judge; nil: there is none
	token    string         // as it came; "": none was read
	apiKey   string         // likewise; a request has one of the two
	verified bool           // the token or the API key
	claims   value.Value
	memo     *token.Memo // of the token; nil: none
	reserved []string    // names of fields that the client sent and only the policy may set

	args        value.Value      // before the rule runs
	params      paramsSource     // of args.params
	pairs       []httpfield.Pair // of a form in the body
	body        value.Value      // if it is JSON
	bodyPending bool             // the body is not there yet, and a rule may read it
	docs        []value.Value    // the documents of a create with op all; the rule runs for each

	calls
	memory
}

// memory holds what a Request would else allocate.
type memory struct {
	input   rules.Input
	eval    rules.Memory
	members [4]value.Member // of args
	room    value.Room
	vars    [4]value.Member // captured from the path
	removed [4]string       // Changes.RemoveHeaders
	set     [1][2]string    // Changes.SetHeaders
	// argsRooms has the parts of args; nil: it was not needed yet.
	argsRooms *rooms
	response  *Response     // nil: none was needed yet
	opener    *value.Opener // of the claims of a new token; nil: none was needed yet
}

// paramsSource is the part of the request that args.params shows, and that gets
// the changes of args.params.
type paramsSource uint8

const (
	noParams     paramsSource = iota
	bodyParams                // the JSON body
	memberParams              // the member `params` of the JSON body
	formParams
	queryParams
	pathParams
)

// NewRequest returns a request that awaits its headers. received is the time
// for its token and for utils.now().
func (e *Engine) NewRequest(p Properties, received time.Time) *Request {
	r := &Request{}
	e.Begin(r, p, received)
	return r
}

// Begin makes r, which may be zero, cleared, or let through by Passes, await its headers.
func (e *Engine) Begin(r *Request, p Properties, received time.Time) {
	if r.touched {
		r.Clear()
	}
	r.engine, r.properties, r.received, r.state = e, p, received, awaitHeaders
	r.came, r.bodyless = nil, false
}

// maxKept is the length of a list up to which its memory is kept for the next
// request.
const maxKept = 64

// Clear makes r a zero Request, which keeps memory for the next one and nothing
// else: no byte of this one is seen again.
func (r *Request) Clear() {
	rooms, response, opener := r.argsRooms, r.memory.response, r.opener
	if rooms != nil {
		rooms.clear()
	}
	if response != nil {
		response.clear()
	}
	if opener != nil {
		opener.Clear()
	}
	fields, types := emptied(r.head.fields), emptied(r.head.types)
	*r = Request{} // in place: a literal with values would be made elsewhere, and copied
	r.head.fields, r.head.types, r.argsRooms, r.memory.response, r.opener = fields, types, rooms, response, opener
}

// Headers is Open and Decide.
func (r *Request) Headers(headers [][2]string, end bool) Step {
	r.Open(headers, end)
	return r.Decide()
}

// Open brings all fields in their order, pseudo-headers among them (RFC 9113, section
// 8.3). If end is true, neither a body nor trailers follow. The next call is Decide, or
// Passes and, if that says no, Decide.
func (r *Request) Open(headers [][2]string, end bool) {
	r.came, r.bodyless, r.reached = headers, end, nowhere
}

// Decide decides by the headers as far as they tell.
func (r *Request) Decide() Step {
	if !r.state.leave(awaitHeaders) {
		return r.refuse(outOfTurn("headers"))
	}
	r.touched = true
	switch r.reached {
	case args:
		return r.evaluate()
	case nowhere:
		r.judged = judged{}
		if refusal := r.readHead(); refusal != nil {
			return r.refuse(refusal)
		}
	}
	step := r.admit(r.received)
	r.judged.known, r.judged.isNew = false, false // later there may be other keys
	return step
}

// readHead reads the headers, and finds the resource.
func (r *Request) readHead() *Refusal {
	if err := r.head.read(r.came); err != nil {
		return malformed(err.Error())
	}
	match, err := r.engine.policy.FindIn(r.memory.vars[:0], r.head.method, r.head.host, r.head.path)
	if err != nil {
		return notFound(err)
	}
	r.resource, r.vars = match.Resource, match.Vars
	if match.HasTypes() {
		r.event = match
	}
	return nil
}

// Keys verifies the token again, with the keys that are there now.
func (r *Request) Keys(now time.Time) Step {
	if !r.state.leave(awaitKeys) {
		return r.refuse(outOfTurn("keys"))
	}
	return r.admit(now)
}

// Body brings the complete body.
func (r *Request) Body(text string) Step {
	if !r.state.leave(awaitBody) {
		return r.refuse(outOfTurn("body"))
	}
	r.bodyPending = false
	if len(text) > r.MaxBody() {
		return r.TooLarge()
	}
	if r.untyped() {
		return r.readEvent(text)
	}
	if refusal := r.readBody(text); refusal != nil {
		return r.refuse(refusal)
	}
	return r.evaluate()
}

// Replies brings the replies to the calls of the last Step. A call without a
// reply has failed.
func (r *Request) Replies(replies []rules.Reply) Step {
	if r.state == awaitIssuer {
		r.state = ended
		return r.introspected(replies)
	}
	if !r.state.leave(awaitReplies) {
		return r.refuse(outOfTurn("replies"))
	}
	r.record(replies)
	return r.evaluate()
}

// TooLarge refuses a body that grew beyond MaxBody before its end.
func (r *Request) TooLarge() Step {
	return r.refuse(tooLarge("body of more bytes than limits.requestBody"))
}

// MaxBody is the greatest length that Body accepts, in bytes.
func (r *Request) MaxBody() int { return r.engine.policy.Limits.RequestBody }

// Resource covers the request; nil if nothing does, or before Headers. The one of an
// event is known after Body; before, it is one without a rule.
func (r *Request) Resource() *policy.Resource { return r.resource }

// RequestHeader returns the first value of a header, whose name is in lower case.
func (r *Request) RequestHeader(name string) string { return r.head.value(name) }

// admit verifies the token and goes on to the rule.
func (r *Request) admit(now time.Time) Step {
	wait, refusal := r.authenticate(now)
	switch {
	case refusal != nil:
		return r.refuse(refusal)
	case wait == awaitKeys:
		r.state = awaitKeys
		return Step{Action: AwaitKeys, GatherBody: r.mayAwaitBody()}
	case wait == awaitIssuer:
		r.state = awaitIssuer
		return Step{Action: AwaitReplies, Calls: r.asked.calls, GatherBody: r.mayAwaitBody()}
	}
	return r.admitted()
}

// admitted goes on to the rule, once it is known who sent the request.
func (r *Request) admitted() Step {
	if r.untyped() {
		return r.awaitEvent()
	}
	// Not before the token was read: it may have come in a header that a rule sets.
	r.reserved = r.head.removeReserved(r.resource, r.mayAwaitBody())
	if refusal := r.checkConnection(); refusal != nil {
		return r.refuse(refusal)
	}
	if refusal := r.readHeaders(); refusal != nil {
		return r.refuse(refusal)
	}
	return r.evaluate()
}

// mayAwaitBody reports whether AwaitBody may come.
func (r *Request) mayAwaitBody() bool {
	if r.resource.Kind == policy.Event {
		return r.untyped() && !r.bodyless
	}
	return !r.bodyless && (r.resource.Kind == policy.Database || r.resource.Uses.Params)
}

// awaitBody asks for the body, unless the headers tell that it cannot be read.
func (r *Request) awaitBody() Step {
	h := &r.head
	if h.length > r.MaxBody() {
		return r.refuse(tooLarge("content-length beyond limits.requestBody"))
	}
	if h.upgrade {
		return r.refuse(wrongType("an upgrade, whose body has no end"))
	}
	// Without length, type or encoding the request may have no body: then its
	// type is required only once a body arrives.
	if h.length > 0 || len(h.types) > 0 || h.encoded {
		if _, refusal := r.media(); refusal != nil {
			return r.refuse(refusal)
		}
	}
	r.state = awaitBody
	return Step{Action: AwaitBody}
}

// Address adds the headers that every refusal of the request has, to one that its
// caller has made.
func (r *Request) Address(refusal *Refusal) { refusal.address(&r.head, r.resource) }

func (r *Request) refuse(refusal *Refusal) Step {
	r.state = ended
	refusal.complete("")
	refusal.address(&r.head, r.resource)
	return Step{Action: Refuse, Refusal: *refusal}
}

func notFound(err error) *Refusal {
	if _, bad := errors.AsType[*route.PathError](err); bad || errors.Is(err, route.ErrNoMethod) {
		return malformed(err.Error())
	}
	return &Refusal{Status: 403, Outcome: Uncovered, Reason: err.Error()}
}
