package gate

import (
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
)

// Mask rewrites the response to a request that was let through. What it cannot
// rewrite as the rule says does not go out.
type Mask struct {
	actions  []rules.ResponseAction
	limits   policy.Limits
	bodyless bool // the answer to HEAD has the headers of a body, and none
}

// MaskAction is what the caller does next with the response.
type MaskAction uint8

const (
	Block        MaskAction = iota // answer with Refusal; not a byte of the upstream's goes out
	AwaitContent                   // hold the headers, gather the whole body, call Body
	Pass                           // apply Changes and let the response go
)

// MaskStep is the answer to what the caller brought of the response. The zero
// one blocks.
type MaskStep struct {
	Action  MaskAction
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

// Headers looks at the response's headers; end says that nothing follows.
func (m *Mask) Headers(headers [][2]string, end bool) MaskStep {
	status, length, types := 0, -1, []string(nil)
	for _, h := range headers {
		switch strings.ToLower(h[0]) {
		case ":status":
			status, _ = strconv.Atoi(h[1])
		case "content-length":
			n, ok := decimal(h[1])
			if !ok || length >= 0 && n != length {
				return Blocked("content-length")
			}
			length = n
		case "content-type":
			types = append(types, h[1])
		case "content-encoding":
			return Blocked("a content-encoding")
		case "content-range":
			return Blocked("a part of a document") // RFC 9110, section 15.3.7
		}
	}
	switch {
	case status < 200 || status == 206:
		return Blocked("status " + strconv.Itoa(status))
	case end, m.bodyless, status == 204, status == 304, length == 0:
		return MaskStep{Action: Pass}
	case length > m.MaxBody():
		return Blocked("content-length beyond limits.responseBody")
	case mediaOf(types) != jsonBody:
		return Blocked("content-type is not JSON")
	}
	return MaskStep{Action: AwaitContent}
}

// stale are the headers that say something of the body as it was (RFC 9530, RFC
// 9110, section 8.8.3).
var stale = []string{"etag", "digest", "content-digest", "repr-digest", "content-md5", "accept-ranges"}

// Body brings the complete body.
func (m *Mask) Body(text string) MaskStep {
	if len(text) > m.MaxBody() {
		return m.TooLarge()
	}
	out, err := rules.ApplyResponse(text, m.actions, m.limits.Depth)
	if err != nil {
		return Blocked(err.Error())
	}
	step := MaskStep{Action: Pass}
	if out == text {
		return step
	}
	step.Changes = Changes{RemoveHeaders: stale, Body: &out, SetHeaders: [][2]string{{"content-length", strconv.Itoa(len(out))}}}
	return step
}
