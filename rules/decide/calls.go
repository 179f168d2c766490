package decide

import (
	"slices"

	"github.com/rulegate/rulegate/rules"
)

// calls are the calls of one message to the companion, and their replies.
type calls struct {
	replies  memo
	awaiting []rules.Call // of the last Step
	made     int
}

// memo is rules.Replies. The first reply needs no map, and most messages have no other.
type memo struct {
	first rules.Reply // without an id: there is none
	more  rules.Memo
}

func (m *memo) Reply(c *rules.Call) (rules.Reply, bool) {
	if c.ID == m.first.ID && c.ID != "" {
		return m.first, true
	}
	return m.more.Reply(c)
}

func (m *memo) keep(r rules.Reply) {
	switch {
	case m.first.ID == "" || m.first.ID == r.ID:
		m.first = r
	case m.more == nil:
		m.more = rules.Memo{r.ID: r}
	default:
		m.more[r.ID] = r
	}
}

// newCalls returns those of the calls that have no reply yet, which are to be
// made now. limit bounds the calls of a request and its response together.
func (c *calls) newCalls(all []rules.Call, limit int) ([]rules.Call, *Refusal) {
	fresh := all
	if c.replies.first.ID != "" {
		fresh = nil
		for i := range all {
			if _, ok := c.replies.Reply(&all[i]); !ok {
				fresh = append(fresh, all[i])
			}
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
	for i := range c.awaiting {
		id := c.awaiting[i].ID
		reply := rules.Reply{ID: id, Err: "no reply"}
		if at := slices.IndexFunc(replies, func(r rules.Reply) bool { return r.ID == id }); at >= 0 {
			reply = replies[at]
		}
		c.replies.keep(reply)
	}
	c.awaiting = nil
}
