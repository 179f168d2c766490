package trace

import (
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// call shows a call and its reply.
func (n *node) call(r *Recorder, c *rules.Call, reply *rules.Reply) Call {
	most := r.o.Limits.Value
	out := Call{Kind: c.Kind.String(), DB: c.DB, Col: c.Col, Columns: c.Columns, URL: r.mask.Text(c.URL)}
	if c.Kind == rules.Query {
		out.Limit = c.Limit
	}
	out.Find = n.made(r, "find", c.Find)
	out.Claims = n.made(r, "claims", c.Claims)
	if n.operand("body") == nil {
		out.Body = r.mask.show(c.Body, r.mask.at(nil), most) // args
	} else {
		out.Body = n.made(r, "body", c.Body)
	}
	for _, h := range c.Headers {
		shown := n.made(r, rules.Join("headers", h[0]), value.Str(h[1]))
		text, _ := value.Checked(string(shown.JSON)).Text()
		out.Headers = append(out.Headers, Header{h[0], text})
	}
	if len(n.targets) > 0 {
		out.Store = n.targets[0].Text
	}
	if reply != nil {
		out.Reply = n.reply(r, c, reply)
	}
	return out
}

// operand returns the operand of a field, nil without one.
func (n *node) operand(field string) *rules.Operand {
	for i := range n.reads {
		if n.reads[i].Field == field {
			return &n.reads[i]
		}
	}
	return nil
}

// made shows a value that the clause has made of its operand.
func (n *node) made(r *Recorder, field string, v value.Value) *Value {
	o := rules.Operand{Value: v}
	if from := n.operand(field); from != nil {
		o.Reads = from.Reads
	}
	return r.mask.operand(&o, n.item, r.o.Limits.Value).Value
}

// reply shows a reply: its rows, or the body that is stored, by the place where it
// is stored.
func (n *node) reply(r *Recorder, c *rules.Call, reply *rules.Reply) *Reply {
	most := r.o.Limits.Value
	out := &Reply{Status: reply.Status, Error: r.mask.Text(shorten(reply.Err, most))}
	if reply.Err != "" {
		return out
	}
	var below []keys
	if len(n.targets) > 0 {
		below = r.mask.at(n.targets[0].path)
	}
	if c.Kind == rules.Query {
		out.Rows = r.mask.show(reply.Rows, below, most)
		return out
	}
	body, err := value.Parse(reply.Body, 64)
	switch {
	case err != nil && reply.Body != "":
		out.Body = r.mask.show(value.Str(reply.Body), below, most)
	case err == nil:
		out.Body = r.mask.show(body, below, most)
	}
	return out
}
