package decide

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// Response is the response to one request that is being decided and rewritten.
// It refuses a response that it cannot rewrite as the rules say. It is not safe
// for concurrent use. The zero Response refuses.
type Response struct {
	actions  []rules.Edit // of the request's rule
	rule     *rules.Rule  // on the response; nil: none
	input    rules.Input  // of that rule; its Args are of the request as it went upstream
	eval     rules.Memory // of input
	limits   policy.Limits
	request  head
	resource *policy.Resource
	state    state

	head    responseHead
	body    string       // as the upstream sent it; "": none
	applied []rules.Edit // that have changed the body
	after   value.Value  // args.res, if the rule has changed it
	kept    int          // bytes of input.Args, if the request had a body

	calls // of both rules
	rewriting
}

// rewriting is the memory for the changes of a response.
type rewriting struct {
	room []byte // for the rewritten body, if that is short; its length is 0
	text string // the rewritten body
	set  [1][2]string
}

// maxRoom bounds the memory for a body that is kept for the next one.
const maxRoom = 16 << 10

// clear makes r a zero Response, which keeps memory for the next one.
func (r *Response) clear() {
	room := r.room
	*r = Response{}
	r.room = room
}

// Headers brings all fields of the response. If end is true, no body follows.
func (r *Response) Headers(headers [][2]string, end bool) Step {
	if !r.state.leave(awaitHeaders) {
		return r.withhold("headers out of turn")
	}
	h := &r.head
	h.read(headers, r.rule != nil && r.rule.Uses(rules.RootResponse))
	if err := r.addHeaders(h); err != nil {
		return r.withhold(err.Error())
	}
	if !r.needsBody() {
		return r.evaluate()
	}
	if h.status == 206 || h.status == 304 { // the request asked for neither a part nor a comparison
		return r.withhold("status " + strconv.Itoa(h.status))
	}
	if step, ok := r.withoutBody(); ok {
		return step
	}
	switch {
	case h.unreadable != nil:
		return r.withhold(h.unreadable.Error())
	case h.status < 200:
		return r.withhold("status " + strconv.Itoa(h.status))
	case end, r.toHEAD(), h.status == 204, h.length == 0:
		return r.evaluate()
	case h.length > r.MaxBody():
		return r.withhold("content-length beyond limits.responseBody")
	case httpfield.ParseMedia(h.types) != httpfield.JSON:
		return r.withhold("content-type is not JSON")
	}
	r.state = awaitBody
	return Step{Action: AwaitBody}
}

// Body brings the complete body.
func (r *Response) Body(text string) Step {
	if !r.state.leave(awaitBody) {
		return r.withhold("body out of turn")
	}
	if len(text) > r.MaxBody() {
		return r.TooLarge()
	}
	r.body = text
	if text != "" && r.rule != nil && r.rule.Uses(rules.RootRes) {
		res, err := value.Parse(text, r.limits.Depth)
		if err != nil {
			return r.withhold("the body is not valid JSON: " + err.Error())
		}
		r.input.Args = r.input.Args.With(rules.RootRes, res)
	}
	return r.evaluate()
}

// Replies brings the replies to the calls of the last Step. A call without a
// reply has failed.
func (r *Response) Replies(replies []rules.Reply) Step {
	if !r.state.leave(awaitReplies) {
		return r.withhold("replies out of turn")
	}
	r.record(replies)
	return r.evaluate()
}

// TooLarge refuses a body that grew beyond MaxBody before its end.
func (r *Response) TooLarge() Step {
	return r.withhold("body of more bytes than limits.responseBody")
}

// MaxBody is the greatest length that Body accepts, in bytes.
func (r *Response) MaxBody() int { return r.limits.ResponseBody }

// Kept returns the number of bytes of the request and its body that the rule on
// the response needs.
func (r *Response) Kept() int { return r.kept }

// RequestHeader returns the first value of a header of the request, whose name
// is in lower case.
func (r *Response) RequestHeader(name string) string { return r.request.value(name) }

// toHEAD reports whether the response has no body although its headers may
// describe one (RFC 9110, section 9.3.2).
func (r *Response) toHEAD() bool { return r.request.method == "HEAD" }

// needsBody reports whether a rule reads or rewrites the body.
func (r *Response) needsBody() bool {
	return len(r.actions) > 0 || r.rule != nil && (r.rule.Uses(rules.RootRes) || r.rule.HasResponse())
}

// Holds reports whether the response may be held until its body or replies to calls
// come.
func (r *Response) Holds() bool { return r.needsBody() || r.rule != nil && r.rule.Calls() }

func (r *Response) withhold(reason string) Step { return r.refuse(withheld(reason)) }

// Address adds the headers that every refusal of the response has, to one that its
// caller has made.
func (r *Response) Address(refusal *Refusal) { refusal.address(&r.request, r.resource) }

func (r *Response) refuse(refusal *Refusal) Step {
	r.state = ended
	refusal.complete("")
	refusal.address(&r.request, r.resource)
	refusal.Reason = "response: " + refusal.Reason
	return Step{Action: Refuse, Refusal: *refusal}
}

// responseHead is the content of a response's headers.
type responseHead struct {
	status     int
	length     int      // content-length; -1: none
	types      []string // of content-type
	firstTypes [2]string
	unreadable error    // the reason why the body cannot be read, if it cannot
	fields     grouped  // if a rule reads them
	described  []string // names of fields that describe the body
	opaque     []string // names of fields with a value that is not UTF-8
}

// read reads the headers. all: a rule reads them all.
func (h *responseHead) read(headers [][2]string, all bool) {
	h.length, h.types = -1, h.firstTypes[:0]
	if all {
		h.fields.members = make([]value.Member, 0, len(headers))
	}
	for _, f := range headers {
		name, text := strings.ToLower(f[0]), f[1]
		switch name {
		case ":status":
			h.status, _ = strconv.Atoi(text)
		case "content-length":
			n, err := parseLength(text)
			if err != nil || h.length >= 0 && n != h.length {
				h.unreadable = errLength
			}
			h.length = n
		case "content-type":
			h.types = append(h.types, text)
		case "content-encoding":
			if !httpfield.IsIdentity(text) {
				h.unreadable = errors.New("a content-encoding")
			}
		case "content-range":
			h.unreadable = errors.New("a content-range: a part of a document") // RFC 9110, section 15.3.7
		}
		if describesBody(name) {
			h.described = appendNew(h.described, name)
		}
		if all && !strings.HasPrefix(name, ":") {
			h.fields.add(name, text)
			if !utf8.ValidString(text) || !utf8.ValidString(name) {
				h.opaque = append(h.opaque, name)
			}
		}
	}
}

// describesBody reports whether a field, its name in lower case, describes the body as
// the upstream sent it (RFC 9530, RFC 9110, section 8.8.3; the checksums and lengths of
// object stores). A rewritten body loses it.
//
//go:noinline
func describesBody(name string) bool {
	switch name {
	case "etag", "last-modified", "accept-ranges", "x-goog-hash", "x-goog-stored-content-length":
		return true
	}
	for i := range len(name) {
		switch rest := name[i:]; rest[0] {
		case 'd', 'c', 'm', '-':
			for _, part := range bodyParts {
				if strings.HasPrefix(rest, part) {
					return true
				}
			}
		}
	}
	return false
}

// bodyParts are parts of the names of fields that describe a body.
var bodyParts = [...]string{"digest", "checksum", "md5", "-sha1", "-sha256", "-sha512"}

// BodyTrailers returns the names of those trailers of a response that describe
// its body. A body that may be rewritten loses them.
func BodyTrailers(trailers [][2]string) (names []string) {
	for _, t := range trailers {
		if describesBody(strings.ToLower(t[0])) {
			names = appendNew(names, strings.ToLower(t[0]))
		}
	}
	return names
}
