package wire

import (
	"errors"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/value"
)

// Group writes the calls of several streams as one request. The id of a call is its
// number in the request, from 0, so a reply names its call by a position.
//
// A grouped request has two members more than others: `group`, the time in
// milliseconds that the answered calls may wait for the others, and in each call
// `trace`, the headers that a request of its own would have. A call that has no answer
// by then is replied to by `later`: it goes on in the companion for a moment, in which
// the module asks again, without a group.
//
// A companion that does not know groups answers 400, because of `group`.
type Group struct {
	out   []byte
	asked []Asked // in the order of their numbers
}

// Asked is what is kept of a call of a group for the reply to it. It refers to nothing of
// the stream, which may be gone when the reply comes.
type Asked struct {
	id    string // the rule's, of the policy's text
	limit int
}

// groupWait is what a grouped request has as `group`, in milliseconds.
const groupWait = "10"

// Add adds the calls of one stream. If one of them is not complete, it adds none of
// them and fails.
func (g *Group) Add(calls []rules.Call, gateway string, trace [][2]string) error {
	if gateway == "" {
		gateway = defaultGateway
	}
	before, n := len(g.out), len(g.asked)
	e := encoder{gateway: gateway, out: g.out}
	for i := range calls {
		c := &calls[i]
		separator := ","
		if len(g.asked) == 0 {
			separator = `{"calls":[`
		}
		e.raw(separator)
		e.raw("{")
		e.text("id", strconv.Itoa(len(g.asked)))
		if err := e.question(c); err != nil {
			g.out, g.asked = e.out[:before], g.asked[:n]
			return lightfmt.Errorf("calls[%d]: %w", i, err)
		}
		if len(trace) > 0 {
			e.name("trace")
			e.raw("{")
			for _, h := range trace {
				e.text(h[0], h[1])
			}
			e.raw("}")
		}
		e.raw("}")
		g.asked = append(g.asked, Asked{id: strings.Clone(c.ID), limit: c.Limit})
	}
	g.out = e.out
	return nil
}

// Len is the number of calls.
func (g *Group) Len() int { return len(g.asked) }

// Size is the length of what was added, in bytes.
func (g *Group) Size() int { return len(g.out) }

// Body returns the body of the request, and makes the Group empty. The body is valid until
// the next Add.
func (g *Group) Body(n *Nonces) ([]byte, []Asked, error) {
	e, calls := encoder{out: g.out}, g.asked
	g.out, g.asked = g.out[:0], nil
	e.raw(`],"group":` + groupWait)
	if err := n.end(&e); err != nil {
		return nil, calls, err
	}
	if g.out = e.out[:0]; cap(e.out) > maxKept {
		g.out = nil
	}
	return e.out, calls, nil
}

// maxKept bounds the memory that a Group keeps for the next request, in bytes.
const maxKept = 64 << 10

var errOutOfOrder = errors.New("reply: want one to each call of the group, in their order")

// DecodeGroup reads the companion's answer to a group. The caller has checked its seal.
// Reply i is that to call i, and has its ID. later[i] says that there is no answer yet.
// An answer that has not exactly one reply to each call, in their order, fails as a
// whole: then there are no replies.
func DecodeGroup(body string, calls []Asked, maxDepth int) (replies []rules.Reply, later []bool, err error) {
	list, err := replyList(body, maxDepth)
	if err != nil {
		return nil, nil, err
	}
	n := 0
	replies, later = make([]rules.Reply, len(calls)), make([]bool, len(calls))
	list.Each(func(_ string, v value.Value) bool {
		id, _ := v.Key("id").Text()
		if n >= len(calls) || id != strconv.Itoa(n) {
			err = errOutOfOrder
			return false
		}
		r := &replies[n]
		if later[n] = v.Len() == 2 && v.Key("later").String() == "true"; !later[n] {
			var failed error
			if *r, failed = decode(v, &rules.Call{Kind: rules.Query, Limit: calls[n].limit}); failed != nil {
				r.Err = failed.Error()
			}
		}
		r.ID = calls[n].id
		n++
		return true
	})
	if err == nil && n != len(calls) {
		err = errOutOfOrder
	}
	if err != nil {
		return nil, nil, err
	}
	return replies, later, nil
}
