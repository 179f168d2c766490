// Package decide evaluates a policy's rules over one request and its response.
//
// A Request finds the resource of the policy that covers it, verifies its token,
// builds args and evaluates the rule. A Response does the same for the rule on
// the response, and rewrites the body. Both are pure: the caller brings headers,
// body and replies by the verbs Headers, Body and Replies, and carries out the
// Step that each of them returns. state.go has the order.
package decide

import (
	"github.com/rulegate/rulegate/rules"
)

// Action tells the caller how to go on with a request or a response.
type Action uint8

const (
	Refuse       Action = iota // send Refusal to the client, and nothing of the message on
	AwaitKeys                  // hold the request; call Keys when Keys changed, and now and then
	AwaitBody                  // hold the message, gather its whole body, call Body
	AwaitReplies               // hold the message, make Calls, call Replies
	Continue                   // apply Changes and let the message go on
)

// Step is the result of each verb. The zero Step refuses.
type Step struct {
	Action  Action
	Calls   []rules.Call // AwaitReplies
	Refusal Refusal      // Refuse
	Changes Changes      // Continue
	// Response decides the response to a request that continues; nil: no rule
	// reads or changes the response.
	Response *Response
	// GatherBody, with AwaitKeys, and with AwaitReplies before the body was asked
	// for: AwaitBody may follow, so gather the body meanwhile. If false, no byte of
	// the body is needed yet.
	GatherBody bool
}

// Changes are made to a message before it goes on: first the removals, then the
// settings.
type Changes struct {
	RemoveHeaders []string
	// SetHeaders replace all fields of their names. The entries of one name
	// follow each other; n entries make n lines.
	SetHeaders [][2]string
	Path       string  // of a request, with the query; "": unchanged
	Body       *string // nil: unchanged
}

// setHeader replaces a header by lines; without lines it is removed. It undoes
// an earlier setHeader of the same name.
func (c *Changes) setHeader(name string, lines []string) {
	kept := c.SetHeaders[:0]
	for _, h := range c.SetHeaders {
		if h[0] != name {
			kept = append(kept, h)
		}
	}
	c.SetHeaders = kept
	if len(lines) == 0 {
		c.RemoveHeaders = appendNew(c.RemoveHeaders, name)
	}
	for _, l := range lines {
		c.SetHeaders = append(c.SetHeaders, [2]string{name, l})
	}
}
