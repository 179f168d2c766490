package decide

import (
	"slices"

	"github.com/rulegate/rulegate/rules"
)

// calls are the calls of one message to the companion, and their replies.
type calls struct {
	replies  rules.Memo
	awaiting []rules.Call // of the last Step
	made     int
}

// newCalls returns those of the calls that have no reply yet, which are to be
// made now. limit bounds the calls of a request and its response together.
func (c *calls) newCalls(all []rules.Call, limit int) ([]rules.Call, *Refusal) {
	var fresh []rules.Call
	for _, call := range all {
		if _, ok := c.replies[call.ID]; !ok {
			fresh = append(fresh, call)
		}
	}
	if len(fresh) == 0 {
		return nil, undecided("the rule waits for a reply, but has no call left to make")
	}
	if c.made += len(fresh); c.made > limit {
		return nil, tooLarge("more calls than limits.calls")
	}
	c.awaiting = fresh
	return fresh, nil
}

// record keeps the replies to the awaited calls. A call without a reply has
// failed; of two replies the first counts; others are ignored.
func (c *calls) record(replies []rules.Reply) {
	if c.replies == nil {
		c.replies = rules.Memo{}
	}
	for i := range c.awaiting {
		id := c.awaiting[i].ID
		reply := rules.Reply{ID: id, Err: "no reply"}
		if at := slices.IndexFunc(replies, func(r rules.Reply) bool { return r.ID == id }); at >= 0 {
			reply = replies[at]
		}
		c.replies[id] = reply
	}
	c.awaiting = nil
}
