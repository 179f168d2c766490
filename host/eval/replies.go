package eval

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/rulegate/rulegate/host/companion/webhook"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/rulegate/rulegate/rules/wire"
)

// reply is a reply that a line gives. It serves every call that fits it.
type reply struct {
	kind rules.CallKind
	col  string // of a query; "" fits every collection
	rules.Reply
}

// replies answers the calls of an evaluation from the replies of its line.
type replies struct {
	given  []reply
	served map[string]rules.Reply // by the call's ID
	made   []rules.Call           // in the order of evaluation
}

// Reply returns the first given reply that fits.
func (s *replies) Reply(c *rules.Call) (rules.Reply, bool) {
	if r, ok := s.served[c.ID]; ok {
		return r, true
	}
	r := rules.Reply{Err: "no reply fits"}
	for _, x := range s.given {
		if x.kind == c.Kind && (x.col == "" || x.col == c.Col) {
			r = x.Reply
			break
		}
	}
	r.ID = c.ID
	s.served[c.ID] = r
	s.made = append(s.made, *c)
	return r, true
}

// calls are the calls that were made, as the companion would get them, without
// the members that only the companion needs. Webhooks have the headers that the
// companion would send.
func (e *Evaluator) calls(made []rules.Call, now time.Time) (value.Value, error) {
	if len(made) == 0 {
		return value.Arr(), nil
	}
	text, err := wire.Encode(made, gatewayID)
	if err != nil {
		return value.Value{}, fmt.Errorf("calls: %w", err)
	}
	doc, err := value.Parse(string(text), 2*maxDepth)
	if err != nil {
		return value.Value{}, fmt.Errorf("calls: %w", err)
	}
	var out []value.Value
	doc.Key("calls").Each(func(_ string, c value.Value) bool {
		call := &made[len(out)]
		if call.Kind == rules.Webhook {
			var headers value.Value
			if headers, err = e.headers(call, now); err != nil {
				return false
			}
			c = c.With("headers", headers)
		}
		var m []value.Member
		for _, name := range []string{"kind", "db", "col", "find", "url", "headers", "body"} {
			if x := c.Key(name); x.Kind() != value.Missing {
				m = append(m, member(name, x))
			}
		}
		out = append(out, value.Obj(m...))
		return true
	})
	if err != nil {
		return value.Value{}, fmt.Errorf("calls[%d]: %w", len(out), err)
	}
	return value.Arr(out...), nil
}

// headers returns the headers that the companion sends to a webhook.
func (e *Evaluator) headers(c *rules.Call, now time.Time) (value.Value, error) {
	call := webhook.Call{URL: c.URL, Gateway: gatewayID, Token: c.UserToken, Claims: c.Claims, Headers: c.Headers}
	fields, err := call.Fields(e.keys, now)
	if err != nil {
		return value.Value{}, err
	}
	var m []value.Member
	for _, f := range fields {
		m = append(m, member(f[0], value.Str(f[1])))
	}
	return value.Obj(m...), nil
}

func parseReplies(v value.Value) ([]reply, error) {
	if v.Kind() == value.Missing {
		return nil, nil
	}
	if v.Kind() != value.Array {
		return nil, fmt.Errorf("replies: want an array, found %v", v.Kind())
	}
	var out []reply
	var err error
	v.Each(func(_ string, x value.Value) bool {
		var r reply
		if r, err = parseReply(x); err != nil {
			err = fmt.Errorf("%s%w", rules.Elem("replies", len(out)), err)
			return false
		}
		out = append(out, r)
		return true
	})
	return out, err
}

// parseReply reads a reply. Its error begins with the place inside the reply.
func parseReply(v value.Value) (r reply, err error) {
	if v.Kind() != value.Object {
		return r, fmt.Errorf(": want an object, found %v", v.Kind())
	}
	var kind string
	for name, to := range map[string]*string{"kind": &kind, "col": &r.col, "error": &r.Err, "body": &r.Body} {
		x := optional(v, name)
		text, ok := x.Text()
		if !ok && x.Kind() != value.Missing {
			return r, fmt.Errorf(".%s: want a string, found %v", name, x.Kind())
		}
		*to = text
	}
	failed := optional(v, "error").Kind() != value.Missing
	if failed && r.Err == "" {
		r.Err = "failed"
	}
	switch kind {
	case rules.Query.String():
		r.kind, r.Rows = rules.Query, v.Key("rows")
		if !failed && r.Rows.Kind() == value.Missing {
			return r, errors.New(": want rows or error, found neither")
		}
	case rules.Webhook.String():
		r.kind = rules.Webhook
		text, _ := optional(v, "status").Number()
		r.Status, err = strconv.Atoi(text)
		if err != nil && !failed {
			return r, errors.New(".status: want an integer, or error")
		}
	default:
		return r, fmt.Errorf(".kind: want query or webhook, found %q", kind)
	}
	return r, nil
}
