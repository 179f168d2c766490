package compare

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/trace"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// recordedReply is the reply to a call, with the part of the call that it depends on.
type recordedReply struct {
	target string // db.collection or URL
	failed bool   // the target answered no call, whatever it asked: the rest is not known

	find         *trace.Value
	columns      []string // nil: all
	limit        int
	body, claims *trace.Value
	reply        rules.Reply
}

// targetOf names the collection or the host that a call asks.
func targetOf(c *rules.Call) string {
	if c.Kind == rules.Query {
		return c.DB + "." + c.Col
	}
	return c.URL
}

// collect keeps the replies to the calls of a clause and of those inside it.
func (r *Recorded) collect(c *trace.Clause) {
	if c == nil {
		return
	}
	for _, call := range c.Calls {
		if call.Reply == nil || masked(call.Reply.Rows) || masked(call.Reply.Body) {
			continue
		}
		out := recordedReply{
			target: call.URL, find: call.Find, columns: call.Columns, limit: call.Limit, body: call.Body, claims: call.Claims,
			reply: rules.Reply{Status: call.Reply.Status, Err: call.Reply.Error},
		}
		if call.Kind == rules.Query.String() {
			out.target = call.DB + "." + call.Col
		}
		if call.Reply.Rows != nil {
			out.reply.Rows = value.Checked(string(call.Reply.Rows.JSON))
		}
		if call.Reply.Body != nil {
			out.reply.Body = string(call.Reply.Body.JSON)
		}
		r.replies = append(r.replies, out)
	}
	for _, in := range c.Clauses {
		r.collect(in)
	}
}

// answers reports whether the reply is the one that a call would get.
func (r *recordedReply) answers(c *rules.Call) bool {
	switch {
	case r.failed:
		// The decision log has scheme and host of a URL.
		return r.target == targetOf(c) || c.Kind != rules.Query && strings.HasPrefix(targetOf(c), r.target+"/")
	case r.target != targetOf(c):
		return false
	case c.Kind == rules.Query:
		rows := r.reply.Rows.Len()
		return asked(r.find, c.Find) && (c.Limit == r.limit || rows < r.limit && rows <= c.Limit) && within(c.Columns, r.columns)
	}
	// A masked body or claim is not known. Then the URL decides.
	return (masked(r.body) || asked(r.body, c.Body)) && (masked(r.claims) || asked(r.claims, c.Claims))
}

// asked reports whether a part of a recorded call is that of another call.
func asked(recorded *trace.Value, v value.Value) bool {
	if recorded == nil {
		return v.Kind() == value.Missing
	}
	return !masked(recorded) && v.Kind() != value.Missing && value.Equal(value.Checked(string(recorded.JSON)), v)
}

// within reports whether all columns that a rule reads are among those that were read.
func within(columns, read []string) bool {
	return read == nil || columns != nil && !slices.ContainsFunc(columns, func(c string) bool { return !slices.Contains(read, c) })
}

// recordedReplies answers calls with the replies that were recorded, each once unless
// the same call comes again.
type recordedReplies struct {
	replies []recordedReply
	used    []bool
}

// Answer implements simulate.Companion.
//
// Errors: a reply is not recorded.
func (c *recordedReplies) Answer(calls []rules.Call) (out []rules.Reply, _ error) {
	for i := range calls {
		reply, err := c.answer(&calls[i])
		if err != nil {
			return nil, err
		}
		out = append(out, reply)
	}
	return out, nil
}

func (c *recordedReplies) answer(call *rules.Call) (rules.Reply, error) {
	found, known := -1, false
	for i := range c.replies {
		known = known || c.replies[i].target == targetOf(call)
		if c.replies[i].answers(call) && (found < 0 || c.used[found] && !c.used[i]) {
			found = i
		}
	}
	if found < 0 {
		if known {
			return rules.Reply{}, fmt.Errorf("the reply of %s is recorded for another question", targetOf(call))
		}
		return rules.Reply{}, fmt.Errorf("the reply of %s is not recorded", targetOf(call))
	}
	c.used[found] = true
	reply := c.replies[found].reply
	reply.ID = call.ID
	return reply, nil
}
