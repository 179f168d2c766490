package decide

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// Mask is the second half of a request's way: it decides about the response and
// rewrites it. What it cannot rewrite as the rules say does not go out.
//
//	Headers ──► AwaitContent ──► Body ──┐
//	   │   └──► AwaitAnswers ─► Replies ──► Pass
//	   └──────────────┴─────────────┴─────► Block
//
// A call out of turn blocks.
type Mask struct {
	actions  []rules.Edit // of the request's rule
	rule     *rules.Rule  // on the response; nil: none
	in       rules.Input  // of that rule: the request as it went upstream
	limits   policy.Limits
	head     *head
	bodyless bool // the answer to HEAD has the headers of a body, and none

	phase  maskPhase
	body   string // as the upstream sent it, "" when there is none
	ledger        // of both rules
}

// maskPhase is what a Mask waits for.
type maskPhase uint8

const (
	wantNothing maskPhase = iota
	wantHeaders
	wantContent
	wantAnswers
)

// MaskAction is what the caller does next with the response.
type MaskAction uint8

const (
	Block        MaskAction = iota // answer with Refusal; not a byte of the upstream's goes out
	AwaitContent                   // hold the headers, gather the whole body, call Body
	Pass                           // apply Changes and let the response go
	AwaitAnswers                   // hold the response, make Calls, call Replies
)

// MaskStep is the answer to what the caller brought of the response. The zero
// one blocks.
type MaskStep struct {
	Action  MaskAction
	Calls   []rules.Call
	Refusal Refusal
	Changes Changes
}

// MaxBody is how many bytes Body takes.
func (m *Mask) MaxBody() int { return m.limits.ResponseBody }

// TooLarge blocks a response that has grown beyond MaxBody before its end.
func (m *Mask) TooLarge() MaskStep { return Blocked("body of more bytes than limits.responseBody") }

// Blocked is the answer instead of a response that cannot be rewritten.
func Blocked(reason string) MaskStep {
	r := Refusal{Status: 502, Outcome: "blocked", Reason: "response: " + reason}
	r.complete("")
	return MaskStep{Refusal: r}
}

// Header is the first value of a header of the request, whose name is in lower
// case.
func (m *Mask) Header(name string) string { return m.head.value(name) }

// Headers looks at the response's headers; end says that nothing follows.
func (m *Mask) Headers(headers [][2]string, end bool) MaskStep {
	if m.phase != wantHeaders {
		return m.block("headers out of turn")
	}
	h := readResponseHead(headers)
	if fault := m.bring(h); fault != "" {
		return m.block(fault)
	}
	if !m.reads() {
		return m.decide()
	}
	switch {
	case h.fault != "":
		return m.block(h.fault)
	case h.status < 200 || h.status == 206:
		return m.block("status " + strconv.Itoa(h.status))
	case end, m.bodyless, h.status == 204, h.status == 304, h.length == 0:
		return m.decide()
	case h.length > m.MaxBody():
		return m.block("content-length beyond limits.responseBody")
	case httpfield.ParseMedia(h.types) != httpfield.JSON:
		return m.block("content-type is not JSON")
	}
	m.phase = wantContent
	return MaskStep{Action: AwaitContent}
}

// Body brings the complete body.
func (m *Mask) Body(text string) MaskStep {
	switch {
	case m.phase != wantContent:
		return m.block("body out of turn")
	case len(text) > m.MaxBody():
		m.phase = wantNothing
		return m.TooLarge()
	}
	m.body = text
	if text != "" && m.rule != nil && m.rule.Uses("res") {
		res, err := value.Parse(text, m.limits.Depth)
		if err != nil {
			return m.block("the body is not JSON that can be read: " + err.Error())
		}
		m.in.Args = m.in.Args.With("res", res)
	}
	return m.decide()
}

// Replies brings the replies to the calls of the last step.
func (m *Mask) Replies(rs []rules.Reply) MaskStep {
	if m.phase != wantAnswers {
		return m.block("replies out of turn")
	}
	m.record(rs)
	return m.decide()
}

func (m *Mask) block(reason string) MaskStep {
	m.phase = wantNothing
	return Blocked(reason)
}

// stale are the headers that say something of the body as it was (RFC 9530, RFC
// 9110, section 8.8.3).
var stale = []string{"etag", "digest", "content-digest", "repr-digest", "content-md5", "accept-ranges"}

// Stale lists the names among the trailers of a response that is held that say
// something of the body as it was.
func Stale(trailers [][2]string) (names []string) {
	for _, t := range trailers {
		if name := strings.ToLower(t[0]); slices.Contains(stale, name) {
			names = appendNew(names, name)
		}
	}
	return names
}

// rewrite applies the actions of both rules to a body: what the rule on the
// response has left of it, or the upstream's own.
func (m *Mask) rewrite(body string, actions []rules.Edit) MaskStep {
	m.phase = wantNothing
	if m.body == "" { // there is nothing to change
		if m.bodyless && (len(actions) > 0 || m.rule != nil && m.rule.Changes("res")) {
			// The headers of a HEAD are of the body that would not go out as it is.
			return MaskStep{Action: Pass, Changes: Changes{RemoveHeaders: append([]string{"content-length"}, stale...)}}
		}
		return MaskStep{Action: Pass}
	}
	out, err := rules.ApplyResponse(body, actions, m.limits.Depth)
	if err != nil {
		return Blocked(err.Error())
	}
	step := MaskStep{Action: Pass}
	if out == m.body {
		return step
	}
	step.Changes = Changes{RemoveHeaders: stale, Body: &out, SetHeaders: [][2]string{{"content-length", strconv.Itoa(len(out))}}}
	return step
}
